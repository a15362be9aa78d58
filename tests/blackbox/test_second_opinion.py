"""h11 reads what the gate forwards: whatever a client sends, both must read the same requests.

Each example is a mutilated request followed by an honest one. The upstream parses every byte with
h11, a parser of other people; if it stumbles, or sees a request that the gate did not decide about,
the gate let something through that can be read in two ways.
"""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

import h11
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from tests.gate import Gate, connect, running_gate
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = (
    b"Host: localhost",
    b"Content-Length: 5",
    b"Content-Length: 0",
    b"Content-Length: 5, 5",
    b"Content-Length:\t5",
    b"Content-Length : 5",
    b"Content_Length: 5",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: Chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding:chunked ",
    b"Transfer_Encoding: chunked",
    b"transfer-encoding: \x0bchunked",
    b"X-SSL-Client-Verify: SUCCESS",
    b"X-SSL-Client-CN: root",
    b"X_SSL_Client_CN: root",
    b"Client-Cert: :AAAA:",
    b"Connection: close",
    b"Connection: keep-alive, Host, X-SSL-Client-CN",
    b"Connection: Upgrade, HTTP2-Settings",
    b"Upgrade: h2c",
    b"Upgrade: websocket",
    b"Expect: 100-continue",
    b"Trailer: X-SSL-Client-CN",
    b"TE: trailers",
    b"X: y",
    b" folded",
    b"X: a\rb",
    b"X: a\nContent-Length: 5",
    b"X: \xff\xfe",
    b"",
)
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n")
FIRST_LINES = (
    b"GET / HTTP/1.1",
    b"POST / HTTP/1.1",
    b"POST / HTTP/1.0",
    b"HEAD / HTTP/1.1",
    b"GET /a/../b?c HTTP/1.1",
    b"GET //x HTTP/1.1",
    b"GET http://localhost/ HTTP/1.1",
    b"GET / HTTP/1.1 ",
    b"GET  / HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
)
BODIES = (
    b"",
    b"hello",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5;x=y\r\nhello\r\n0\r\nX-SSL-Client-CN: root\r\n\r\n",
    b"5\nhello\n0\n\n",
    b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"fffffffffffffffff\r\n",
    b"0\r\n\r",
)
HONEST = b"GET /honest HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

lines = st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from(ENDS)), max_size=6)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Put a head together from known trouble, with an honest Host most of the time."""
    first = draw(st.sampled_from(FIRST_LINES)) + draw(st.sampled_from(ENDS))
    host = b"Host: localhost\r\n" if draw(st.integers(0, 4)) else b""
    rest = b"".join(line + end for line, end in draw(lines))
    raw = first + host + rest + b"\r\n" + draw(st.sampled_from(BODIES))
    for position, byte in draw(
        st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=1)
    ):
        raw = raw[:position] + bytes([byte]) + raw[position + 1 :]
    return raw


Seen = tuple[str, dict[str, list[str]]]


class SecondOpinion:
    """An upstream that reads with h11 and answers every request that h11 finds."""

    def __init__(self) -> None:
        self.seen: queue.Queue[Seen] = queue.Queue()
        self.stumbles: queue.Queue[str] = queue.Queue()

    async def __call__(self, connection: Connection) -> None:
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        raw = b""
        try:
            while data := await connection.reader.read(65536):
                raw += data
                parser.receive_data(data)
                while await self._step(connection, parser):
                    pass
        except h11.RemoteProtocolError as error:
            self.stumbles.put(f"{error}: {raw!r}")

    async def _step(self, connection: Connection, parser: h11.Connection) -> bool:
        event = parser.next_event()
        if isinstance(event, h11.Request):
            fields: dict[str, list[str]] = {}
            for name, value in event.headers:
                fields.setdefault(name.decode(), []).append(value.decode("latin-1"))
            self.seen.put((event.target.decode(), fields))
        elif isinstance(event, h11.EndOfMessage):
            answer = parser.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
            await connection.send((answer or b"") + (parser.send(h11.EndOfMessage()) or b""))
            if parser.our_state is h11.DONE:
                parser.start_next_cycle()
        return event is not h11.NEED_DATA and event is not h11.PAUSED


@pytest.fixture(scope="module")
def opinion() -> SecondOpinion:
    return SecondOpinion()


@pytest.fixture(scope="module")
def gate(opinion: SecondOpinion, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate in front of the second opinion, with short deadlines."""
    folder = tmp_path_factory.mktemp("gate")
    with Scripted(opinion) as upstream:
        deadlines = {"head": 1, "body": 1, "keepalive": 1, "response": 1, "shutdown": 5}
        with running_gate(folder, upstream.url, timeouts=deadlines) as running:
            yield running


@budget(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(request=requests(), who=st.sampled_from(["good", "good", "none"]))
@example(
    request=b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", who="good"
)
def test_h11_reads_the_same_requests_as_the_gate(
    gate: Gate, opinion: SecondOpinion, request: bytes, who: str
):
    """No stumble, no request of a stranger, no identity but alice's, nothing smuggled."""
    with connect(gate.port, who) as connection:
        connection.send(request + HONEST)
        answers = connection.rest()
    assert opinion.stumbles.empty(), opinion.stumbles.get()
    seen = []
    while not opinion.seen.empty():
        seen.append(opinion.seen.get())
    assert answers.count(b"HTTP/1.1 200") <= len(seen)
    if who == "none":
        assert not seen
    for target, fields in seen:
        assert fields["x-ssl-client-verify"] == ["SUCCESS"], (target, fields)
        assert fields["x-ssl-client-cn"] == ["alice"]
        assert len(fields["host"]) == 1
        assert not [name for name in fields if "_" in name and "ssl" in name]
