"""The corpus of HTTP/1.x through the real gate: refused, or forwarded in exactly one reading.

The app behind it keeps every byte that it gets, and h11 says what is in them. Each test runs all
cases side by side and names those that fail; many of them have to wait for a deadline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.corpus.cases import Case, load
from tests.corpus.compare import outcome, run
from tests.unit.http1.stream import Message, RequestStream, ResponseStream, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.corpus.compare.run import Exchange

_REQUEST_TIMEOUT = 408
_INTERIM = {*range(100, 200)} - {101}
IN_PIECES = pytest.mark.parametrize("in_pieces", [False, True], ids=["at once", "byte by byte"])


@pytest.mark.slow
@IN_PIECES
def test_the_app_gets_the_requests_of_the_corpus_as_written_or_not_at_all(in_pieces: bool):
    """Nothing is left over, smuggled, forged, or to be read in another way."""
    cases = load("requests")
    exchanges = run.requests("certgate", cases, in_pieces=in_pieces)
    assert _failures(cases, exchanges, _check_request) == []


@pytest.mark.slow
@IN_PIECES
def test_the_client_gets_the_responses_of_the_corpus_as_written_or_a_502(in_pieces: bool):
    """And the next request on the same connection gets its own answer."""
    cases = load("responses")
    exchanges = run.responses("certgate", cases, in_pieces=in_pieces)
    assert _failures(cases, exchanges, _check_response) == []


def _failures(cases: list[Case], exchanges: list[Exchange], check: object) -> list[str]:
    assert callable(check)
    return [
        f"{case.id}: {fault}"
        for case, exchange in zip(cases, exchanges, strict=True)
        for fault in check(case, exchange)
    ]


def _check_request(case: Case, exchange: Exchange) -> Iterator[str]:
    arrived = [message for reading in exchange.app for message in reading.messages]
    wanted = sorted(_wanted_requests(case))
    got = sorted((*one.start, one.field(b"host"), one.content) for one in arrived)
    if got != wanted:
        yield f"the app got {got}, not {wanted}"
    if any(reading.fault for reading in exchange.app):
        yield f"h11 refuses what the app got: {exchange.raw}"
    if outcome.verdict(outcome.of_request(exchange)) is outcome.Verdict.HARMFUL:
        yield f"{outcome.of_request(exchange)}: {exchange.raw}"
    if any(one.field(b"x-ssl-client-verify") != b"SUCCESS" or one.trailers for one in arrived):
        yield f"the app got another identity, or trailers: {exchange.raw}"
    answers = [int(one.start[0]) for one in exchange.client.messages]
    if answers != [200] * len(wanted) + _last_answer(case):
        yield f"the client got {answers}"


def _wanted_requests(case: Case) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """What the parser reads; the tests of the parser hold that against the corpus."""
    targets = [*case.targets, *[None] * len(case.data)]
    messages = [] if case.gate else read(RequestStream(), [case.data]).messages
    for message, target in zip(messages, targets, strict=False):
        if message.is_complete:
            head = message.described()
            yield head["method"], target or head["target"], head["host"], message.content


def _last_answer(case: Case) -> list[int]:
    last = case.gate or case.refused or (_REQUEST_TIMEOUT if case.waits else None)
    return [last] if last else []


def _check_response(case: Case, exchange: Exchange) -> Iterator[str]:
    stream = read(ResponseStream(case.method), [case.data])
    word = outcome.of_response(exchange)
    final = next((one for one in stream.messages if _status(one) not in _INTERIM), None)
    if final is None:
        allowed = {"502"}
    elif final.is_complete or final.facts.framing.value == "close":
        allowed = {outcome.PASSED}
    else:
        # The head was well; how much of it was passed on before the fault showed is a race.
        allowed = {"502", "cut"}
    if word not in allowed:
        yield f"{word}, not {allowed}: {exchange.sent[:300]!r}"
    elif word == outcome.PASSED:
        assert final is not None
        got, wanted = exchange.client.messages[0], final
        if (int(got.start[0]), got.content) != (_status(wanted), wanted.content):
            yield f"the client got {got}"


def _status(message: Message) -> int:
    status: int = message.described()["status"]
    return status
