"""A request is repeated only where that cannot be noticed."""

from __future__ import annotations

import pytest

from proxy.forward.retry import may_retry


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"])
def test_an_idempotent_request_on_a_stale_connection_is_repeated_once(method: bytes):
    assert may_retry(method, reused=True, has_content=False, attempts=1)
    assert not may_retry(method, reused=True, has_content=False, attempts=2)


@pytest.mark.parametrize("method", [b"POST", b"PATCH", b"LOCK", b"QUERY", b"get", b""])
def test_any_other_method_is_not(method: bytes):
    assert not may_retry(method, reused=True, has_content=False, attempts=1)


def test_a_new_connection_that_dies_is_the_answer():
    assert not may_retry(b"GET", reused=False, has_content=False, attempts=1)


def test_content_is_not_kept_for_a_second_time():
    assert not may_retry(b"PUT", reused=True, has_content=True, attempts=1)
