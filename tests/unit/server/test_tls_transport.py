"""TLS over a socket: records, ends, back-pressure, and what happens after the end."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from proxy.server import tls_transport
from proxy.server.handshake import Handshake
from proxy.server.tls_transport import TLSTransport
from proxy.tls.failure import TLSError
from tests.pki import client
from tests.unit.server.fakes import Socket, settle
from tests.unit.server.world import GET, OK, PORT
from tests.unit.tls.forger import APPLICATION_DATA, Forger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.server.world import Client, World

MANY = b"x" * 300_000


class Handler:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.events: list[str] = []
        self.act: Callable[[], None] = int

    def data_received(self, data: bytes) -> None:
        self.data.append(data)
        self.act()

    def end_received(self, *, clean: bool) -> None:
        self.events.append("clean end" if clean else "end")

    def connection_lost(self) -> None:
        self.events.append("lost")

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")


class Line:
    """A client, the transport of its connection, and a handler on top."""

    def __init__(self, world: World, version: ssl.TLSVersion | None = None) -> None:
        self.client: Client = world.client("good", version)
        self.socket: Socket = self.client.socket
        assert isinstance(self.socket.protocol, TLSTransport)
        self.transport = self.socket.protocol
        self.handler = Handler()
        self.transport._handler = self.handler


@pytest.fixture
async def line(world: World) -> Line:
    return Line(world)


async def test_a_record_goes_up_as_it_comes(line: Line):
    line.client.send(b"one")
    line.client.send(b"two")
    assert line.handler.data == [b"one", b"two"]


async def test_several_records_go_up_as_one_piece(line: Line):
    sealed = line.client.sealed(b"one") + line.client.sealed(b"two")
    line.socket.feed(sealed[:-1])
    assert line.handler.data == [b"one"]
    line.socket.feed(sealed[-1:])
    line.socket.feed(line.client.sealed(b"three") + line.client.sealed(b"four"))
    assert line.handler.data == [b"one", b"two", b"threefour"]


async def test_data_and_the_end_in_one_piece(line: Line):
    sealed = line.client.sealed(b"bye")
    with pytest.raises(ssl.SSLWantReadError):
        line.client.tls.unwrap()
    line.socket.feed(sealed + line.client._out.read())
    assert line.handler.data == [b"bye"]
    assert line.handler.events == ["clean end"]


async def test_nothing_after_close_notify_counts(line: Line):
    """RFC 8446, section 6.1."""
    line.client.send_end()
    line.socket.feed(b"whatever", None)
    assert line.handler.data == []
    assert line.handler.events == ["clean end"]
    assert not line.socket.ending


async def test_the_end_of_the_socket_alone_is_no_clean_end(line: Line):
    line.socket.feed(None)
    assert line.handler.events == ["end"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_record_that_does_not_decrypt_ends_the_connection(
    world: World, version: ssl.TLSVersion
):
    line = Line(world, version)
    sealed = bytearray(line.client.sealed(b"secret"))
    sealed[-1] ^= 1
    line.socket.feed(line.client.sealed(b"") + bytes(sealed))
    assert line.handler.data == []
    assert line.socket.ending == "abort"
    await settle()
    assert line.handler.events == ["lost"]


async def test_a_record_of_another_kind_goes_up_to_nobody(line: Line):
    line.socket.feed(b"\x17\x03\x03\x00")
    line.socket.feed(b"\x00")  # a record of no bytes is an error in TLS 1.3
    assert line.handler.data == []


@pytest.mark.parametrize("size", [1, 16384, 16385, 1_000_000])
async def test_any_size_arrives_whole(line: Line, size: int):
    line.transport.write(b"x" * size)
    assert line.client.read() == b"x" * size
    line.transport.write(b"y")
    assert line.client.read() == b"y"


async def test_nothing_is_written_for_nothing(line: Line):
    line.socket.take()
    line.transport.write(b"")
    assert line.socket.take() == b""


async def test_a_slow_reader_is_reported_and_so_is_its_recovery(line: Line):
    line.socket.is_taking = False
    line.transport.write(MANY)
    assert line.handler.events == ["pause"]
    assert line.transport.unsent
    line.client.read()
    assert line.handler.events == ["pause", "resume"]
    assert not line.transport.unsent


async def test_what_the_kernel_holds_is_not_taken_either(line: Line):
    """It takes megabytes at once: from outside it a slow reader would seem to stand still."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    with near, far:
        line.socket._extra["socket"] = near
        assert line.transport.untaken == 0
        near.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while near.send(MANY):
                pass
        assert line.transport.untaken > 0
        assert line.transport.unsent == 0


async def test_reading_is_paused_once_and_resumed_once(line: Line):
    for _ in range(2):
        line.transport.pause_reading()
        assert not line.socket.is_reading()
    for _ in range(2):
        line.transport.resume_reading()
        assert line.socket.is_reading()


async def test_close_says_goodbye(line: Line):
    line.transport.write(b"last")
    line.transport.close()
    line.transport.close()
    assert line.client.read() == b"last"
    assert line.client.has_clean_end
    await settle()
    assert line.handler.events == ["lost"]


async def test_cut_sends_what_was_written_and_no_goodbye(line: Line):
    line.socket.is_taking = False
    line.transport.write(b"half")
    line.transport.cut()
    line.transport.cut()
    assert line.client.read() == b"half"
    assert not line.client.has_clean_end
    assert line.socket.ending == "close"


async def test_abort_drops_what_was_written(line: Line):
    line.socket.is_taking = False
    line.transport.write(b"lost")
    line.transport.abort()
    assert line.client.read() == b""


async def test_the_sending_side_can_end_alone(line: Line):
    line.transport.write_end()
    line.client.read()
    assert line.client.has_clean_end
    assert line.socket.has_ended
    line.client.send(b"still here")
    assert line.handler.data == [b"still here"]


async def test_a_close_after_the_end_of_the_sending_side_writes_nothing_more(line: Line):
    line.transport.write_end()
    line.client.read()
    line.client.send_end()
    line.transport.close()
    assert line.socket.ending == "close"
    assert line.client.read() == b""


async def test_after_its_end_nothing_reaches_the_socket(line: Line):
    line.transport.close()
    line.socket.take()
    line.transport.write(b"more")
    line.transport.write_end()
    line.transport.pause_reading()
    line.transport.resume_reading()
    assert line.socket.take() == b""
    await settle()


async def test_a_goodbye_to_a_broken_connection_is_left_out(line: Line):
    """OpenSSL refuses to shut down after a fatal error."""
    sealed = bytearray(line.client.sealed(b"secret"))
    sealed[-1] ^= 1
    line.transport._tls.feed(bytes(sealed))
    with pytest.raises(TLSError):
        line.transport._tls.read(1)
    line.transport.close()
    assert line.socket.ending == "close"


async def test_a_close_in_the_midst_of_reading_ends_it(line: Line):
    """The handler closes at the data that came together with the client's end."""
    line.handler.act = line.transport.close
    sealed = line.client.sealed(b"bye")
    with pytest.raises(ssl.SSLWantReadError):
        line.client.tls.unwrap()
    line.socket.feed(sealed + line.client._out.read())
    assert line.handler.events == []
    await settle()
    assert line.handler.events == ["lost"]


async def test_the_cipher_is_known(line: Line):
    assert line.transport.tls_version == "TLSv1.3"
    assert line.transport.cipher.startswith("TLS_")


class Forged:
    """A client that sends records of its own making, and the gate's socket."""

    def __init__(self, world: World) -> None:
        self.forger = Forger(client("good"))
        self.socket = Socket(Handshake(world.state, PORT))
        self.forger.shake_hands(self._exchange)

    def _exchange(self, flight: bytes) -> bytes:
        self.socket.feed(flight)
        return self.socket.take()

    def send(self, data: bytes) -> None:
        self.socket.feed(self.forger.record(data, APPLICATION_DATA))


async def test_an_answer_between_the_halves_of_a_key_update_cuts_the_client_off(world: World):
    """OpenSSL writes nothing until the rest comes: an error in whoever answers, once."""
    forged = Forged(world)
    forged.send(GET)
    await settle()
    forged.socket.feed(forged.forger.key_update(at=4)[0])
    world.servers[0].feed(OK)
    assert forged.socket.ending == "abort"
    await settle()
    assert not world.state.connections
    await world.round_trip(world.client())


async def test_a_deadline_between_the_halves_of_a_key_update_cuts_the_client_off(world: World):
    forged = Forged(world)
    forged.send(GET[:9])
    forged.socket.feed(forged.forger.key_update(at=4)[0])
    with capture_logs() as logs:
        world.tick(1000)
    assert forged.socket.ending == "abort"
    await settle()
    assert not world.state.connections
    assert not [line for line in logs if line["log_level"] == "error"]


async def test_a_key_update_in_two_halves_is_no_harm_while_nothing_is_written(world: World):
    """It is allowed to come so (RFC 8446, section 5.1)."""
    forged = Forged(world)
    first, second = forged.forger.key_update(at=4)
    forged.socket.feed(first)
    forged.socket.feed(second)
    forged.send(GET)
    await settle()
    world.servers[0].feed(OK)
    assert forged.forger.read(forged.socket.take()).startswith(b"HTTP/1.1 200 ")


async def test_a_client_that_asks_for_new_keys_and_reads_nothing_is_cut_off(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Each KeyUpdate makes TLS write one: back-pressure stops requests, and not these."""
    monkeypatch.setattr(tls_transport, "_WRITE_MOST", 2000)
    forged = Forged(world)
    forged.socket.is_taking = False
    for _ in range(100):
        if forged.socket.ending:
            break
        assert forged.socket.get_write_buffer_size() <= 2000
        forged.socket.feed(*forged.forger.key_update())
    assert forged.socket.ending == "abort"


async def test_what_tls_says_after_our_end_is_neither_kept_nor_sent(world: World):
    """A half-closed tunnel may live for hours, and its client ask for new keys all the time."""
    forged, transport = half_closed(world)
    for _ in range(5):
        forged.socket.feed(*forged.forger.key_update())
        assert transport._tls.drain(1000) == b""
    forged.send(b"still here")
    assert transport._handler.data == [b"still here"]  # type: ignore[attr-defined]
    assert forged.socket.take() == b""


async def test_an_error_after_our_end_writes_nothing_more(world: World):
    """Both loops raise at a write after the end; here, of the answers to what was before it."""
    forged, _ = half_closed(world)
    updates = forged.forger.key_update() + forged.forger.key_update()
    forged.socket.feed(b"".join(updates) + b"\x17\x03\x03\x00\x20" + bytes(32))
    assert forged.socket.ending == "abort"
    assert forged.socket.take() == b""
    await settle()


def half_closed(world: World) -> tuple[Forged, TLSTransport]:
    """Return a client that may still send, and a transport that has said its last."""
    forged = Forged(world)
    transport = forged.socket.protocol
    assert isinstance(transport, TLSTransport)
    transport._handler = Handler()
    transport.write_end()
    forged.socket.take()
    return forged, transport


async def test_a_client_that_asks_for_new_keys_and_reads_is_served(world: World):
    forged = Forged(world)
    answers = b""
    for _ in range(100):
        forged.socket.feed(*forged.forger.key_update())
        answers += forged.socket.take()
    forged.send(GET)
    await settle()
    world.servers[0].feed(OK)
    assert forged.forger.read(answers + forged.socket.take()).startswith(b"HTTP/1.1 200 ")
