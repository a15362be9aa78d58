"""Errors of certgate itself: an answer or a cut, one record, and the gate goes on serving."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from proxy.http1.head import RequestParser
from proxy.routing.health import Health
from proxy.server import exchange as exchange_module
from proxy.server import forwarding as forwarding_module
from proxy.server import pool as pool_module
from proxy.server.exchange import Exchange
from proxy.server.forwarding import Forwarding
from proxy.server.pool import Pool
from proxy.server.response_reader import ResponseReader
from proxy.server.stored_content import StoredContent
from proxy.server.tunnel import Tunnel
from proxy.server.upstream import UpstreamConnection
from tests.gate import Client, connect, head
from tests.unit.server.fault import Fault
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.server.conftest import Gate, Run

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n"
UNTIL_END = b"HTTP/1.1 200 OK\r\n\r\nfour"
HINTS = b"HTTP/1.1 103 Early Hints\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"

GET = head("GET /bad HTTP/1.1", "Host: localhost")
UPGRADE = head("GET /bad HTTP/1.1", "Host: localhost", "Connection: upgrade", "Upgrade: echo")
STORED = bytes(1 << 20)  # several pieces
BIG = bytes(24 << 20)  # far more than all buffers to an app that does not read

WHOLE = (500, True)
CUT = (200, False)  # the head is out already
CUT_TUNNEL = (101, False)
NOTHING = (0, False)


def put(content: bytes, size: int = 0) -> tuple[bytes, bytes]:
    """Return a request's head and its content, or the first part of it."""
    length = f"Content-Length: {size or len(content)}"
    return head("PUT /bad HTTP/1.1", "Host: localhost", length), content


def plain(url: str) -> dict[str, Any]:
    return {"upstream": url}


def impatient(url: str) -> dict[str, Any]:
    return {"upstream": url, "timeouts": {"response": 0.5}}


def storing(url: str) -> dict[str, Any]:
    app = {"servers": url, "buffering": {"requests": True}}
    return {"upstream": None, "upstreams": {"app": app}, "limits": {"body": len(STORED)}}


@dataclass(frozen=True)
class Case:
    """A request, how the app answers it, and the function that raises meanwhile.

    Attributes:
        owner, name: of the function.
        answer: pieces that the app sends; None is its end, without which it waits for the gate's.
        request: pieces that the client sends.
        outcome: the status that the client gets, and whether the response is complete.
        spared: how many calls are good.
        settings: of the gate, made from the app's URL.
    """

    owner: object
    name: str
    answer: tuple[bytes | None, ...] = (OK,)
    request: tuple[bytes, ...] = (GET,)
    outcome: tuple[int, bool] = WHOLE
    spared: int = 0
    settings: Callable[[str], dict[str, Any]] = plain


CASES = {
    "reading a request": Case(RequestParser, "parse"),
    "beginning an exchange": Case(exchange_module, "AccessRecord"),
    "content of a request": Case(Forwarding, "content_received", (), put(b"x", 2)),
    "connecting": Case(pool_module, "dial"),
    "a new connection": Case(Forwarding, "_send"),
    "sending": Case(UpstreamConnection, "send_request"),
    "a client that is fast": Case(Forwarding, "upstream_paused", (), put(BIG)),
    "a stored request": Case(StoredContent, "read", (), put(STORED), WHOLE, 2, storing),
    "reading the head": Case(ResponseReader, "read_head"),
    "the head": Case(forwarding_module, "downstream_response_head"),
    "an interim head": Case(forwarding_module, "interim_response_head", (HINTS,)),
    "back to the pool": Case(Pool, "give"),
    "back to rest": Case(Pool, "rest", (NO_CONTENT,)),
    "content": Case(Forwarding, "_framed", (CHUNKED, b"4\r\nmore\r\n"), outcome=CUT, spared=1),
    "the end of the content": Case(Forwarding, "_end", (CHUNKED, b"0\r\n\r\n"), outcome=CUT),
    "the end of the connection": Case(Forwarding, "_end", (UNTIL_END, None), outcome=CUT),
    "no answer": Case(Exchange, "answer_failure", (None,)),
    "the health of an app": Case(Health, "failed", (None,)),
    "an app that is slow": Case(Exchange, "answer_failure", (), settings=impatient),
    "the error's own page": Case(
        exchange_module, "error_page", (b"nonsense\r\n\r\n",), outcome=NOTHING
    ),
    "switching": Case(forwarding_module, "switching_response_head", (SWITCHED,), (UPGRADE,)),
    "into a tunnel": Case(Tunnel, "data_received", (SWITCHED,), (UPGRADE, b"x"), CUT_TUNNEL),
    "out of a tunnel": Case(Tunnel, "upstream_data", (SWITCHED, b"x"), (UPGRADE,), CUT_TUNNEL),
    "the end of a tunnel": Case(Tunnel, "upstream_ended", (SWITCHED, None), (UPGRADE,), CUT_TUNNEL),
}


class App:
    """Answers ``/bad`` as the case wants, and everything else well.

    Attributes:
        bad, good: the connections on which it did.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self.bad: list[int] = []
        self.good: list[int] = []

    async def __call__(self, connection: Connection) -> None:
        while True:
            if (await connection.head()).target != "/bad":
                self.good.append(connection.number)
                await connection.send(OK)
                continue
            self.bad.append(connection.number)
            for piece in self._case.answer:
                if piece is None:
                    return
                await connection.send(piece)
                await asyncio.sleep(0.02)  # so that it is a piece of its own for the gate
            if BIG in self._case.request:
                await asyncio.Event().wait()  # for the end of the test, and reads nothing
            await connection.until_closed()
            return


def outcome_of(connection: Client, case: Case) -> tuple[int, bool]:
    """Send the request; return what the client gets."""
    for piece in case.request:
        connection.send(piece)
    if case.outcome is NOTHING:
        assert connection.rest() == b""
        return NOTHING
    if case.outcome is CUT_TUNNEL:
        return int(connection.head()[9:12]), connection.rest() != b""
    answer = connection.response(case.request[0].partition(b" ")[0].decode())
    return answer.status, answer.complete


def ask_well(port: int) -> None:
    with connect(port) as connection:
        assert connection.get("/good").body == b"ok"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_error_of_certgate_itself_ends_one_exchange_and_no_other(
    run: Run, case: Case, monkeypatch: pytest.MonkeyPatch
):
    app = App(case)
    fault = Fault(monkeypatch, case.owner, case.name, case.spared)

    def provoke(port: int) -> None:
        with connect(port) as connection:
            assert outcome_of(connection, case) == case.outcome
            assert connection.is_closed()

    async def scenario(gate: Gate) -> None:
        with capture_logs() as lines:
            await asyncio.to_thread(provoke, gate.port)
            [record] = await gate.records(1)
        assert record.error == "internal_error"
        errors = [line for line in lines if line["log_level"] == "error"]
        assert [line.get("exc_info") for line in errors] == [True]
        fault.is_armed = False
        await asyncio.to_thread(ask_well, gate.port)
        assert app.good[0] not in app.bad
        assert len(gate.log.records) == 2

    with Scripted(app) as upstream:
        settings = case.settings(upstream.url)
        run(settings.pop("upstream"), scenario, **settings)
