"""Whatever the probes show, a server changes only for good reason, and says so each time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.routing.active_health import ActiveHealth, first_pause, next_pause

RESULTS = st.lists(st.booleans(), max_size=60)
COUNTS = st.integers(1, 5)
DRAWS = st.floats(0, 1, exclude_max=True, allow_nan=False)
SECONDS = st.floats(0.1, 1e6, allow_nan=False)


@given(COUNTS, COUNTS, RESULTS)
def test_the_state_follows_from_the_last_results(fails: int, passes: int, results: list[bool]):
    """Another way to say it: look back for a run that is long enough."""
    health = ActiveHealth(fails, passes)
    is_up, seen = True, list[bool]()
    for passed in results:
        was_up = health.is_up
        seen.append(passed)
        changed = health.probed(passed=passed)
        if len(seen) == 1:
            is_up = passed
        elif is_up and not any(seen[-fails:]) and len(seen) > fails:
            is_up = False
        elif not is_up and all(seen[-passes:]) and len(seen) > passes:
            is_up = True
        assert health.is_up is is_up
        assert changed is (was_up is not is_up)


@given(SECONDS, st.floats(0, 1e6, allow_nan=False), DRAWS)
def test_probes_never_overlap_and_never_wait_too_long(interval: float, took: float, draw: float):
    pause = next_pause(interval, took, draw)
    assert 0 <= pause <= interval * 1.11
    assert pause + took >= interval * 0.89
    assert 0 <= first_pause(interval, draw) <= min(interval, 1)
