"""One connection between its two buffers, with a real client at the other end."""

from __future__ import annotations

import gc
import ssl
import weakref
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from proxy.tls.failure import TLSError
from proxy.tls.openssl import error_queue_is_empty
from proxy.tls.peer import read_peer
from tests.pki import client
from tests.unit.tls.memory import (
    BOTH_VERSIONS,
    TLS_1_3,
    Joined,
    client_context,
    gate,
    join,
    open_ends,
    server_certificate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = bytes(range(256)) * 1024  # sixteen records


@pytest.fixture(params=BOTH_VERSIONS[1])
def ends(request: pytest.FixtureRequest) -> Joined:
    return join(gate(), client("good"), version=request.param)


def test_plaintext_goes_both_ways(ends: Joined):
    ends.client.write(b"ping")
    ends.to_server()
    assert ends.server.read(100) == b"ping"
    ends.server.write(b"pong")
    ends.back()
    assert ends.client.read(100) == b"pong"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_write_takes_all_and_every_kind_of_buffer(ends: Joined, kind: type):
    ends.server.write(kind(LONG))
    ends.back()
    received = b"".join(ends.client.read(1 << 20) for _ in range(16))
    assert received == LONG


def test_a_buffer_that_was_written_can_change_its_size(ends: Joined):
    data = bytearray(b"abc")
    ends.server.write(data)
    data.clear()
    assert not data


def test_a_buffer_that_was_not_written_can_change_its_size_as_well(ends: Joined):
    """Also while the error lives, whose traceback holds the frame."""
    ends.server.shutdown()
    data = bytearray(b"abc")
    with pytest.raises(TLSError) as caught:
        ends.server.write(data)
    data.clear()
    assert caught.value.__traceback__


@pytest.mark.parametrize("kind", [bytearray, memoryview, lambda data: memoryview(data).cast("H")])
def test_a_buffer_of_any_items_goes_out_in_bytes(
    ends: Joined, kind: Callable[[bytes], bytearray | memoryview]
):
    ends.server.write(kind(b"abcdef"))
    ends.back()
    assert ends.client.read(100) == b"abcdef"


def test_a_buffer_with_holes_is_not_written(ends: Joined):
    while ends.server.drain(1000):
        pass
    with pytest.raises(BufferError):
        ends.server.write(memoryview(b"abcdef")[::2])
    assert ends.server.drain(1000) == b""


def test_sizes_of_nothing(ends: Joined):
    ends.server.feed(b"")
    assert ends.server.drain(0) == b""
    assert ends.server.read(1) is None
    with pytest.raises(TLSError):
        ends.server.write(b"")
    assert error_queue_is_empty()
    ends.server.write(b"more")
    ends.back()
    assert ends.client.read(100) == b"more"


def test_what_came_before_the_cut_is_read_first(ends: Joined):
    ends.client.write(b"last words")
    ends.to_server()
    ends.server.feed_end()
    assert ends.server.read(100) == b"last words"
    for _ in range(2):
        with pytest.raises(TLSError):
            ends.server.read(100)
    ends.client.write(b"after the end")
    ends.to_server()
    with pytest.raises(TLSError):
        ends.server.read(100)
    assert error_queue_is_empty()


def test_a_read_takes_no_more_than_asked_for(ends: Joined):
    ends.client.write(b"abcdef")
    ends.to_server()
    assert ends.server.read(4) == b"abcd"
    assert ends.server.pending() == 2
    assert ends.server.read(4) == b"ef"
    assert ends.server.read(4) is None


def test_a_drain_takes_no_more_than_asked_for(ends: Joined):
    while ends.server.drain(1000):
        pass
    ends.server.write(b"x" * 100)
    first = ends.server.drain(50)
    assert len(first) == 50
    rest = ends.server.drain(1000)
    ends.to_client.write(first + rest)
    assert ends.client.read(1000) == b"x" * 100
    assert ends.server.drain(1000) == b""


def test_a_close_notify_is_the_end(ends: Joined):
    with pytest.raises(ssl.SSLWantReadError):
        ends.client.unwrap()
    ends.to_server()
    assert ends.server.read(10) == b""
    assert ends.server.read(10) == b""
    assert ends.server.shutdown() is True


def test_a_cut_is_an_error(ends: Joined):
    ends.server.feed_end()
    with pytest.raises(TLSError) as caught:
        ends.server.read(10)
    assert caught.value.reason == "connection lost"
    assert error_queue_is_empty()


def test_a_record_that_does_not_decrypt_is_an_error(ends: Joined):
    ends.server.feed(b"\x17\x03\x03\x00\x20" + b"\0" * 32)
    with pytest.raises(TLSError) as caught:
        ends.server.read(10)
    assert caught.value.number == ssl.SSL_ERROR_SSL
    assert "mac" in caught.value.reason
    assert error_queue_is_empty()
    assert ends.server.drain(100), "the alert"


def test_nothing_can_be_written_after_the_end(ends: Joined):
    assert ends.server.shutdown() is False
    with pytest.raises(TLSError, match="protocol is shutdown"):
        ends.server.write(b"too late")
    assert error_queue_is_empty()


def test_a_shutdown_in_the_handshake_is_an_error():
    server = gate().new_connection()
    server.feed(b"\x16\x03\x01")
    assert server.handshake() is False
    with pytest.raises(TLSError, match="shutdown while in init"):
        server.shutdown()


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_it_tells_what_was_agreed_upon(version: ssl.TLSVersion):
    ends = join(gate(), client("good"), version=version)
    assert ends.server.version == ends.client.version()
    assert ends.server.is_tls_1_3 is (version is TLS_1_3)
    agreed = ends.client.cipher()
    assert agreed is not None
    assert ends.server.cipher == agreed[0]
    assert ends.server.suite() == agreed
    assert ends.server.application_protocol == ""


def test_before_the_handshake_nothing_is_agreed_upon():
    server = gate().new_connection()
    assert server.cipher == ""
    assert server.suite() is None
    assert server.path() == []
    assert server.leaf() is None


def test_it_holds_the_context_that_made_it():
    context = gate()
    compiled = weakref.ref(context.freeze().context)
    server = context.new_connection()
    del context
    assert compiled() is server.context.context


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_a_context_that_is_gone_serves_the_handshakes_it_began(version: ssl.TLSVersion):
    """As after a reload: the callbacks for name and protocol are the old context's."""
    context = gate(by_name={"localhost": server_certificate("localhost")}, alpn=("http/1.1",))
    compiled = weakref.ref(context.freeze().context)
    who = client_context(client("expired"), version)
    who.set_alpn_protocols(["http/1.1"])
    ends = open_ends(context, who)
    del context
    gc.collect()
    ends.shake_hands()
    assert ends.client.selected_alpn_protocol() == "http/1.1"
    assert ends.client.getpeercert()["subject"] == ((("commonName", "localhost"),),)  # type: ignore[index]
    assert read_peer(ends.server).errors
    del ends
    gc.collect()
    assert compiled() is None


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("after", [0, 1, 10, 300, 1500])
def test_a_connection_may_go_in_the_midst_of_a_handshake(version: ssl.TLSVersion, after: int):
    ends = open_ends(gate(), client_context(client("good"), version))
    connection = weakref.ref(ends.server)
    with pytest.raises(ssl.SSLWantReadError):
        ends.client.do_handshake()
    ends.to_server(lambda data: data[:after])
    assert ends.server.handshake() is False
    del ends
    assert connection() is None
    assert error_queue_is_empty()


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("kind", ["good", "with_intermediate_and_root", "expired"])
def test_all_that_the_client_sends_is_presented_in_its_order(kind: str, version: ssl.TLSVersion):
    who = client(kind)
    sent = join(gate(), who, version=version).server.presented()
    assert sent == tuple(one.public_bytes(Encoding.DER) for one in who.certificates)


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_a_client_without_a_certificate_presents_nothing(version: ssl.TLSVersion):
    assert join(gate(), None, version=version).server.presented() == ()
    assert gate().new_connection().presented() == ()
