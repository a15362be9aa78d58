"""Keys that the contract names and that are not built yet: refused by name, with what to do."""

from __future__ import annotations

from typing import Final

# Stand for any index and for any name in a place.
ITEM: Final = "[]"
NAME: Final = "NAME"

NOT_IN_THIS_VERSION: Final = (("status",),)


def is_planned(place: tuple[str | int, ...]) -> bool:
    """Tell whether this key is one that a later version will take."""
    return any(
        len(pattern) == len(place)
        and all(wanted in {ITEM, NAME, part} for wanted, part in zip(pattern, place, strict=True))
        for pattern in NOT_IN_THIS_VERSION
    )
