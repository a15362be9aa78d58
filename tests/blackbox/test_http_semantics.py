"""Ordinary HTTP/1.1 and 1.0 through the gate: methods, framing, persistence, response fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import Client, Gate, connect, head, running_gate
from tests.upstreams import Connection, Received, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gate import Response

ANSWERS: dict[str, bytes] = {
    "/counted": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour",
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2;ext=1\r\nfo\r\n2\r\nur\r\n0\r\nX-Sum: 4\r\nX-SSL-Client-CN: root\r\n\r\n",
    "/empty": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/unchanged": b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 4\r\n\r\n',
    "/cookies": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
    b"Content-Length: 0\r\n\r\n",
    "/hop": b"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\n"
    b"X-Hop: gone\r\nProxy-Connection: x\r\nX-End: stays\r\nContent-Length: 0\r\n\r\n",
    "/reason": b"HTTP/1.1 503 Busy as a bee\r\nContent-Length: 0\r\nRetry-After: 5\r\n\r\n",
    "/old": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nfour",
    "/late": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
}


async def answer(connection: Connection) -> None:
    """Answer by the path; to HEAD the same head without a body."""
    while True:
        request = await connection.request()
        raw = ANSWERS[request.target.partition("?")[0]]
        if request.method == "HEAD":
            raw = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        await connection.send(raw)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gate, Scripted]]:
    """A gate in front of ``answer``; shared by the module."""
    folder = tmp_path_factory.mktemp("gate")
    with Scripted(answer) as upstream, running_gate(folder, upstream.url) as running:
        yield running, upstream


@pytest.fixture
def served(shared: tuple[Gate, Scripted]) -> tuple[Gate, Scripted]:
    """The same, with nothing left from earlier tests."""
    shared[1].forget()
    return shared


def ask(connection: Client, line: str, *fields: str) -> Response:
    connection.send(head(line, "Host: localhost", *fields))
    return connection.response(line.split(" ", maxsplit=1)[0])


def test_a_counted_body_keeps_its_length(served: tuple[Gate, Scripted]):
    """And the connection stays."""
    with connect(served[0].port) as connection:
        for _ in range(2):
            response = ask(connection, "GET /counted HTTP/1.1")
            assert (response.body, response.header("content-length")) == (b"four", "4")
            assert response.header("transfer-encoding") is None


def test_a_chunked_body_arrives_without_extensions_and_false_trailers(
    served: tuple[Gate, Scripted],
):
    """What the app sends is framed anew."""
    with connect(served[0].port) as connection:
        connection.send(head("GET /chunked HTTP/1.1", "Host: localhost", "Connection: close"))
        raw = connection.rest()
    assert b"ext=1" not in raw
    assert raw.endswith(b"\r\n\r\n")


def test_a_chunked_body_is_close_delimited_for_an_old_client(served: tuple[Gate, Scripted]):
    """HTTP/1.0 knows no chunks (RFC 9112, section 7.1)."""
    with connect(served[0].port) as connection:
        response = ask(connection, "GET /chunked HTTP/1.0")
        assert (response.body, response.complete) == (b"four", True)
        assert response.header("transfer-encoding") is None
        assert connection.is_closed()


def test_head_has_the_fields_of_get_and_no_body(served: tuple[Gate, Scripted]):
    """For every kind of framing, and the next answer is the next answer."""
    with connect(served[0].port) as connection:
        for path in ("/counted", "/chunked", "/cookies"):
            response = ask(connection, f"HEAD {path} HTTP/1.1")
            assert (response.status, response.body) == (200, b"")
        assert ask(connection, "HEAD /counted HTTP/1.1").header("content-length") == "4"
        assert ask(connection, "GET /counted HTTP/1.1").body == b"four"


def test_answers_that_have_no_body_have_none(served: tuple[Gate, Scripted]):
    """204 and 304; a 304 may tell the length that a 200 would have."""
    with connect(served[0].port) as connection:
        empty = ask(connection, "GET /empty HTTP/1.1")
        assert (empty.status, empty.body) == (204, b"")
        assert empty.header("content-length") is None
        assert empty.header("transfer-encoding") is None
        unchanged = ask(connection, "GET /unchanged HTTP/1.1", 'If-None-Match: "x"')
        assert (unchanged.status, unchanged.body) == (304, b"")
        assert unchanged.header("etag") == '"x"'
        assert ask(connection, "GET /counted HTTP/1.1").body == b"four"


def test_repeated_fields_stay_repeated_and_in_order(served: tuple[Gate, Scripted]):
    """Set-Cookie cannot be folded into one line (RFC 6265, section 3)."""
    with connect(served[0].port) as connection:
        assert ask(connection, "GET /cookies HTTP/1.1").all("set-cookie") == ["a=1", "b=2"]


def test_hop_by_hop_fields_of_the_app_end_at_the_gate(served: tuple[Gate, Scripted]):
    """They were about the other connection."""
    with connect(served[0].port) as connection:
        response = ask(connection, "GET /hop HTTP/1.1")
    names = {name for name, _ in response.headers}
    assert not names & {"keep-alive", "x-hop", "proxy-connection"}
    assert response.header("x-end") == "stays"


def test_status_and_fields_of_an_error_of_the_app_pass(served: tuple[Gate, Scripted]):
    """The app's 503 is the app's, not the gate's."""
    with connect(served[0].port) as connection:
        response = ask(connection, "GET /reason HTTP/1.1")
        assert (response.status, response.header("retry-after")) == (503, "5")


def test_early_hints_pass_to_a_new_client_and_not_to_an_old_one(served: tuple[Gate, Scripted]):
    """A client of HTTP/1.0 cannot read a 1xx (RFC 9110, section 15.2)."""
    with connect(served[0].port) as connection:
        assert ask(connection, "GET /late HTTP/1.1").interim == (103,)
    with connect(served[0].port) as connection:
        response = ask(connection, "GET /late HTTP/1.0")
        assert (response.status, response.interim) == (200, ())


@pytest.mark.parametrize(
    ("line", "field", "stays"),
    [
        ("GET /counted HTTP/1.1", "", True),
        ("GET /counted HTTP/1.1", "Connection: close", False),
        ("GET /counted HTTP/1.1", "Connection: CLOSE, x", False),
        ("GET /counted HTTP/1.0", "", False),
        ("GET /counted HTTP/1.0", "Connection: keep-alive", True),
        ("GET /old HTTP/1.1", "", True),
    ],
)
def test_the_connection_stays_or_ends_as_asked(
    served: tuple[Gate, Scripted], line: str, field: str, stays: bool
):
    """RFC 9112, section 9.3; the gate may also end what a client of 1.0 wants kept."""
    with connect(served[0].port) as connection:
        response = ask(connection, line, *([field] if field else []))
        assert response.status == 200
        said_close = response.header("connection") == "close"
        if stays and not said_close:
            assert ask(connection, "GET /counted HTTP/1.1").status == 200
        else:
            assert not (stays and line.endswith("1.1"))
            assert connection.is_closed()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_methods_reach_the_app_as_they_are(served: tuple[Gate, Scripted], method: str):
    """With a body where there is one."""
    gate, upstream = served
    with connect(gate.port) as connection:
        connection.send(
            head(f"{method} /counted HTTP/1.1", "Host: localhost", "Content-Length: 2") + b"hi"
        )
        assert connection.response(method).status == 200
    request = upstream.received()
    assert (request.method, request.body) == (method, b"hi")


@pytest.mark.parametrize("line", ["TRACE / HTTP/1.1", "CONNECT localhost:443 HTTP/1.1"])
def test_trace_and_connect_are_not_for_a_gate(served: tuple[Gate, Scripted], line: str):
    """TRACE would show the identity fields to the client, CONNECT would be an open proxy."""
    gate, upstream = served
    with connect(gate.port) as connection:
        connection.send(head(line, "Host: localhost"))
        assert connection.head().split(b" ")[1] in {b"400", b"405", b"501"}
    assert upstream.nothing_received()


def test_the_framing_of_a_request_is_kept(served: tuple[Gate, Scripted]):
    """Counted stays counted, chunked stays chunked, none stays none."""
    gate, upstream = served
    with connect(gate.port) as connection:
        ask(connection, "GET /counted HTTP/1.1")
        connection.send(
            head("POST /counted HTTP/1.1", "Host: localhost", "Content-Length: 2") + b"hi"
        )
        connection.response()
        connection.send(
            head("POST /counted HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
            + b"2\r\nhi\r\n0\r\n\r\n"
        )
        connection.response()

    def framing(request: Received) -> tuple[str | None, str | None]:
        return request.header("Content-Length"), request.header("Transfer-Encoding")

    assert framing(upstream.received()) == (None, None)
    assert framing(upstream.received()) == ("2", None)
    assert framing(upstream.received()) == (None, "chunked")


def test_an_absolute_target_of_this_host_is_an_ordinary_request(served: tuple[Gate, Scripted]):
    """RFC 9112, section 3.2.2, demands that a server accepts it."""
    gate, upstream = served
    with connect(gate.port) as connection:
        assert ask(connection, "GET http://localhost/counted HTTP/1.1").status in {200, 400}
    if not upstream.nothing_received():
        assert upstream.received().target == "/counted"
