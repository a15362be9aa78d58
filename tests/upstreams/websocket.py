"""WebSocket peers of two libraries behind one face, and an echo server made of them.

Both libraries do no I/O, so the bytes on the wire are theirs and the sockets are the test's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request as UpgradeRequest
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.upstreams.scripted import Connection

_NO_CODE = 1005  # what both libraries call a Close frame without a code
_LONGEST_FRAME = 1 << 30
_PLEASE_CLOSE = b"please close "


@dataclass(frozen=True, slots=True)
class Said:
    """One frame that was sent, or one that was received.

    Attributes:
        kind: ``text``, ``binary``, ``ping``, ``pong`` or ``close``; ``raw`` for bytes as they are.
        data: the payload; of a Close frame, the reason.
        is_end: FIN: the message ends with it.
        code: of a Close frame; None without one.
    """

    kind: str
    data: bytes = b""
    is_end: bool = True
    code: int | None = None


GREETING = Said("text", b"greetings")


def close(code: int | None, reason: str = "") -> Said:
    """Return a Close frame."""
    return Said("close", reason.encode(), code=code)


def please_close(code: int, reason: str = "") -> Said:
    """Return the message that makes the echo server close."""
    return Said("text", b"%b%d %b" % (_PLEASE_CLOSE, code, reason.encode()))


def answer(said: Said) -> Said | None:
    """Return what the echo server says to a frame, apart from what the library says itself."""
    if said.data.startswith(_PLEASE_CLOSE):
        code, _, reason = said.data.removeprefix(_PLEASE_CLOSE).partition(b" ")
        return Said("close", reason, code=int(code))
    return said if said.kind in ("text", "binary") else None


class Peer(Protocol):
    """One end of a WebSocket connection.

    Attributes:
        is_over: the server's turn to end the TCP connection has come.
    """

    is_over: bool

    def __init__(self, *, is_client: bool, is_compressed: bool) -> None: ...

    def hello(self) -> bytes:
        """Return a client's request."""

    def receive(self, data: bytes) -> list[Said]:
        """Take bytes; return the frames in them, those of the opening handshake left out."""

    def say(self, said: Said) -> None:
        """Make a frame."""

    def to_send(self) -> bytes:
        """Return what the library has to send, its own answers included."""


class Websockets:
    """The ``websockets`` library."""

    def __init__(self, *, is_client: bool, is_compressed: bool) -> None:
        deflate = ClientPerMessageDeflateFactory if is_client else ServerPerMessageDeflateFactory
        extensions = [deflate()] if is_compressed else None
        self.is_over = False
        self._kind = "text"
        self._is_continued = False
        self._protocol = (
            ClientProtocol(parse_uri("ws://localhost/"), extensions=extensions, max_size=None)
            if is_client
            else ServerProtocol(extensions=extensions, max_size=None)
        )

    def hello(self) -> bytes:
        self._protocol.send_request(self._protocol.connect())
        return self.to_send()

    def receive(self, data: bytes) -> list[Said]:
        protocol, frames = self._protocol, []
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame):
                frames.append(self._said(event))
            elif isinstance(event, UpgradeRequest):
                protocol.send_response(protocol.accept(event))
        return frames

    def _said(self, frame: Frame) -> Said:
        if frame.opcode is Opcode.CLOSE:
            parsed = Close.parse(bytes(frame.data))
            code = None if parsed.code == _NO_CODE else int(parsed.code)
            return Said("close", parsed.reason.encode(), code=code)
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._kind = frame.opcode.name.lower()
        kind = self._kind if frame.opcode is Opcode.CONT else frame.opcode.name.lower()
        return Said(kind, bytes(frame.data), frame.fin)

    def say(self, said: Said) -> None:
        protocol = self._protocol
        match said.kind:
            case "close":
                protocol.send_close(said.code, said.data.decode())
            case "ping":
                protocol.send_ping(said.data)
            case "pong":
                protocol.send_pong(said.data)
            case _ if self._is_continued:
                protocol.send_continuation(said.data, fin=said.is_end)
                self._is_continued = not said.is_end
            case _:
                send = protocol.send_text if said.kind == "text" else protocol.send_binary
                send(said.data, fin=said.is_end)
                self._is_continued = not said.is_end

    def to_send(self) -> bytes:
        pieces = self._protocol.data_to_send()
        self.is_over = self.is_over or b"" in pieces  # the library's sign for the end
        return b"".join(pieces)


class Wsproto:
    """The ``wsproto`` library."""

    def __init__(self, *, is_client: bool, is_compressed: bool) -> None:
        kind = ConnectionType.CLIENT if is_client else ConnectionType.SERVER
        self._connection = WSConnection(kind)
        self._extensions = [PerMessageDeflate()] if is_compressed else []
        self._out = b""
        self._begun = b""  # a frame that came in several pieces
        self.is_over = False

    def hello(self) -> bytes:
        request = Request(host="localhost", target="/", extensions=self._extensions)
        return self._connection.send(request)

    def receive(self, data: bytes) -> list[Said]:
        self._connection.receive_data(data)
        return [said for event in self._connection.events() for said in self._said(event)]

    def _said(self, event: Event) -> Iterator[Said]:
        match event:
            case Request():
                self._send(AcceptConnection(extensions=self._extensions))
            case Ping():
                self._send(event.response())
                yield Said("ping", bytes(event.payload))
            case Pong():
                yield Said("pong", bytes(event.payload))
            case CloseConnection():
                if self._connection.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
                    self._send(event.response())
                self.is_over = True
                code = None if event.code == _NO_CODE else int(event.code)
                yield Said("close", (event.reason or "").encode(), code=code)
            case TextMessage() | BytesMessage():
                is_text = isinstance(event, TextMessage)
                self._begun += event.data.encode() if is_text else bytes(event.data)
                if event.frame_finished:
                    data, self._begun = self._begun, b""
                    yield Said("text" if is_text else "binary", data, event.message_finished)

    def say(self, said: Said) -> None:
        match said.kind:
            case "close":
                code = _NO_CODE if said.code is None else said.code
                self._send(CloseConnection(code=code, reason=said.data.decode() or None))
            case "ping":
                self._send(Ping(payload=said.data))
            case "pong":
                self._send(Pong(payload=said.data))
            case "text":
                self._send(TextMessage(said.data.decode(), message_finished=said.is_end))
            case _:
                self._send(BytesMessage(said.data, message_finished=said.is_end))

    def _send(self, event: Event) -> None:
        self._out += self._connection.send(event)

    def to_send(self) -> bytes:
        out, self._out = self._out, b""
        return out


LIBRARIES: dict[str, type[Peer]] = {"websockets": Websockets, "wsproto": Wsproto}


def raw_frame(
    opcode: int, data: bytes = b"", *, first: int = 0x80, mask: bytes = b"mask", size: int = -1
) -> bytes:
    """Return a frame as a client sends it; ``first`` holds FIN and RSV, ``size`` is a false one."""
    size = len(data) if size < 0 else size
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data)) if mask else data
    flag = 0x80 if mask else 0
    short = bytes([flag | size]) if size < 126 else bytes([flag | 127]) + size.to_bytes(8, "big")
    return bytes([first | opcode]) + short + mask + masked


def _first_frame(stream: bytes) -> int:
    """Return the size of the first frame of a client's stream, 0 while it is not complete."""
    if len(stream) < 2:
        return 0
    short = stream[1] & 0x7F
    start = 2 + {126: 2, 127: 8}.get(short, 0)
    size = short if short < 126 else int.from_bytes(stream[2:start], "big")
    whole = start + (4 if stream[1] & 0x80 else 0) + size
    if size > _LONGEST_FRAME:
        return len(stream)  # it will not come: the library has to say so
    return whole if len(stream) >= whole else 0


def echo(
    library: type[Peer], *, is_compressed: bool = True
) -> Callable[[Connection], Awaitable[None]]:
    """Return the script of an echo server; it speaks first where ``/greeting`` is asked for.

    The library gets one frame at a time, so that its own answers and ours leave in one order,
    however the stream was cut on its way here.
    """

    async def script(connection: Connection) -> None:
        head = await connection.head()
        peer = library(is_client=False, is_compressed=is_compressed)
        peer.receive(head.raw_head)
        if head.target == "/greeting":
            peer.say(GREETING)
        await connection.send(peer.to_send())
        stream = bytearray()
        while not peer.is_over and (data := await connection.reader.read(1 << 16)):
            stream += data
            while not peer.is_over and (size := _first_frame(stream)):
                for said in peer.receive(bytes(stream[:size])):
                    if (reply := answer(said)) is not None:
                        peer.say(reply)
                del stream[:size]
                await connection.send(peer.to_send())
        # A socket that is closed at once answers what is still on its way with a reset, and that
        # can overtake the last frame.
        await connection.half_close()
        await connection.until_closed()

    return script
