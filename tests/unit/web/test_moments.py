"""Moments and distances, as a person says them."""

from datetime import UTC, datetime

import pytest

from proxy.web.moments import say_distance, say_moment


def test_a_moment_has_no_doubt_about_day_and_month():
    moment = datetime(2026, 11, 3, 4, 5, 6, tzinfo=UTC)
    assert say_moment(moment) == "3 November 2026, 04:05 UTC"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "a moment"),
        (119, "a moment"),
        (120, "2 minutes"),
        (7_199, "119 minutes"),
        (7_200, "2 hours"),
        (172_799, "47 hours"),
        (172_800, "2 days"),
        (3 * 86_400 + 5, "3 days"),
        (59.9 * 86_400, "59 days"),
        (60 * 86_400, "2 months"),
        (729 * 86_400, "24 months"),
        (730 * 86_400, "2 years"),
        (7_000 * 365 * 86_400, "7000 years"),
    ],
)
def test_a_distance_is_rounded_down_to_the_unit_that_says_most(seconds: float, words: str):
    assert say_distance(seconds) == words
