"""The leaky bucket: who may come when, and who is remembered."""

from __future__ import annotations

import pytest

from proxy.access.rate import Rate, RateLimiter, admit, retry_after


def came(limiter: RateLimiter, *times: float, key: str = "a") -> list[bool]:
    """Let somebody come at these times; tell when they got in."""
    return [admit([(limiter, key)], now) == 0 for now in times]


@pytest.mark.parametrize(
    ("rate", "interval"), [(Rate(20, "s"), 0.05), (Rate(600, "m"), 0.1), (Rate(1, "h"), 3600)]
)
def test_a_rate_is_an_interval(rate: Rate, interval: float):
    assert rate.interval == pytest.approx(interval)


def test_a_rate_is_shown_as_it_is_written():
    assert str(Rate(600, "m")) == "600/m"


def test_without_a_burst_one_gets_in_for_each_interval():
    assert came(RateLimiter(Rate(2, "s"), 0), 9, 9.4, 9.5, 9.6, 10) == [1, 0, 1, 0, 1]


def test_a_burst_is_how_many_come_ahead_of_the_rate():
    """As nginx counts it: the first one is not of the burst."""
    limiter = RateLimiter(Rate(1, "s"), 2)
    assert came(limiter, 5, 5, 5, 5) == [1, 1, 1, 0]
    assert came(limiter, 6, 6, 8, 8, 8) == [1, 0, 1, 1, 0]


def test_who_is_refused_does_not_pay():
    limiter = RateLimiter(Rate(1, "s"), 0)
    assert came(limiter, 0, *(step / 100 for step in range(100)), 1) == [1, *[0] * 100, 1]


def test_each_key_is_counted_by_itself():
    limiter = RateLimiter(Rate(1, "s"), 0)
    assert came(limiter, 0, key="a") == came(limiter, 0, key="b") == [1]
    assert came(limiter, 0, key="a") == [0]


@pytest.mark.parametrize(("per_minute", "burst"), [(1, 0), (7, 3), (33, 0), (60, 5)])
def test_who_waits_as_told_gets_in_and_not_much_before(per_minute: int, burst: int):
    limiter, now = RateLimiter(Rate(per_minute, "m"), burst), 1000.1
    while not (wait := limiter.wait("a", now)):
        limiter.take("a", now)
    assert limiter.wait("a", now + wait * 0.99)
    assert not limiter.wait("a", now + wait)
    assert not limiter.wait("a", now + retry_after(wait))


@pytest.mark.parametrize(
    ("wait", "seconds"), [(0.001, 1), (1.0, 1), (1.0000001, 1), (1.01, 2), (59.9, 60)]
)
def test_retry_after_is_rounded_up(wait: float, seconds: int):
    assert retry_after(wait) == seconds


def test_a_request_is_charged_under_all_limits_or_under_none():
    quick, slow = RateLimiter(Rate(1, "s"), 5), RateLimiter(Rate(1, "m"), 0)
    both = [(quick, "a"), (slow, "a")]
    assert admit(both, 0) == 0
    assert [admit(both, 0) for _ in range(50)] == [60] * 50
    assert came(quick, 0, 0, 0, 0, 0, 0) == [1, 1, 1, 1, 1, 0]


def test_the_longest_wait_counts():
    second, minute = RateLimiter(Rate(1, "s"), 0), RateLimiter(Rate(1, "m"), 0)
    admit([(second, "a"), (minute, "a")], 0)
    assert admit([(minute, "a"), (second, "a")], 0) == 60


def test_without_limits_everything_passes():
    assert admit([], 0) == 0


def test_who_owes_nothing_is_forgotten():
    limiter = RateLimiter(Rate(1, "s"), 0, max_keys=8)
    for number in range(1000):
        limiter.take(f"{number}", number)
        assert len(limiter) < 8


def test_memory_is_bounded_and_those_who_owe_most_are_remembered():
    """A flood of addresses with a request each does not clear the name of one with many."""
    limiter = RateLimiter(Rate(1, "m"), 9, max_keys=100)
    assert came(limiter, *[0.0] * 11, key="the one") == [1] * 10 + [0]
    for number in range(10_000):
        limiter.take(f"flood {number}", 1 + number / 1e6)
        assert len(limiter) < 100
    assert came(limiter, 2, key="the one") == [0]


def test_a_flood_locks_nobody_out():
    limiter = RateLimiter(Rate(1, "h"), 0, max_keys=100)
    for number in range(10_000):
        assert came(limiter, 0, key=f"{number}") == [1]


def test_keys_are_looked_through_seldom():
    """Each look costs a pass over all: a flood must not buy one with each request."""
    limiter, looks = RateLimiter(Rate(1, "h"), 0, max_keys=8192), 0
    for number in range(80_000):
        before = len(limiter)
        limiter.take(f"{number}", number / 1e6)
        looks += len(limiter) <= before
    assert looks < 80_000 / (8192 / 4)
