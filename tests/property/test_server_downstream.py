"""However a client's bytes are cut into pieces, it gets the same answers."""

from __future__ import annotations

import asyncio
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.server.fakes import settle
from tests.unit.server.world import World, request, snapshot_of

if TYPE_CHECKING:
    from proxy.snapshot import Snapshot
    from tests.unit.server.fakes import Socket

REQUESTS = (
    request(path="/a"),
    request("Content-Length: 5", method="POST", path="/b", body=b"hello"),
    request(
        "Transfer-Encoding: chunked",
        method="PUT",
        path="/c",
        body=b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: x\r\n\r\n",
    ),
    request(method="HEAD", path="/d"),
    b"\r\n" + request(path="/e"),
    request("Connection: close", path="/f"),
    b"GET / HTTP/1.0\r\n\r\n",
    request("Content-Length: 5", "Content-Length: 5", method="POST", body=b"hello"),
    request("Transfer-Encoding: chunked", method="POST", body=b"zz\r\n"),
    b"GARBAGE\r\n\r\n",
    request(path="/%2e%2e%2f"),
)


@cache
def snapshot() -> Snapshot:
    with tempfile.TemporaryDirectory() as folder:
        return snapshot_of(Path(folder))


class App:
    """An upstream that answers each complete request with its method, target and content."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: dict[Socket, bytes] = {}
        self.seen: list[bytes] = []

    async def answer(self) -> None:
        """Answer until there is nothing more to answer."""
        await settle()
        while any(self._answer(server) for server in self._world.servers):
            await settle()

    def _answer(self, server: Socket) -> bool:
        held = self._held[server] = self._held.get(server, b"") + server.take()
        head, end, rest = held.partition(b"\r\n\r\n")
        if not end or server.ending:
            return False
        if b"chunked" in head:
            if not rest.endswith(b"0\r\n\r\n"):
                return False
            content = b"".join(rest.split(b"\r\n")[1:-3:2])  # however it was cut into chunks
        else:
            size = 5 if b"Content-Length: 5" in head else 0
            if len(rest) < size:
                return False
            content = rest
        self._held[server] = b""
        line = head.partition(b" HTTP/1.1")[0]
        self.seen.append(line + b" " + content)
        is_head = line.startswith(b"HEAD")
        body = b"" if is_head else self.seen[-1]
        server.feed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        return True


async def play(pieces: list[bytes], who: str | None) -> tuple[list[int], bool, list[bytes]]:
    """Return the statuses that the client gets, whether it was closed, and what the app saw."""
    world = World(snapshot())
    app, client = App(world), world.client(who)
    for piece in pieces:
        if not client.socket.ending:
            client.send(piece)
        await app.answer()
    statuses = client.statuses()
    closed = client.socket.has_ended
    client.socket.reset()
    await settle()
    assert len(world.log.records) == len(statuses), "one line for each answer"
    return statuses, closed, app.seen


def cut(data: bytes, places: list[int]) -> list[bytes]:
    borders = sorted({place % len(data) for place in places} | {0})
    ends = [*borders[1:], len(data)]
    return [data[start:end] for start, end in zip(borders, ends, strict=True)]


@given(
    chosen=st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=6),
    places=st.lists(st.integers(0, 2000), max_size=20),
    who=st.sampled_from(["good", "good", "good", "expired", None]),
)
def test_any_cut_of_the_same_bytes_gives_the_same_answers(
    chosen: list[bytes], places: list[int], who: str | None
):
    data = b"".join(chosen)
    whole = asyncio.run(play([data], who))
    assert asyncio.run(play(cut(data, places), who)) == whole
    if who != "good":
        assert set(whole[0]) <= {400, 403}
        assert whole[2] == []


def test_byte_by_byte_is_like_any_other_cut():
    data = b"".join(REQUESTS[:6])
    whole = asyncio.run(play([data], "good"))
    assert whole[0] == [200] * 6
    assert asyncio.run(play([data[at : at + 1] for at in range(len(data))], "good")) == whole
