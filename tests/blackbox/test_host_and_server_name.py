"""Whatever name TLS was asked for, and whatever Host says: one rule, hence no 421.

Where server names have client rules of their own, naming one and asking for another lets strangers
in (CVE-2025-23419 and its relatives). Here no name picks a rule; these tests hold that.
"""

from __future__ import annotations

import socket
import ssl
import struct
from typing import TYPE_CHECKING

import pytest

from tests.gate import Client, Gate, context, head, running_gate
from tests.pki import server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.upstreams import Recorder

WHO = pytest.mark.parametrize("who", ["none", "expired", "unknown_ca", "revoked", "good"])
NAMES = ["localhost", "other.example", "OTHER.example", "a.wild.example", "unknown.example"]


@pytest.fixture(scope="module")
def gate(shared_recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate with a certificate, and a route, for each of several names."""
    folder = tmp_path_factory.mktemp("names")
    for name, file in (("other.example", "other"), ("*.wild.example", "wild")):
        server(name).write(folder, file)
    files = {"certificate": "server.crt", "private_key": "server.key"}
    other = {"certificate": "other.crt", "private_key": "other.key"}
    wild = {"certificate": "wild.crt", "private_key": "wild.key"}
    with running_gate(
        folder,
        shared_recorder.url,
        tls={
            **files,
            "server_names": [
                {"name": "other.example", **other},
                {"name": "*.wild.example", **wild},
            ],
        },
        routes=[
            {"path": "/"},
            {"host": "other.example", "path": "/"},
            {"host": "*.wild.example", "path": "/"},
            {"host": "public.example", "path": "/", "access": "public"},
        ],
    ) as running:
        yield running


def status(port: int, who: str, server_name: str | None, host: str) -> int:
    tls = context(who)
    tls.check_hostname = False
    with Client(port, tls, server_name=server_name) as connection:
        return connection.get("/", host=host).status


@WHO
def test_the_verdict_is_the_same_for_every_pair_of_names(gate: Gate, who: str):
    wanted = 200 if who == "good" else 403
    pairs = [(name, host) for name in [None, *NAMES] for host in NAMES]
    found = {pair: status(gate.port, who, *pair) for pair in pairs}
    assert found == dict.fromkeys(pairs, wanted)


@pytest.mark.parametrize("name", [None, "public.example", "other.example"])
def test_a_public_host_is_public_by_its_route_alone(gate: Gate, name: str | None):
    """And its connection is no way to the others."""
    tls = context("none")
    tls.check_hostname = False
    with Client(gate.port, tls, server_name=name) as connection:
        assert connection.get("/", host="public.example").status == 200
        assert connection.get("/", host="other.example").status == 403


def in_small_records(flight: bytes) -> bytes:
    """Return a flight whose first record is cut into many (RFC 8446, section 5.1)."""
    kind, version, length = struct.unpack_from("!BHH", flight)
    message, rest = flight[5 : 5 + length], flight[5 + length :]
    pieces = [message[at : at + 50] for at in range(0, length, 50)]
    return b"".join(struct.pack("!BHH", kind, version, len(one)) + one for one in pieces) + rest


def answer(port: int, who: str, name: str) -> bytes:
    """Return the answer to a request whose ClientHello came in many records."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = context(who)
    made.check_hostname = False
    tls = made.wrap_bio(incoming, outgoing, server_hostname=name)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        sock.sendall(in_small_records(outgoing.read()))
        is_done = False
        while True:
            try:
                if not is_done:
                    tls.do_handshake()
                    is_done = True
                    tls.write(head("GET / HTTP/1.1", "Host: other.example"))
                    sock.sendall(outgoing.read())
                return tls.read(65536)
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                data = sock.recv(65536)
                assert data, "the gate closed the connection"
                incoming.write(data)


@WHO
@pytest.mark.parametrize("name", ["localhost", "other.example", "a.wild.example"])
def test_a_hello_in_many_records_makes_no_difference(gate: Gate, who: str, name: str):
    """The name in it may be cut anywhere; nothing here looks for it in the first record."""
    wanted = b"HTTP/1.1 200 " if who == "good" else b"HTTP/1.1 403 "
    assert answer(gate.port, who, name).startswith(wanted)
