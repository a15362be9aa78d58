"""h11 reads what a broken app sends: a complete answer of the gate is one that h11 reads, too.

Each example is a mutilated response. The gate may always answer 502 or cut the body; but where it
gives its client a complete answer, another parser must find the same answer in the app's bytes.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from tests.gate import Client, Gate, Response, connect, running_gate
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUS_LINES = (
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200 OK",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 200",
    b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 404 Not Found",
    b"HTTP/1.1 100 Continue",
    b"HTTP/1.1 101 Switching Protocols",
    b"HTTP/1.1 103 Early Hints",
    b"HTTP/2 200",
    b"HTTP/1.1  200 OK",
    b"HTTP/1.1 +20 OK",
)
LINES = (
    b"Content-Length: 5",
    b"Content-Length: 5",
    b"Content-Length: 0",
    b"Content-Length: 6",
    b"Content-Length: 5, 5",
    b"Content-Length: +5",
    b"Content-Length : 5",
    b"Content-Length:5 ",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: chunked\r",
    b"Connection: close",
    b"Connection: Content-Length",
    b"Connection: Transfer-Encoding",
    b"Upgrade: websocket",
    b"Set-Cookie: a=b",
    b"X: a\rb",
    b" folded",
    b"",
)
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r")
BODIES = (
    b"",
    b"hello",
    b"hello!",
    b"hell",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5;x\r\nhello\r\n0\r\nX-Trailer: y\r\n\r\n",
    b"5\nhello\n0\n\n",
    b"5\r\nhello\r\n",
    b"5\r\nhello0\r\n\r\n",
    b"-5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
)


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Put an answer together from known trouble."""
    raw = draw(st.sampled_from(STATUS_LINES)) + draw(st.sampled_from(ENDS))
    for line, end in draw(
        st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from(ENDS)), max_size=4)
    ):
        raw += line + end
    raw += b"\r\n" + draw(st.sampled_from(BODIES))
    for position, byte in draw(
        st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=1)
    ):
        raw = raw[:position] + bytes([byte]) + raw[position + 1 :]
    return raw


class Broken:
    """An upstream that sends ``answer``, whatever it is, and closes."""

    def __init__(self) -> None:
        self.answer = b""

    async def __call__(self, connection: Connection) -> None:
        request = await connection.request()
        if request.target == "/well":
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell")
        else:
            await connection.send(self.answer)


@pytest.fixture(scope="module")
def broken() -> Broken:
    return Broken()


@pytest.fixture(scope="module")
def gate(broken: Broken, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate in front of the broken app."""
    folder = tmp_path_factory.mktemp("gate")
    with Scripted(broken) as upstream:
        deadlines = {"response": 1, "shutdown": 5}
        with running_gate(folder, upstream.url, timeouts=deadlines) as running:
            yield running


def h11_reads(raw: bytes) -> Response | None:
    """Return what h11 reads from a connection that brings these bytes; None for trouble."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(raw)
        theirs.shutdown(socket.SHUT_WR)
        try:
            return Client.over(ours).response()
        except AssertionError:
            return None


@budget(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(answer=responses())
@example(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
def test_a_complete_answer_is_one_that_h11_reads_in_the_apps_bytes(
    gate: Gate, broken: Broken, answer: bytes
):
    """And the next request on the same connection gets its own answer."""
    broken.answer = answer
    with connect(gate.port) as connection:
        response = connection.get("/broken")
        if response.complete and response.header("connection") != "close":
            following = connection.get("/well")
            assert (following.status, following.body) == (200, b"well")
    if response.status in {502, 504} or not response.complete:
        return
    opinion = h11_reads(answer)
    assert opinion is not None, response
    assert opinion.complete
    assert (response.status, response.body) == (opinion.status, opinion.body)
