"""How often somebody may come: the leaky bucket of nginx's ``limit_req`` with ``nodelay``.

Who comes faster than the rate runs up a debt, one interval for each request, which time pays off.
More than ``burst`` intervals of debt are not lent: the request is refused at once and costs
nothing, so that a client that waits as it is told gets in, whatever it tried meanwhile.

Memory is bounded although keys are the visitors' choice. Who owes nothing is not remembered at all.
Where more keys owe something than may be kept, the half that owes least is forgiven. Forgetting
lets somebody in and never keeps anybody out, so a flood of new addresses cannot lock people out;
and to have a debt forgiven it takes tens of thousands of addresses that owe as much, so a flood
cannot buy its sender more than those addresses may ask for anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_KEYS: Final = 65_536
"""For each limit. A key and its debt take about 200 bytes."""

_FEW: Final = 1024  # keys that are not worth a look
# Sums of floating point numbers: who waits exactly as long as told must not be a hair too early.
_ROUNDING: Final = 1e-6

UNITS: Final = {"s": 1, "m": 60, "h": 3600}
"""The time spans of a rate, in seconds."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in a time span.

    Attributes:
        count: at least 1.
        unit: a key of ``UNITS``.
    """

    count: int
    unit: str

    @property
    def interval(self) -> float:
        """The seconds from one request to the next."""
        return UNITS[self.unit] / self.count

    def __str__(self) -> str:
        """Return the form in which it is written: ``20/s``."""
        return f"{self.count}/{self.unit}"


class RateLimiter:
    """The debts of all visitors under one limit."""

    __slots__ = ("_burst", "_interval", "_max_keys", "_paid_at", "_tidy_at")

    def __init__(self, rate: Rate, burst: int, max_keys: int = MAX_KEYS) -> None:
        """Owe nothing to nobody.

        Args:
            rate: how often one key may come for any length of time.
            burst: how many requests may come ahead of the rate, as nginx counts it: 0 lets one
                request in for each interval, 5 lets six come at once.
            max_keys: the bound on memory.
        """
        self._interval = rate.interval
        self._burst = burst * rate.interval
        self._max_keys = max_keys
        self._paid_at: dict[str, float] = {}  # when a key will owe nothing
        self._tidy_at = min(_FEW, max_keys)

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._paid_at)

    def wait(self, key: str, now: float) -> float:
        """Return after how many seconds a request of this key would pass; 0.0 for at once."""
        wait = self._paid_at.get(key, now) - now - self._burst
        return wait if wait > _ROUNDING else 0.0

    def take(self, key: str, now: float) -> None:
        """Charge a key for a request that passes."""
        self._paid_at[key] = max(self._paid_at.get(key, now), now) + self._interval
        if len(self._paid_at) >= self._tidy_at:
            self._tidy(now)

    def _tidy(self, now: float) -> None:
        """Forget who owes nothing and, if they are still too many, who owes least.

        Looking at all keys is paid for by at least a quarter as many new ones since the last time.
        """
        debts = {key: paid_at for key, paid_at in self._paid_at.items() if paid_at > now}
        if len(debts) > self._max_keys * 3 // 4:
            median = sorted(debts.values())[len(debts) // 2]
            debts = {key: paid_at for key, paid_at in debts.items() if paid_at > median}
        self._paid_at = debts
        self._tidy_at = min(max(2 * len(debts), _FEW), self._max_keys)


def admit(charges: Sequence[tuple[RateLimiter, str]], now: float) -> float:
    """Charge a request under several limits, if all of them let it pass; otherwise under none.

    Args:
        charges: each limit, with the key that the request has there.
        now: seconds on a clock that never goes back.

    Returns:
        0.0 when it passes, otherwise the seconds to wait.
    """
    longest = 0.0
    for limiter, key in charges:
        longest = max(longest, limiter.wait(key, now))
    if not longest:
        for limiter, key in charges:
            limiter.take(key, now)
    return longest


def retry_after(wait: float) -> int:
    """Return a wait in whole seconds, rounded up, for the field Retry-After."""
    return max(1, ceil(wait - _ROUNDING))
