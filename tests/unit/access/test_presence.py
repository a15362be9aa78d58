"""Counting who is there."""

from __future__ import annotations

import pytest

from proxy.access.presence import Presence


def test_no_more_than_most_are_let_in():
    presence = Presence()
    assert [presence.enter("a", 2) for _ in range(3)] == [True, True, False]


def test_each_key_is_counted_by_itself():
    presence = Presence()
    assert presence.enter("a", 1)
    assert presence.enter("b", 1)


def test_a_place_that_is_left_is_given_again():
    presence = Presence()
    presence.enter("a", 2)
    presence.enter("a", 2)
    presence.leave("a")
    assert [presence.enter("a", 2) for _ in range(2)] == [True, False]


def test_a_limit_may_change_while_somebody_is_there():
    presence = Presence()
    presence.enter("a", 5)
    presence.enter("a", 5)
    assert not presence.enter("a", 1)
    assert presence.enter("a", 3)


def test_who_is_not_there_is_not_remembered():
    presence = Presence()
    for number in range(100):
        presence.enter(number, 1)
        presence.leave(number)
    assert len(presence) == 0


def test_nobody_leaves_without_having_entered():
    with pytest.raises(KeyError):
        Presence().leave("a")
