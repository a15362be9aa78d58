"""WebSocket through the gate is WebSocket without it: two libraries, as client and as server.

Each conversation is held twice, straight with the server and through the gate. What the server sent
has to arrive as the same bytes, and to mean what the RFC says it means.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.gate import context
from tests.gate.settings import running_gate
from tests.upstreams import Scripted
from tests.upstreams.websocket import (
    GREETING,
    LIBRARIES,
    Said,
    close,
    echo,
    please_close,
    raw_frame,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

MIB = 1 << 20
# RFC 6455, section 7.4, and its registry; 1014 is not known to every library.
CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999)
# Around the borders of the three length encodings.
SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, 70_000)


def text(data: str, *, is_end: bool = True) -> Said:
    return Said("text", data.encode(), is_end)


def binary(size: int, *, is_end: bool = True) -> Said:
    return Said("binary", bytes(range(256)) * (size // 256) + bytes(size % 256), is_end)


PING, PONG = Said("ping", b"are you there"), Said("pong", b"nobody asked")
PIECES = ("one ", "", "two ", "zwölf")

MESSAGES: dict[str, list[Said]] = {
    **{f"binary of {size}": [binary(size)] for size in SIZES},
    **{f"text of {size}": [text("x" * size)] for size in SIZES},
    "text beyond ASCII": [text("Grüße, 世界, 🌍 \0")],
    "pings": [PING, Said("ping"), Said("ping", bytes(125))],
    "pongs that nobody asked for": [PONG, Said("pong"), text("still here")],
    "a fragmented text": [text(piece, is_end=False) for piece in PIECES] + [text("end")],
    "a fragmented binary": [binary(300, is_end=False), binary(0, is_end=False), binary(70_000)],
    "only empty fragments": [text("", is_end=False), text("", is_end=False), text("")],
    "many messages": [text(str(number)) for number in range(300)],
    "big binary": [binary(4 * MIB)],
    "big text": [text("ü" * 2 * MIB)],
    "big in fragments": [binary(MIB, is_end=False) for _ in range(3)] + [binary(MIB)],
}
INTERLEAVED = {
    "small": [
        text("one", is_end=False),
        PING,
        text("two", is_end=False),
        PONG,
        PING,
        text("three"),
    ],
    "big": [binary(MIB, is_end=False), PING, binary(MIB, is_end=False), PONG, binary(MIB)],
}
CLOSINGS: dict[str, list[Said]] = {
    "after a message": [text("x"), close(1000)],
    "with the longest reason": [close(1000, "ü" * 61 + "x")],
    **{f"with {code}": [close(code, f"because {code}")] for code in CODES},
    **{f"with {code} and no reason": [close(code)] for code in CODES},
    **{f"by the server with {code}": [please_close(code, "I am asked to")] for code in CODES},
}
INVALID = {
    "reserved opcode 3": (raw_frame(0x3), 1002),
    "reserved control opcode 11": (raw_frame(0xB), 1002),
    "RSV1 without an extension": (raw_frame(0x1, b"x", first=0xC0), 1002),
    "RSV2": (raw_frame(0x1, b"x", first=0xA0), 1002),
    "RSV3": (raw_frame(0x1, b"x", first=0x90), 1002),
    "no mask": (raw_frame(0x1, b"x", mask=b""), 1002),
    "a fragmented ping": (raw_frame(0x9, b"x", first=0), 1002),
    "a ping of 126": (raw_frame(0x9, bytes(126)), 1002),
    "a continuation of nothing": (raw_frame(0x0, b"x"), 1002),
    "a Close of one byte": (raw_frame(0x8, b"\x03"), 1002),
    "a Close with 999": (raw_frame(0x8, (999).to_bytes(2, "big")), 1002),
    "a Close with 1005": (raw_frame(0x8, (1005).to_bytes(2, "big")), 1002),
    "a Close with a reason that is no UTF-8": (raw_frame(0x8, b"\x03\xe8\xff"), 1007),
}
# Here the libraries differ among themselves.
PECULIAR = {
    "a text that is no UTF-8": [Said("raw", raw_frame(0x1, b"\xff")), close(1000)],
    "a message within a message": [
        Said("raw", raw_frame(0x1, b"x", first=0) + raw_frame(0x1, b"y")),
    ],
    "a Close without a code": [close(None)],
    "a Close within a message": [text("x", is_end=False), close(1001)],
    "a Close with 1014": [Said("raw", raw_frame(0x8, (1014).to_bytes(2, "big") + b"why"))],
    "a character cut by fragments": [
        Said("raw", raw_frame(0x1, b"\xc3", first=0)),
        Said("raw", raw_frame(0x0, b"\xbc")),
        close(1000),
    ],
}


@dataclass(frozen=True, slots=True)
class Route:
    """The same server, straight and through the gate."""

    library: str
    straight: int
    gated: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What came from the server after its 101, to the end of the connection."""

    raw: bytes
    frames: tuple[Said, ...]


@pytest.fixture(scope="module", params=LIBRARIES)
def route(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """An echo server of each library, and a gate in front of it."""
    folder = tmp_path_factory.mktemp("gate")
    with (
        Scripted(echo(LIBRARIES[request.param])) as server,
        running_gate(folder, server.url) as gate,
    ):
        yield Route(request.param, server.port, gate.port)


@pytest.fixture(scope="module")
def tls() -> Iterator[ssl.SSLContext]:
    """A good client's."""
    return context("good")


@pytest.fixture(params=LIBRARIES)
def client(request: pytest.FixtureRequest) -> str:
    """The library that the client uses."""
    return request.param


class Conversation:
    """One client's side of one connection."""

    def __init__(self, client: str, *, is_compressed: bool) -> None:
        self._peer = LIBRARIES[client](is_client=True, is_compressed=is_compressed)
        self.is_compressed = is_compressed

    async def hold(
        self, port: int, tls: ssl.SSLContext | None, path: str, early: bytes, said: list[Said]
    ) -> Heard:
        """Say everything, without waiting for answers, and listen to the end."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None
        )
        hello = self._peer.hello().replace(b"GET / ", b"GET %b " % path.encode())
        writer.write(hello + early)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert (b"permessage-deflate" in head.lower()) == self.is_compressed
        self._peer.receive(head)
        for one in said:
            if one.kind == "raw":
                writer.write(one.data)
            else:
                self._peer.say(one)
                writer.write(self._peer.to_send())
        heard = await self._listen(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return heard

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Heard:
        raw, frames = bytearray(), []
        while data := await reader.read(1 << 16):
            raw += data
            frames += self._peer.receive(data)
            if (reply := self._peer.to_send()) and not writer.is_closing():
                writer.write(reply)
        return Heard(bytes(raw), tuple(frames))


async def heard_both_ways(
    route: Route,
    tls: ssl.SSLContext,
    client: str,
    said: list[Said],
    *,
    is_compressed: bool = False,
    path: str = "/",
    early: bytes = b"",
) -> tuple[Said, ...]:
    """Return what was heard, which has to be the same with and without the gate."""
    straight, gated = [
        await Conversation(client, is_compressed=is_compressed).hold(port, way, path, early, said)
        for port, way in ((route.straight, None), (route.gated, tls))
    ]
    assert gated.raw == straight.raw
    assert gated.frames == straight.frames
    return gated.frames


def whole(frames: Iterable[Said]) -> list[Said]:
    """Return frames with the fragments joined: deflate moves bytes across their borders."""
    joined, begun = [], b""
    for one in frames:
        if one.kind in ("text", "binary"):
            begun += one.data
            if one.is_end:
                joined.append(replace(one, data=begun))
                begun = b""
        else:
            joined.append(one)
    return joined


def echoed(said: list[Said]) -> tuple[Said, ...]:
    """Return what an echo server answers."""
    answers = {"ping": "pong", "pong": ""}
    pairs = ((answers.get(one.kind, one.kind), one) for one in said)
    return tuple(Said(kind, one.data, one.is_end, one.code) for kind, one in pairs if kind)


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "deflated"])
@pytest.mark.parametrize("said", MESSAGES.values(), ids=MESSAGES)
async def test_every_message_comes_back(
    route: Route, tls: ssl.SSLContext, client: str, said: list[Said], is_compressed: bool
):
    said = [*said, close(1000, "done")]
    heard = await heard_both_ways(route, tls, client, said, is_compressed=is_compressed)
    assert whole(heard) == whole(echoed(said))


@pytest.mark.parametrize("is_compressed", [False, True], ids=["plain", "deflated"])
@pytest.mark.parametrize("said", INTERLEAVED.values(), ids=INTERLEAVED)
async def test_control_frames_may_stand_between_fragments(
    route: Route, tls: ssl.SSLContext, client: str, said: list[Said], is_compressed: bool
):
    said = [*said, close(1000, "done")]
    heard = await heard_both_ways(route, tls, client, said, is_compressed=is_compressed)
    if is_compressed and "wsproto" in (client, route.library):
        return  # it loses its place in the deflated message, without the gate, too
    assert whole(heard) == whole(echoed(said))


@pytest.mark.parametrize("said", CLOSINGS.values(), ids=CLOSINGS)
async def test_every_way_to_close_arrives(
    route: Route, tls: ssl.SSLContext, client: str, said: list[Said]
):
    """Code and reason of either side; the end of the connection follows."""
    *before, last = said
    heard = await heard_both_ways(route, tls, client, said)
    if last.kind == "close":
        assert heard == echoed(said)
    else:
        code = int(last.data.split()[2])
        assert heard == (*echoed(before), close(code, "I am asked to"))


@pytest.mark.parametrize(("frame", "code"), INVALID.values(), ids=INVALID)
async def test_the_answer_to_an_invalid_frame_arrives_unchanged(
    route: Route, tls: ssl.SSLContext, client: str, frame: bytes, code: int
):
    """The gate has no opinion on frames: the server's Close is the client's to see."""
    heard = await heard_both_ways(route, tls, client, [text("x"), Said("raw", frame)])
    assert heard[0] == text("x")
    assert (heard[-1].kind, heard[-1].code) == ("close", code)


@pytest.mark.parametrize("said", PECULIAR.values(), ids=PECULIAR)
async def test_what_the_libraries_see_differently_they_see_as_without_the_gate(
    route: Route, tls: ssl.SSLContext, client: str, said: list[Said]
):
    heard = await heard_both_ways(route, tls, client, said)
    assert heard


async def test_frames_sent_together_with_the_request_and_with_the_101_arrive(
    route: Route, tls: ssl.SSLContext, client: str
):
    """Neither side has to wait for the other."""
    early = raw_frame(0x1, b"impatient") + raw_frame(0x9, b"?")
    heard = await heard_both_ways(route, tls, client, [close(1000)], path="/greeting", early=early)
    assert heard == (GREETING, text("impatient"), Said("pong", b"?"), close(1000))
