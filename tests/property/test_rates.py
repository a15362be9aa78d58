"""Properties of the rate limit, against any pattern of arrivals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.access.rate import UNITS, Rate, RateLimiter, admit, retry_after
from proxy.access.visitor import address_key

RATES = st.builds(Rate, st.integers(1, 1_000_000), st.sampled_from(sorted(UNITS)))
BURSTS = st.integers(0, 20)
STARTS = st.floats(0, 1e9)
# In parts of the interval, so that some are close and some are far apart.
GAPS = st.lists(st.floats(0, 3) | st.just(0.0), min_size=1, max_size=80)
KEYS = st.sampled_from("abc")


def arrivals(rate: Rate, start: float, gaps: list[float]) -> list[float]:
    times = [start]
    for gap in gaps:
        times.append(times[-1] + gap * rate.interval)
    return times


@given(RATES, BURSTS, GAPS)
def test_in_no_window_do_more_get_in_than_the_burst_and_the_rate_allow(
    rate: Rate, burst: int, gaps: list[float]
):
    limiter = RateLimiter(rate, burst)
    admitted = [now for now in arrivals(rate, 0, gaps) if not admit([(limiter, "a")], now)]
    for first, begin in enumerate(admitted):
        for last, end in enumerate(admitted[first:], first):
            allowed = burst + 1 + (end - begin + 1e-5) / rate.interval
            assert last - first + 1 <= allowed + 1e-6


@given(RATES, BURSTS, STARTS, GAPS)
def test_who_waits_as_told_gets_in(rate: Rate, burst: int, start: float, gaps: list[float]):
    limiter = RateLimiter(rate, burst)
    for now in arrivals(rate, start, gaps):
        if wait := admit([(limiter, "a")], now):
            assert wait <= rate.interval * (1 + 1e-6) + 1e-3
            assert not limiter.wait("a", now + retry_after(wait))


@given(RATES, BURSTS, GAPS)
def test_who_keeps_to_the_rate_is_never_refused(rate: Rate, burst: int, gaps: list[float]):
    limiter = RateLimiter(rate, burst)
    for now in arrivals(rate, 0, [1 + gap for gap in gaps]):
        assert not admit([(limiter, "a")], now)


@given(RATES, BURSTS, GAPS, st.data())
def test_one_key_never_changes_what_another_may_do(
    rate: Rate, burst: int, gaps: list[float], data: st.DataObject
):
    shared, alone = RateLimiter(rate, burst), RateLimiter(rate, burst)
    for now in arrivals(rate, 0, gaps):
        key = data.draw(KEYS)
        found = admit([(shared, key)], now)
        if key == "a":
            assert found == admit([(alone, "a")], now)


@given(RATES, BURSTS, GAPS, st.integers(1, 9), st.data())
def test_forgetting_is_bounded_and_only_ever_lets_somebody_in(
    rate: Rate, burst: int, gaps: list[float], max_keys: int, data: st.DataObject
):
    small, large = RateLimiter(rate, burst, max_keys), RateLimiter(rate, burst)
    for now in arrivals(rate, 0, gaps):
        key = str(data.draw(st.integers(0, 12)))
        assert small.wait(key, now) <= large.wait(key, now)
        large.take(key, now)
        small.take(key, now)
        assert len(small) <= max_keys


@given(st.ip_addresses(v=6).filter(lambda one: one.ipv4_mapped is None), st.integers(0, 2**64 - 1))
def test_a_host_cannot_leave_its_network(address: object, low: int):
    network = int(address) >> 64  # type: ignore[call-overload]
    other = type(address)(network << 64 | low)  # type: ignore[call-arg]
    if other.ipv4_mapped is None:
        assert address_key(str(address)) == address_key(str(other))
