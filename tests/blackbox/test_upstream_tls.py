"""https servers: verified unless switched off, asked by name; whatever fails is a 502."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import connect, head
from tests.pki import DAY, START, Identity, client, server, stranger, trust
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate


def serving(identity: Identity, folder: Path) -> ssl.SSLContext:
    """Return the context of an app with this certificate."""
    (folder / "app-ca.crt").write_bytes(trust().web.pem)
    files = identity.write(folder, "app")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


def one(url: str, **tls: Any) -> dict[str, Any]:
    """Return the keys of a configuration with this one server."""
    return {"upstream": None, "upstreams": {"app": {"servers": [url], "tls": tls}}}


def test_a_server_of_the_given_ca_is_spoken_to(start_gate: StartGate, tmp_path: Path):
    with Recorder(tls=serving(server(), tmp_path)) as app:
        gate = start_gate(**one(app.url, ca="app-ca.crt"))
        with connect(gate.port) as connection:
            for _ in range(2):
                assert connection.get("/x").body == app.body
        assert app.received().target == "/x"
        assert app.connections == 1


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        pytest.param(stranger().server("127.0.0.1"), "local issuer|self.signed", id="unknown CA"),
        pytest.param(server("app.test"), "IP address mismatch", id="another name"),
        pytest.param(
            trust().web.server("127.0.0.1", not_before=START - 9 * DAY, not_after=START - DAY),
            "expired",
            id="expired",
        ),
        pytest.param(trust().web.client("127.0.0.1"), "purpose", id="not a server's"),
    ],
)
def test_a_certificate_that_does_not_verify_is_a_502_and_the_log_says_why(
    start_gate: StartGate, tmp_path: Path, identity: Identity, reason: str
):
    """Not a byte of the request gets there."""
    with Recorder(tls=serving(identity, tmp_path)) as app:
        gate = start_gate(**one(app.url, ca="app-ca.crt"))
        with connect(gate.port) as connection:
            response = connection.get("/", "Accept: application/problem+json")
            assert response.status == 502
            assert b'"upstream_tls_failed"' in response.body
        gate.stderr.wait_for(rf"upstream_tls_failed.*127\.0\.0\.1:{app.port}.*({reason})")
        assert app.nothing_received()


def test_without_a_ca_the_systems_are_trusted_and_this_one_is_none_of_them(
    start_gate: StartGate, tmp_path: Path
):
    with Recorder(tls=serving(server(), tmp_path)) as app:
        gate = start_gate(app.url)
        with connect(gate.port) as connection:
            assert connection.get().status == 502


def test_verification_can_be_switched_off(start_gate: StartGate, tmp_path: Path):
    with Recorder(tls=serving(stranger().server("elsewhere.test"), tmp_path)) as app:
        gate = start_gate(**one(app.url, verify=False))
        with connect(gate.port) as connection:
            assert connection.get().status == 200


def test_the_name_that_is_configured_is_asked_for_and_verified(
    start_gate: StartGate, tmp_path: Path
):
    asked: list[str | None] = []
    context = serving(server("app.test"), tmp_path)
    context.sni_callback = lambda _object, name, _context: asked.append(name)
    with Recorder(tls=context) as app:
        gate = start_gate(**one(app.url, ca="app-ca.crt", server_name="app.test"))
        with connect(gate.port) as connection:
            assert connection.get().status == 200
    assert asked == ["app.test"]


def test_a_server_that_asks_for_a_certificate_gets_it(start_gate: StartGate, tmp_path: Path):
    client("good").write(tmp_path, "gate-client")
    files = {"certificate": "gate-client.crt", "private_key": "gate-client.key"}
    with Recorder(tls=asking(tmp_path)) as app:
        gate = start_gate(**one(app.url, ca="app-ca.crt", **files))
        with connect(gate.port) as connection:
            assert connection.get().status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_misses_a_certificate_is_told_apart(
    start_gate: StartGate, tmp_path: Path, version: ssl.TLSVersion
):
    """In TLS 1.3 it says so after the handshake, when the request is on its way."""
    context = asking(tmp_path)
    context.maximum_version = version
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        # Blocking: asyncio's server hangs up without an alert.
        app = threading.Thread(target=refuse_one, args=(listener, context))
        app.start()
        gate = start_gate(**one(f"https://127.0.0.1:{port}", ca="app-ca.crt"))
        with connect(gate.port) as connection:
            assert connection.get().status == 502
        gate.stderr.wait_for("upstream_tls_failed.*alert (certificate required|handshake failure)")
        app.join()


def refuse_one(listener: socket.socket, context: ssl.SSLContext) -> None:
    plain, _ = listener.accept()
    with plain, contextlib.suppress(ssl.SSLError):
        context.wrap_socket(plain, server_side=True)


def asking(folder: Path) -> ssl.SSLContext:
    context = serving(server(), folder)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=trust().ca_pem.decode())
    return context


def test_a_server_without_tls_is_told_apart(start_gate: StartGate):

    async def answer_in_plain(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await connection.until_closed()

    with Scripted(answer_in_plain) as app:
        gate = start_gate(f"https://127.0.0.1:{app.port}")
        with connect(gate.port) as connection:
            assert connection.get().status == 502
        gate.stderr.wait_for("upstream_tls_failed.*no TLS with")


def test_a_handshake_that_does_not_end_is_a_504(start_gate: StartGate):
    """``timeouts.connect`` counts it in."""

    async def say_nothing(connection: Connection) -> None:
        await connection.until_closed()

    with Scripted(say_nothing) as app:
        gate = start_gate(f"https://127.0.0.1:{app.port}", timeouts={"connect": 0.5})
        with connect(gate.port) as connection:
            assert connection.get().status == 504


def test_a_response_that_is_cut_off_never_looks_complete(start_gate: StartGate, tmp_path: Path):
    """The end of a close-delimited body is a close_notify; a bare FIN could be an attacker's."""

    async def cut(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
        connection.writer.get_extra_info("socket").shutdown(1)
        await connection.until_closed()

    with Scripted(cut, tls=serving(server(), tmp_path)) as app:
        gate = start_gate(**one(app.url, ca="app-ca.crt"))
        with connect(gate.port) as connection:
            connection.send(head("GET / HTTP/1.1", "Host: localhost"))
            assert not connection.rest().endswith(b"0\r\n\r\n")


def test_a_close_notify_ends_a_response(start_gate: StartGate, tmp_path: Path):
    async def end(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    with Scripted(end, tls=serving(server(), tmp_path)) as app:
        gate = start_gate(**one(app.url, ca="app-ca.crt"))
        with connect(gate.port) as connection:
            assert connection.get().body == b"all of it"


def test_a_reload_takes_the_new_ca_at_once(start_gate: StartGate, tmp_path: Path):
    """A connection that was made under the old one is not used again."""
    with Recorder(tls=serving(server(), tmp_path)) as app:
        gate = start_gate(**one(app.url, ca="app-ca.crt"))
        with connect(gate.port) as connection:
            assert connection.get().status == 200
            (tmp_path / "app-ca.crt").write_bytes(stranger().pem)
            gate.reload()
            assert connection.get().status == 502
