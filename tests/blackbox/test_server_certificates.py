"""The gate's own certificate: by name, wildcard, default; RSA and EC; encrypted keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import TLS12, TLS13, VERSIONS, Client, connect, context
from tests.pki import rsa_key, server, trust
from tests.upstreams import Recorder

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from tests.gate.fixtures import StartGate


def names_shown(port: int, server_name: str | None) -> set[str]:
    tls = context("good")
    tls.check_hostname = False
    with Client(port, tls, server_name=server_name) as connection:
        shown = connection.tls.getpeercert()
        assert shown
        assert connection.get().status in {200, 502}
        return {value for kind, value in shown["subjectAltName"] if kind == "DNS"}


def test_the_name_that_the_client_asks_for_picks_the_certificate(
    start_gate: StartGate, tmp_path: Path
):
    """Exact, in upper case, by wildcard; anything else gets the first one."""
    server("other.example").write(tmp_path, "other")
    server("*.wild.example").write(tmp_path, "wild")
    gate = start_gate(
        tls={
            "certificate": "server.crt",
            "private_key": "server.key",
            "server_names": [
                {"name": "other.example", "certificate": "other.crt", "private_key": "other.key"},
                {"name": "*.wild.example", "certificate": "wild.crt", "private_key": "wild.key"},
            ],
        }
    )
    assert names_shown(gate.port, "other.example") == {"other.example"}
    assert names_shown(gate.port, "OTHER.example") == {"other.example"}
    assert names_shown(gate.port, "a.wild.example") == {"*.wild.example"}
    assert names_shown(gate.port, "a.b.wild.example") == {"localhost"}
    assert names_shown(gate.port, "localhost") == {"localhost"}
    assert names_shown(gate.port, "unknown.example") == {"localhost"}
    assert names_shown(gate.port, None) == {"localhost"}


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
@pytest.mark.parametrize("who", ["none", "expired", "revoked", "good"])
def test_every_name_has_the_same_rule(
    start_gate: StartGate, tmp_path: Path, who: str, version: ssl.TLSVersion
):
    """SNI picks a certificate, never another set of trusted CAs."""
    server("other.example").write(tmp_path, "other")
    with Recorder() as upstream:
        gate = start_gate(
            upstream.url,
            tls={
                "certificate": "server.crt",
                "private_key": "server.key",
                "server_names": [
                    {
                        "name": "other.example",
                        "certificate": "other.crt",
                        "private_key": "other.key",
                    }
                ],
            },
        )
        tls = context(who, version=version)
        with Client(gate.port, tls, server_name="other.example") as connection:
            assert connection.get("/").status == (200 if who == "good" else 403)


def test_an_encrypted_key_is_opened_with_its_passphrase_file(start_gate: StartGate, tmp_path: Path):
    """Only the first line counts."""
    server().write(tmp_path, "locked", passphrase=b"open sesame")
    (tmp_path / "passphrase").write_text("open sesame\nnot this\n")
    with Recorder() as upstream:
        gate = start_gate(
            upstream.url,
            tls={
                "certificate": "locked.crt",
                "private_key": "locked.key",
                "private_key_passphrase_file": "passphrase",
            },
        )
        with connect(gate.port) as connection:
            assert connection.get().status == 200


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_an_rsa_server_key_works(start_gate: StartGate, tmp_path: Path, version: ssl.TLSVersion):
    """As most certificates of companies are."""
    trust().web.server(key=rsa_key(2048)).write(tmp_path, "rsa")
    with Recorder() as upstream:
        gate = start_gate(upstream.url, tls={"certificate": "rsa.crt", "private_key": "rsa.key"})
        with connect(gate.port, "good", version) as connection:
            assert connection.get().status == 200


def test_min_version_is_kept(start_gate: StartGate):
    """1.2 is refused where 1.3 is asked for."""
    with Recorder() as upstream:
        gate = start_gate(
            upstream.url,
            tls={"certificate": "server.crt", "private_key": "server.key", "min_version": "1.3"},
        )
        with connect(gate.port, "good", TLS13) as connection:
            assert connection.get().status == 200
        with pytest.raises(OSError):
            connect(gate.port, "good", TLS12)
