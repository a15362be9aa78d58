"""Whether a server is worth asking, learnt from probes: requests that are sent for that alone."""

from __future__ import annotations

# Servers of one upstream, and the gates in front of them, must not all be asked in one moment.
_JITTER = 0.1
_SOON = 1.0


class ActiveHealth:
    """What the probes of one server have shown.

    Nothing is known at first: the server is taken to be well, and the first result counts at once.
    After that a change takes several results of one kind in a row.
    """

    __slots__ = ("_contrary", "_fails", "_is_up", "_passes")

    def __init__(self, fails: int, passes: int) -> None:
        """Begin without knowledge.

        Args:
            fails: how many failures in a row take the server out, 1 at least.
            passes: how many successes in a row bring it back, 1 at least.
        """
        self._fails = fails
        self._passes = passes
        self._is_up: bool | None = None
        self._contrary = 0  # results in a row that speak against the present state

    @property
    def is_up(self) -> bool:
        """No probe has shown that the server is down."""
        return self._is_up is not False

    def probed(self, *, passed: bool) -> bool:
        """Note a result; tell whether the server went down, or came back, by it."""
        was_up = self.is_up
        if self._is_up is None:
            self._is_up = passed
        elif passed is self._is_up:
            self._contrary = 0
        else:
            self._contrary += 1
            if self._contrary >= (self._passes if passed else self._fails):
                self._is_up, self._contrary = passed, 0
        return self.is_up is not was_up


def first_pause(interval: float, draw: float) -> float:
    """Return the seconds before the first probe: soon, but not all in one moment.

    Args:
        interval: seconds between two probes.
        draw: a random number, 0 <= number < 1.
    """
    return draw * min(interval, _SOON)


def next_pause(interval: float, elapsed: float, draw: float) -> float:
    """Return the seconds from the end of one probe to the next; they never overlap.

    Args:
        interval: seconds from the beginning of one probe to that of the next, on average.
        elapsed: how long the last one took.
        draw: a random number, 0 <= number < 1.
    """
    return max(0.0, interval * (1 - _JITTER + 2 * _JITTER * draw) - elapsed)
