"""Which routes lead to a path *of the app*, when routes may lead to other paths than their own.

With ``/pub`` (public) leading to the app's ``/``, a stranger who asks for ``/pub/admin`` would get
the app's ``/admin``, and a route for ``/admin`` that wants a certificate would guard nothing. So
what is forwarded is looked up here once more: by the app's paths, in every reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from proxy.routing.path import CLEAN_PATH
from proxy.routing.readings import readings

if TYPE_CHECKING:
    from collections.abc import Iterable

AccessT = TypeVar("AccessT")

Segments = tuple[bytes, ...]


class Claims(Generic[AccessT]):
    """What the routes to one app ask of a client, by the app's paths."""

    __slots__ = ("_depth", "_folded", "_written")

    def __init__(self, claims: Iterable[tuple[bytes, AccessT]]) -> None:
        """Keep the claims.

        Args:
            claims: a path of the app, with or without a slash at its end, and the access of a route
                that leads there. Several routes may lead to one path.
        """
        self._written: dict[Segments, frozenset[AccessT]] = {}
        self._folded: dict[Segments, frozenset[AccessT]] = {}
        for path, access in claims:
            _add(self._written, _segments(path), access)
            _add(self._folded, _segments(path.lower()), access)
        self._depth = max(map(len, self._written), default=0)

    def of(self, path: bytes) -> frozenset[AccessT]:
        """Return the access of every route that leads to a path, of which the longest count.

        Args:
            path: normalised, in the form in which it is forwarded, without its query.

        Raises:
            TargetError: the path is too tangled to try every reading.
        """
        found: frozenset[AccessT] = frozenset()
        for reading in (path,) if CLEAN_PATH.fullmatch(path) else readings(path):
            found |= self._longest(self._written, reading)
            found |= self._longest(self._folded, reading.lower())
        return found

    def _longest(
        self, claims: dict[Segments, frozenset[AccessT]], path: bytes
    ) -> frozenset[AccessT]:
        segments = tuple(path.split(b"/", self._depth + 1)[1 : self._depth + 1])
        for length in range(len(segments), -1, -1):
            accesses = claims.get(segments[:length])
            if accesses is not None:
                return accesses
        return frozenset()


def _segments(path: bytes) -> Segments:
    return tuple(path.rstrip(b"/").split(b"/")[1:])


def _add(claims: dict[Segments, frozenset[AccessT]], segments: Segments, access: AccessT) -> None:
    claims[segments] = claims.get(segments, frozenset()) | {access}
