"""Clients that speak TLS in small pieces, in old versions, without a name, or half."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.gate import VERSIONS, Client, Gate, connect, context, head

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = head("GET / HTTP/1.1", "Host: localhost", "Connection: close")


def converse(gate: Gate, who: str, pieces: Callable[[bytes], list[bytes]]) -> bytes:
    """Make a request over memory BIOs and send what TLS makes of it in these pieces."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context(who).wrap_bio(incoming, outgoing, server_hostname="localhost")
    got = b""
    with socket.create_connection(("127.0.0.1", gate.port), timeout=20) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        steps: list[Callable[[], object]] = [tls.do_handshake, lambda: tls.write(REQUEST)]
        while True:
            try:
                while steps:
                    steps[0]()
                    steps.pop(0)
                if not (data := tls.read(65536)):
                    return got
                got += data
                continue
            except ssl.SSLWantReadError:
                pass
            for piece in pieces(outgoing.read()):
                sock.sendall(piece)
            data = sock.recv(65536)
            if data:
                incoming.write(data)
            else:
                incoming.write_eof()


@pytest.mark.parametrize("who", ["good", "none", "expired"])
def test_a_handshake_may_come_byte_by_byte(gate: Gate, who: str):
    """A fragmented ClientHello gets the same answer as a whole one."""
    answer = converse(gate, who, lambda data: [bytes([byte]) for byte in data])
    assert answer.startswith(b"HTTP/1.1 200 " if who == "good" else b"HTTP/1.1 403 ")


def test_the_request_may_come_in_the_same_segment_as_the_end_of_the_handshake(gate: Gate):
    """TLS 1.3: Finished and the first application data in one write."""
    assert converse(gate, "good", lambda data: [data]).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_a_client_without_a_server_name_is_served(gate: Gate, version: ssl.TLSVersion):
    """As a program that connects to an address."""
    tls = context("good", version=version)
    tls.check_hostname = False
    with Client(gate.port, tls, server_name=None) as connection:
        assert connection.get().status == 200


def test_a_client_of_an_old_version_is_turned_away(gate: Gate):
    """TLS 1.1 is not spoken (RFC 8996)."""
    tls = context("good")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        tls.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        Client(gate.port, tls)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_close_notify_ends_every_answered_connection(gate: Gate, version: ssl.TLSVersion):
    """Also a refused one: without it a client cannot tell the end from an attack."""
    for who in ("good", "none"):
        with connect(gate.port, who, version) as connection:
            connection.send(REQUEST)
            response = connection.response()
            assert response.complete
            assert connection.tls.recv(1) == b""


def test_a_client_that_says_goodbye_first_hears_an_answer_or_an_end(gate: Gate):
    """close_notify right behind the request: never a hang."""
    with connect(gate.port) as connection:
        connection.send(REQUEST)
        connection.sock.settimeout(10)
        # An error is one about answer bytes that came after our goodbye: fine, too.
        with contextlib.suppress(ssl.SSLError):
            connection.tls.unwrap().close()


@pytest.mark.parametrize("protocols", [["http/1.1"], ["h2", "http/1.1"], ["h2"], ["nonsense"]])
def test_alpn_never_promises_what_is_not_spoken(gate: Gate, protocols: list[str]):
    """Only HTTP/1.1, or an orderly refusal of the handshake (RFC 7301, section 3.2)."""
    tls = context("good")
    tls.set_alpn_protocols(protocols)
    if "http/1.1" not in protocols:
        with pytest.raises(ssl.SSLError, match="alert no application protocol"):
            Client(gate.port, tls)
        return
    with Client(gate.port, tls) as connection:
        assert connection.tls.selected_alpn_protocol() in {None, "http/1.1"}
        assert connection.get().status == 200
