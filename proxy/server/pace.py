"""How fast a client has to send what it owes us.

A timeout for the gap between two reads is kept by one byte each 59 seconds, for ever, and each
such client holds a connection to the app. So bytes are counted, too, as Apache's mod_reqtimeout
and IIS do it: over each span of the timeout there have to be so many for each second of it.
"""

from __future__ import annotations


class Pace:
    """Watches one client from when we wait for its content until we stop waiting.

    Whoever makes the client wait ends this and begins another one afterwards: only time in which
    the client could have sent counts.

    Attributes:
        deadline: when to ask ``is_too_slow``, on the clock of all deadlines.
    """

    __slots__ = ("_gap_ends", "_least", "_looks_at", "_patience", "_received", "deadline")

    def __init__(self, patience: float, min_rate: int, now: float) -> None:
        """Begin to wait.

        Args:
            patience: the longest gap, and the time over which the rate is averaged; in seconds.
            min_rate: bytes per second; 0 for no more than no gaps.
            now: the time of the last sweep.
        """
        self._patience = patience
        self._least = min_rate * patience
        self._received = 0
        self.deadline = self._gap_ends = self._looks_at = now + patience

    def received(self, size: int, now: float) -> float:
        """Count bytes that came and return the new deadline."""
        self._received += size
        self._gap_ends = now + self._patience
        self.deadline = min(self._gap_ends, self._looks_at) if self._least else self._gap_ends
        return self.deadline

    def is_too_slow(self, now: float) -> bool:
        """Tell whether the client has lost our patience; if not, there is a new deadline."""
        if now >= self._gap_ends or self._received < self._least:
            return True
        self._received = 0
        self._looks_at = now + self._patience
        self.deadline = self._gap_ends
        return False
