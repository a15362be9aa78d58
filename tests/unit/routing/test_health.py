"""Passive health: nginx's max_fails and fail_timeout."""

from __future__ import annotations

from proxy.routing.health import Health


def test_a_server_is_healthy_at_first():
    assert Health(1, 10).is_fit(0)


def test_one_failure_takes_a_server_out_by_default():
    health = Health(1, 10)
    assert health.failed(100)
    assert not health.is_fit(100)
    assert not health.is_fit(110)
    assert health.is_fit(110.1)


def test_fewer_failures_than_max_fails_do_not():
    health = Health(3, 10)
    assert [health.failed(now) for now in (1, 2, 3)] == [False, False, True]
    assert not health.is_fit(3)


def test_max_fails_0_never_takes_a_server_out():
    health = Health(0, 10)
    assert not any(health.failed(now) for now in range(9))
    assert health.is_fit(9)


def test_after_the_time_one_request_at_a_time_tries_the_server():
    health = Health(1, 10)
    health.failed(0)
    assert health.is_fit(11)
    health.chosen(11)
    assert not health.is_fit(11)
    assert not health.is_fit(21)
    assert health.is_fit(21.1)


def test_a_server_that_answers_is_back():
    health = Health(2, 10)
    health.failed(0)
    health.failed(0)
    health.chosen(11)
    assert health.succeeded()
    assert health.fails == 0
    assert health.is_fit(11)


def test_a_server_that_fails_again_stays_out():
    health = Health(2, 10)
    health.failed(0)
    health.failed(0)
    health.chosen(11)
    assert not health.failed(12)  # that is no news
    assert not health.is_fit(22)
    assert health.is_fit(22.1)


def test_the_answer_of_one_that_is_asked_as_the_last_resort_brings_it_back():
    """Within its time, in which nobody else would ask it."""
    health = Health(1, 10)
    health.failed(0)
    health.chosen(1)
    assert not health.is_fit(1)
    assert health.succeeded()
    assert health.is_fit(1)


def test_a_success_in_the_same_window_proves_nothing():
    """Every second request fails: that is no healthy server."""
    health = Health(2, 10)
    health.chosen(0)
    health.failed(1)
    assert not health.succeeded()
    health.chosen(2)
    assert health.failed(2)


def test_a_success_in_a_later_window_forgets_old_failures():
    health = Health(2, 10)
    health.failed(0)
    health.chosen(11)
    assert not health.succeeded()  # it had not been out
    assert health.fails == 0
    assert not health.failed(12)
