"""A request is sent again only where that cannot be noticed, and not without end."""

from __future__ import annotations

import pytest

from proxy.forward.retry import Retries


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"])
def test_an_idempotent_request_may_be_repeated(method: bytes):
    assert Retries().may_repeat(method, is_content_lost=False)


@pytest.mark.parametrize("method", [b"POST", b"PATCH", b"LOCK", b"QUERY", b"get", b""])
def test_any_other_method_is_not_unless_the_operator_says_so(method: bytes):
    assert not Retries().may_repeat(method, is_content_lost=False)
    bold = Retries(conditions=frozenset({"non_idempotent"}))
    assert bold.may_repeat(method, is_content_lost=False)
    assert not bold.may_repeat(method, is_content_lost=True)


def test_content_that_was_streamed_is_not_there_for_a_second_time():
    assert not Retries().may_repeat(b"PUT", is_content_lost=True)


def test_no_response_is_a_reason_unless_it_is_named():
    assert not Retries().wants_another(503)
    named = Retries(conditions=frozenset({"http_503"}))
    assert named.wants_another(503)
    assert not named.wants_another(500)


def test_without_bounds_there_is_always_another():
    assert Retries().allow_another(99, 3600)


@pytest.mark.parametrize(("tried", "allowed"), [(1, True), (2, False), (3, False)])
def test_the_number_of_servers_is_bounded(tried: int, allowed: bool):
    """The first one counts."""
    assert Retries(tries=2).allow_another(tried, 0) is allowed


@pytest.mark.parametrize(("elapsed", "allowed"), [(0.9, True), (1.0, False)])
def test_the_time_is_bounded(elapsed: float, allowed: bool):
    assert Retries(timeout=1.0).allow_another(1, elapsed) is allowed
