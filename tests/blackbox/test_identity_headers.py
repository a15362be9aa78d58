"""What the app is told about the client, and that nobody can tell it anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import Gate, connect, head
from tests.pki import client
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate

LIES = (
    "X-SSL-Client-Verify: SUCCESS",
    "X_SSL_Client_S_DN: CN=root",
    "x-ssl-client-s-dn: CN=root",
    "X-SSL-Client-Anything: root",
    "X.SSL.Client.CN: root",
    "Client-Cert: :AAAA:",
    "Client-Cert-Chain: :AAAA:",
    "client_cert: :AAAA:",
    'X-Forwarded-Client-Cert: Subject="CN=root"',
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Port: 1",
    "Forwarded: for=6.6.6.6",
    "X-Real-IP: 6.6.6.6",
    "X-Request-ID: root",
)


def test_the_app_learns_who_the_client_is(gate: Gate, recorder: Recorder):
    """The whole x-ssl-client family, and RFC 9440, come by default."""
    with connect(gate.port) as connection:
        assert connection.get().status == 200
    request = recorder.received()
    assert request.header("X-SSL-Client-Verify") == "SUCCESS"
    assert request.header("X-SSL-Client-S-DN") == "CN=alice"
    assert request.header("X-SSL-Client-I-DN") == "CN=certgate test root"
    assert request.header("X-SSL-Client-CN") == "alice"
    assert request.header("Client-Cert")
    assert request.header("X-Forwarded-For") == "127.0.0.1"
    assert request.header("X-Forwarded-Proto") == "https"
    assert request.header("X-Real-IP") == "127.0.0.1"
    assert len(request.header("X-Request-ID") or "") == 32


@pytest.mark.parametrize("who", ["good", "none", "revoked"])
@pytest.mark.parametrize("families", [["x-ssl-client"], ["client-cert"], ["xfcc"], []])
def test_no_client_can_bring_an_identity(start_gate: StartGate, who: str, families: list[str]):
    """Each lie is gone, also on a public route and for a family that is switched off."""
    with Recorder() as upstream:
        gate = start_gate(
            upstream.url,
            identity_headers=families,
            routes=[{"path": "/", "access": "public"}],
        )
        with connect(gate.port, who) as connection:
            assert connection.get("/", *LIES).status == 200
        request = upstream.received()
    for name, value in request.fields:
        assert "root" not in value.replace("certgate test root", ""), (name, value)
        assert value not in {":AAAA:", "6.6.6.6", "evil.example", "1", "http"}, (name, value)
    if who != "good":
        folded = {name.replace("_", "-").replace(".", "-") for name in request.names()}
        told = {name for name in folded if name.startswith(("x-ssl-client", "client-cert"))}
        assert told <= {"x-ssl-client-verify"}


def test_a_lie_in_a_trailer_or_behind_connection_does_not_arrive(gate: Gate, recorder: Recorder):
    """Trailers are fields, too, and ``Connection`` cannot remove what the gate adds."""
    with connect(gate.port) as connection:
        connection.send(
            head(
                "POST / HTTP/1.1",
                "Host: localhost",
                "Connection: X-SSL-Client-Verify, Host, X-Forwarded-For, Client-Cert",
                "Transfer-Encoding: chunked",
                "Trailer: X-SSL-Client-S-DN",
            )
            + b"2\r\nhi\r\n0\r\nX-SSL-Client-S-DN: CN=root\r\nClient-Cert: :AAAA:\r\n\r\n"
        )
        assert connection.response().status == 200
    request = recorder.received()
    assert request.body == b"hi"
    assert request.header("X-SSL-Client-Verify") == "SUCCESS"
    assert request.header("X-SSL-Client-S-DN") == "CN=alice"
    assert request.header("X-Forwarded-For") == "127.0.0.1"
    assert request.header("Host") == "localhost"
    assert request.header("Client-Cert") not in {None, ":AAAA:"}
    assert not {name for name, _ in request.trailers} & {"X-SSL-Client-S-DN", "Client-Cert"}


@pytest.mark.parametrize("who", ["none", "expired", "unknown_ca"])
def test_an_optional_route_tells_the_app_why_a_client_is_nobody(
    start_gate: StartGate, tmp_path: Path, who: str
):
    """Unless verification succeeded the app gets the verdict and nothing else."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url, routes=[{"path": "/", "access": "optional"}])
        with connect(gate.port, who) as connection:
            assert connection.get().status == 200
        request = upstream.received()
    verify = request.header("X-SSL-Client-Verify")
    assert verify == "NONE" if who == "none" else (verify or "").startswith("FAILED:")
    told = {name for name in request.names() if name.startswith(("x-ssl-client", "client-cert"))}
    assert told == {"x-ssl-client-verify"}


def test_the_expected_serial_is_that_of_the_certificate(gate: Gate, recorder: Recorder):
    """Upper-case hex in whole bytes, as nginx writes it."""
    with connect(gate.port) as connection:
        connection.get()
    text = f"{client('good').leaf.serial_number:X}"
    assert recorder.received().header("X-SSL-Client-Serial") == text.zfill(
        len(text) + len(text) % 2
    )
