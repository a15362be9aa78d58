"""How many of one visitor are there at one time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable


class Presence:
    """Counts who is there. It knows nobody who is not, so it never outgrows the connections."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[Hashable, int] = {}

    def __len__(self) -> int:
        """Return how many keys are there."""
        return len(self._counts)

    def enter(self, key: Hashable, most: int) -> bool:
        """Count one more of this key, unless ``most`` are there."""
        count = self._counts.get(key, 0)
        if count >= most:
            return False
        self._counts[key] = count + 1
        return True

    def leave(self, key: Hashable) -> None:
        """Count one less; only who has entered may leave."""
        count = self._counts[key] - 1
        if count:
            self._counts[key] = count
        else:
            del self._counts[key]
