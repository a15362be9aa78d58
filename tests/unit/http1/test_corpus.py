"""Malformed and ambiguous messages: each case comes out as written, however it is cut."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.unit.http1.corpus import Case, load
from tests.unit.http1.stream import RequestStream, ResponseStream, one_by_one, read

if TYPE_CHECKING:
    from tests.unit.http1.stream import Stream

REQUESTS = load("requests")
RESPONSES = load("responses")


def check(case: Case, stream: Stream) -> None:
    got = [message.described() for message in stream.messages]
    wanted = [
        {key: message[key] for key in want}
        for want, message in zip(case.messages, got, strict=False)
    ]
    assert wanted == list(case.messages)
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


def test_every_case_has_its_own_name():
    assert [name for name, times in Counter(c.id for c in REQUESTS).items() if times > 1] == []
    assert [name for name, times in Counter(c.id for c in RESPONSES).items() if times > 1] == []


def test_every_case_says_what_becomes_of_it():
    for case in REQUESTS + RESPONSES:
        assert case.messages or case.refused or case.waits, case.id
