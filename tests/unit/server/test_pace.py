"""How fast a client has to send."""

from __future__ import annotations

from proxy.server.pace import Pace


def test_silence_ends_it_after_the_patience():
    pace = Pace(60, 240, 1000)
    assert pace.deadline == 1060
    assert pace.is_too_slow(1060)


def test_without_a_rate_any_byte_is_enough():
    pace = Pace(60, 0, 0)
    for now in range(50, 5000, 50):
        assert pace.received(1, now) == now + 60
    assert pace.is_too_slow(pace.deadline)


def test_with_a_rate_a_byte_now_and_then_is_not():
    pace = Pace(60, 240, 0)
    assert pace.received(1, 59) == 60
    assert pace.is_too_slow(60)


def test_enough_bytes_earn_another_span():
    pace = Pace(60, 240, 0)
    pace.received(240 * 60, 1)
    pace.received(1, 50)
    assert not pace.is_too_slow(60)
    assert pace.deadline == 110  # the gap
    assert pace.received(1, 109) == 120
    assert pace.is_too_slow(120)


def test_what_came_in_one_span_does_not_count_in_the_next():
    pace = Pace(10, 1, 0)
    pace.received(1_000_000, 9)
    assert not pace.is_too_slow(10)
    pace.received(9, 15)
    assert pace.is_too_slow(20)


def test_a_gap_is_a_gap_whatever_came_before():
    pace = Pace(10, 1, 0)
    pace.received(1_000_000, 1)
    assert not pace.is_too_slow(10)
    assert pace.deadline == 11
    assert pace.is_too_slow(11)
