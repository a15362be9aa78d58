"""Keys that the contract names and that are not built yet: refused by name, with what to do."""

from __future__ import annotations

from typing import Final

ANY: Final = None  # any index or name

NOT_IN_THIS_VERSION: Final[tuple[tuple[str | None, ...], ...]] = (
    ("trusted_proxies",),
    ("status",),
    ("listen", ANY, "proxy_protocol"),
    ("upstreams", ANY, "balance"),
    ("upstreams", ANY, "retries"),
    ("upstreams", ANY, "health"),
    ("routes", ANY, "static"),
)


def is_planned(place: tuple[str | int, ...]) -> bool:
    """Tell whether this key is one that a later version will take."""
    return any(
        len(pattern) == len(place)
        and all(wanted in {ANY, part} for wanted, part in zip(pattern, place, strict=True))
        for pattern in NOT_IN_THIS_VERSION
    )
