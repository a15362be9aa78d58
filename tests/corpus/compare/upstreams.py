"""Apps with instruments: one keeps every byte that came in, one answers with the case's bytes."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from tests.corpus.compare.reading import read_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.corpus.cases import Case
    from tests.upstreams import Connection

# Set by each proxy, so that what arrives can be told apart: each case has an address of its own.
_FROM = re.compile(rb"(?i)\r\nx-real-ip: *([0-9.]+)")
_TARGET = re.compile(rb"[A-Z]+ (?:http://[^/ ]+)?/(?:case/([0-9]+)|well) ")
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
_WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell"
_LINGER = 0.3
_MOST_PIECES = 250


class Keeping:
    """Reads with h11 and answers the first request; keeps what came, by the client's address.

    The answer closes the connection, so that all bytes of one are those of one case.
    """

    def __init__(self) -> None:
        self.kept: dict[str, list[bytes]] = defaultdict(list)

    async def __call__(self, connection: Connection) -> None:
        raw = b""
        is_answered = False
        try:
            while data := await connection.reader.read(65536):
                raw += data
                if not is_answered and (messages := read_requests(raw).messages):
                    is_answered = True
                    content = b"" if messages[0].start[0] == b"HEAD" else b"ok"
                    await connection.send(_ANSWER + content)
        finally:
            found = _FROM.findall(raw)
            self.kept[found[-1].decode() if found else ""].append(raw)


class Answering:
    """Answers ``/case/7`` with the bytes of that case and ``/well`` well.

    After a case it waits a moment for the next request, as an app does, and closes: what a proxy
    takes for the answer to that next request shows, and so does content that only ends with the
    connection.
    """

    def __init__(self, cases: Sequence[Case], *, in_pieces: bool = False) -> None:
        self._cases = cases
        self._in_pieces = in_pieces

    async def __call__(self, connection: Connection) -> None:
        deadline = None
        while True:
            async with asyncio.timeout(deadline) as limit:
                head = await connection.reader.readuntil(b"\r\n\r\n")
            del limit
            found = _TARGET.match(head)
            assert found, head
            answer = self._cases[int(found[1])].data if found[1] else _WELL
            for piece in pieces(answer) if self._in_pieces else [answer]:
                await connection.send(piece)
                await asyncio.sleep(0)
            deadline = _LINGER


def pieces(data: bytes) -> list[bytes]:
    """Cut into single bytes; what is long, into so many pieces."""
    step = len(data) // _MOST_PIECES + 1
    return [data[at : at + step] for at in range(0, len(data), step)]
