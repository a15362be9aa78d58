"""What probes show: the first one counts at once, then only several of one kind in a row."""

from __future__ import annotations

import pytest

from proxy.routing.active_health import ActiveHealth, first_pause, next_pause


def probed(health: ActiveHealth, results: str) -> str:
    """Return which results (+ and -) changed something, with the state after it: U, D, or a dot."""
    shown = ""
    for result in results:
        changed = health.probed(passed=result == "+")
        shown += ("U" if health.is_up else "D") if changed else "."
    return shown


def test_nothing_is_held_against_a_server_before_the_first_result():
    assert ActiveHealth(3, 2).is_up


@pytest.mark.parametrize(
    ("results", "changes"),
    [
        ("+", "."),
        ("-", "D"),
        ("-++", "D.U"),
        ("-+-++", "D...U"),
        ("+---", "...D"),
        ("+--+---", "......D"),
        ("+---++---", "...D.U..D"),
    ],
)
def test_changes_take_several_results_in_a_row_except_for_the_first(results: str, changes: str):
    assert probed(ActiveHealth(3, 2), results) == changes


def test_first_probes_come_soon_but_not_all_at_once():
    assert first_pause(5, 0.0) == 0
    assert first_pause(5, 0.5) == 0.5
    assert first_pause(0.2, 0.5) == 0.1


def test_further_ones_come_at_the_interval_a_tenth_more_or_less():
    assert next_pause(10, 0.0, 0.0) == pytest.approx(9)
    assert next_pause(10, 0.0, 0.5) == pytest.approx(10)
    assert next_pause(10, 4.0, 1.0) == pytest.approx(7)


def test_a_probe_that_took_longer_than_the_interval_is_followed_at_once():
    assert next_pause(1, 2.0, 0.5) == 0
