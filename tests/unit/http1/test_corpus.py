"""Malformed and ambiguous messages: each case comes out as written, however it is cut."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.corpus.cases import Case, load
from tests.unit.http1.stream import RequestStream, ResponseStream, one_by_one, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.http1.stream import Stream

REQUESTS = load("requests")
RESPONSES = load("responses")


def check(case: Case, stream: Stream) -> None:
    got = [message.described() for message in stream.messages]
    wanted = [message.keys() for message in case.messages]
    found = [{key: have[key] for key in keys} for keys, have in zip(wanted, got, strict=False)]
    assert found == list(case.messages)
    assert len(got) == len(case.messages)
    assert (stream.error.status if stream.error else None) == case.refused
    assert stream.waits == case.waits


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case.id)
def test_a_request_comes_out_as_written(case: Case):
    check(case, read(RequestStream(), [case.data]))


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case.id)
def test_a_request_comes_out_the_same_byte_by_byte(case: Case):
    check(case, read(RequestStream(), one_by_one(case.data)))


@pytest.mark.parametrize("case", RESPONSES, ids=lambda case: case.id)
def test_a_response_comes_out_as_written(case: Case):
    check(case, read(ResponseStream(case.method), [case.data]))


@pytest.mark.parametrize("case", RESPONSES, ids=lambda case: case.id)
def test_a_response_comes_out_the_same_byte_by_byte(case: Case):
    check(case, read(ResponseStream(case.method), one_by_one(case.data)))


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case.id)
def test_a_request_comes_out_the_same_in_any_two_pieces(case: Case):
    wanted = read(RequestStream(), [case.data]).outcome()
    for first, second in in_two(case.data):
        assert read(RequestStream(), [first, second]).outcome() == wanted, first


@pytest.mark.parametrize("case", RESPONSES, ids=lambda case: case.id)
def test_a_response_comes_out_the_same_in_any_two_pieces(case: Case):
    wanted = read(ResponseStream(case.method), [case.data]).outcome()
    for first, second in in_two(case.data):
        assert read(ResponseStream(case.method), [first, second]).outcome() == wanted, first


def in_two(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Cut at every byte; in the middle of what only is long, at some."""
    step = len(data) // 2000 + 1
    for at in sorted({*range(1, len(data), step), *range(1, min(len(data), 600))}):
        yield data[:at], data[at:]


def test_every_case_has_its_own_name():
    assert [name for name, times in Counter(c.id for c in REQUESTS).items() if times > 1] == []
    assert [name for name, times in Counter(c.id for c in RESPONSES).items() if times > 1] == []


def test_every_case_says_what_becomes_of_it():
    for case in REQUESTS + RESPONSES:
        assert case.messages or case.refused or case.waits, case.id
