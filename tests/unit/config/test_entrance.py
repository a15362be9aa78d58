"""Where a gate is entered: at a glance the same as by the whole loader, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.config.addresses import Address
from proxy.config.entrance import Door, Entrance, glance
from proxy.config.environment import load_from_environment
from proxy.config.listen_addresses import Descriptor, SocketPath
from proxy.config.load import load
from tests.unit.config.configs import CORPUS
from tests.unit.config.test_corpus import BAD, ENVIRON, GOOD

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = Address("127.0.0.1", 8443)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_glance_sees_what_the_loader_reads(path: Path):
    assert glance(path, ENVIRON) == Entrance.of(load(path, ENVIRON).config)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_no_reason_to_fail(path: Path):
    """It may have become bad since the gate read it, and still say where the gate is."""
    seen = glance(path, ENVIRON)
    assert seen is None or seen.doors


@pytest.mark.parametrize(
    ("text", "doors"),
    [
        ("", None),
        ("x: 1", (Door(Address("0.0.0.0", 8443)),)),
        ("listen: 127.0.0.1:8443", (Door(LOCAL),)),
        ("listen: ${WHERE}", (Door(LOCAL),)),
        ("listen: ${NOWHERE}", None),
        ("listen: {address: 127.0.0.1:8443, proxy_protocol: true}", (Door(LOCAL, True),)),
        (
            "listen: [fd:3, unix:/a, {address: 80, redirect_to_port: 443}]",
            (
                Door(Descriptor(3)),
                Door(SocketPath("/a")),
                Door(Address("", 80), redirects=True),
            ),
        ),
        ('tls: {private_key: "${NOWHERE}"}', (Door(Address("0.0.0.0", 8443)),)),
        ("listen: []", None),
        ("listen:", None),
        ("listen: {}", None),
        ("listen: [[1]]", None),
        ("listen: nowhere", None),
        ("listen: {address: 1, adress: 2}", None),
        ("listen: {address: 1, proxy_protocol: on}", None),
        ("listen: {address: 1, proxy_protocol: []}", None),
        ("listen: 1\nlisten: 2", None),
        ("listen: [", None),
        ("client_auth: {reject_with: slap}", None),
        ("client_auth: 1", None),
        ("- 1", None),
    ],
)
def test_what_is_odd_is_left_to_the_loader(
    tmp_path: Path, text: str, doors: tuple[Door, ...] | None
):
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    seen = glance(path, {"WHERE": "127.0.0.1:8443"})
    assert (seen and seen.doors) == doors


def test_a_gate_that_refuses_in_the_handshake(tmp_path: Path):
    path = tmp_path / "gate.yaml"
    path.write_text("client_auth: {reject_with: alert}")
    seen = glance(path, {})
    assert seen is not None
    assert seen.refuses_in_handshake


@pytest.mark.parametrize("content", [b"\xff", b"x: " + b"1" * 300_000])
def test_a_file_that_is_no_usual_text(tmp_path: Path, content: bytes):
    path = tmp_path / "gate.yaml"
    path.write_bytes(content)
    assert glance(path, {}) is None
    assert glance(tmp_path / "nothing", {}) is None


def test_the_environment_is_a_configuration_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(CORPUS)
    environ = {
        "CERTGATE_UPSTREAM": "3000",
        "CERTGATE_CERTIFICATE": "server.crt",
        "CERTGATE_PRIVATE_KEY": "server-key.pem",
        "CERTGATE_CLIENT_CA": "ca.crt",
    }
    assert glance(None, environ) == Entrance.of(load_from_environment(environ).config)
    environ["CERTGATE_LISTEN"] = "127.0.0.1:8443"
    assert glance(None, environ) == Entrance.of(load_from_environment(environ).config)
    assert glance(None, {}) is None
    path = tmp_path / "gate.yaml"
    path.write_text("listen: 127.0.0.1:8443")
    seen = glance(None, {"CERTGATE_CONFIG": str(path)})
    assert seen is not None
    assert seen.doors == (Door(LOCAL),)
