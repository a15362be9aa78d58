"""The route table: from a request's host and path to its route, in time that no table size changes.

Of the routes that match, the one with the most specific host counts (an exact name, then a
wildcard, then none), then the one with the longest path. A route's path is a prefix of whole
segments: ``/static`` and ``/static/`` are the same prefix and take ``/static``, ``/static/`` and
``/static/x``, but not ``/static-x``, as a Kubernetes Ingress of type Prefix does. So an app that
treats ``/admin`` and ``/admin/`` alike cannot be reached around a rule for one of them.

A request whose path an app could read in another way (see ``readings.py``) is refused when that
reading leads to a route with other access; where every route of a host has the same access, there
is nothing to get around and nothing is looked at.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from proxy.routing.host import host_name
from proxy.routing.path import CLEAN_PATH, TargetError, normalise_path
from proxy.routing.readings import readings

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

PayloadT = TypeVar("PayloadT")

# What an app may read in another way than it is written (readings.py), or what cannot be sent.
_AMBIGUOUS_IN_PREFIX: Final = re.compile(rb"[%;?#\\\x00-\x1f\x7f]")


class Route(NamedTuple, Generic[PayloadT]):
    """One line of the table.

    Attributes:
        host: a lower-case name or address, ``*.example.com`` for one more label, or empty for
            every host.
        path: the prefix, decoded: ``/``, ``/static``.
        access: the access class. Two routes with equal values let in the same clients.
        payload: what the caller wants back.
    """

    host: str
    path: str
    access: Hashable
    payload: PayloadT


class Match(NamedTuple, Generic[PayloadT]):
    """The outcome of a look-up.

    Attributes:
        payload: that of the route.
        forward: the target to send upstream, with the query.
    """

    payload: PayloadT
    forward: bytes


# NamedTuple's own constructor takes 0.3 µs, this one 0.1; there is one for each request.
_match = partial(tuple.__new__, Match)


class _Node(Generic[PayloadT]):
    """One segment of a prefix; the root stands for ``/``.

    ``route`` is the route of this prefix; once ``inherit`` has run, that of the longest prefix
    which has one, so that a look-up needs to remember nothing on its way down.
    """

    __slots__ = ("children", "route")

    def __init__(self) -> None:
        self.children: dict[bytes, _Node[PayloadT]] = {}
        self.route: Route[PayloadT] | None = None

    def add(self, segments: Iterable[bytes], route: Route[PayloadT]) -> Route[PayloadT]:
        """Put a route at its place, or return the one that is there."""
        node = self
        for segment in segments:
            node = node.children.setdefault(segment, _Node())
        if node.route is None:
            node.route = route
        return node.route

    def inherit(self) -> None:
        """Give each node without a route that of the node above."""
        waiting = [self]  # and no recursion: a path may have thousands of segments
        while waiting:
            node = waiting.pop()
            for child in node.children.values():
                if child.route is None:
                    child.route = node.route
                waiting.append(child)

    def longest(self, segments: Iterable[bytes]) -> Route[PayloadT] | None:
        """Return the route with the longest prefix of these segments."""
        node = self
        for segment in segments:
            child = node.children.get(segment)
            if child is None:
                break
            node = child
        return node.route


class _Prefixes(Generic[PayloadT]):
    """The routes of one host pattern, as written and with letter case folded."""

    __slots__ = ("depth", "folded", "folds", "routes", "written")

    def __init__(self, routes: Iterable[Route[PayloadT]]) -> None:
        self.written: _Node[PayloadT] = _Node()
        self.folded: _Node[PayloadT] = _Node()
        self.routes = tuple(routes)
        self.depth = 0
        self.folds = False  # some prefix has capitals, so that the two trees differ
        for route in self.routes:
            self._add(route)
        self.written.inherit()
        self.folded.inherit()

    def _add(self, route: Route[PayloadT]) -> None:
        segments = _prefix_of(route.path)
        if self.written.add(segments, route) is not route:
            raise ValueError(f"two routes for {route.host or 'every host'} and {route.path}")
        folded = [segment.lower() for segment in segments]
        if self.folded.add(folded, route).access != route.access:
            raise ValueError(f"{route.path} differs from another route in letter case and access")
        self.folds |= folded != segments
        self.depth = max(self.depth, len(segments))


class _HostRoutes(Generic[PayloadT]):
    """All routes that one host can reach, most specific host pattern first."""

    __slots__ = ("_depth", "_folded", "_folds", "_written", "only", "uniform")

    def __init__(self, chain: Sequence[_Prefixes[PayloadT]]) -> None:
        routes = [route for prefixes in chain for route in prefixes.routes]
        roots = [prefixes.written.route for prefixes in chain if prefixes.written.route is not None]
        self._written = [prefixes.written for prefixes in chain]
        self._folded = [prefixes.folded for prefixes in chain]
        self._folds = any(prefixes.folds for prefixes in chain)
        self._depth = max((prefixes.depth for prefixes in chain), default=0)
        # A path that no route takes is refused, which is an access class of its own: so only with
        # a route for "/" is there nothing to get around.
        self.uniform = bool(roots) and len({route.access for route in routes}) == 1
        self.only = roots[0] if self.uniform and self._depth == 0 else None

    def longest(self, path: bytes) -> Route[PayloadT] | None:
        """Return the route for a path of which every slash separates."""
        return _first(self._written, path.split(b"/", self._depth + 1)[1:])

    def longest_of(self, segments: Sequence[bytes]) -> Route[PayloadT] | None:
        """Return the route for decoded segments, in which a slash is data."""
        return _first(self._written, segments)

    def require_agreement(self, route: Route[PayloadT], meanings: Iterable[bytes]) -> None:
        """Refuse a path of which one meaning leads to other access than ``route`` has.

        Raises:
            TargetError: when there is such a meaning.
        """
        for path in meanings:
            _require_same_access(route, self.longest(path))
            self.require_folded_agreement(route, path)

    def require_folded_agreement(self, route: Route[PayloadT], path: bytes) -> None:
        """Refuse a path that leads to other access in an app that ignores letter case.

        Raises:
            TargetError: when it does.
        """
        folded = path.lower()
        if self._folds or folded != path:
            segments = folded.split(b"/", self._depth + 1)[1:]
            _require_same_access(route, _first(self._folded, segments))


def _require_same_access(route: Route[PayloadT], other: Route[PayloadT] | None) -> None:
    if other is None or other.access != route.access:
        raise TargetError("ambiguous path")


def _first(chain: Sequence[_Node[PayloadT]], segments: Sequence[bytes]) -> Route[PayloadT] | None:
    for prefixes in chain:
        route = prefixes.longest(segments)
        if route is not None:
            return route
    return None


def _prefix_of(path: str) -> list[bytes]:
    """Return the segments of a route's path; the trailing slash makes no difference.

    Raises:
        ValueError: for a prefix that no request could match, or not as it was meant.
    """
    if not path.startswith("/"):
        raise ValueError(f"{path!r} does not begin with a slash")
    stem = path.removesuffix("/").encode()
    segments = stem.split(b"/")[1:]
    if not {b"", b".", b".."}.isdisjoint(segments) or _AMBIGUOUS_IN_PREFIX.search(stem):
        raise ValueError(f"{path!r} does not mean one thing only")
    return segments


class RouteTable(Generic[PayloadT]):
    """Routes, compiled. The table does not change; a reload makes a new one."""

    def __init__(self, routes: Iterable[Route[PayloadT]]) -> None:
        """Compile the routes.

        Raises:
            ValueError: for two routes with the same host and path, or paths that differ in letter
                case only and have different access.
        """
        by_host: dict[str, list[Route[PayloadT]]] = {}
        for route in routes:
            by_host.setdefault(route.host, []).append(route)
        by_pattern = {host: _Prefixes(of_host) for host, of_host in by_host.items()}
        self._names: dict[bytes, _HostRoutes[PayloadT]] = {}
        self._parents: dict[bytes, _HostRoutes[PayloadT]] = {}
        self._rest = _HostRoutes(_chain(by_pattern, ""))
        for pattern in by_pattern:
            compiled = _HostRoutes(_chain(by_pattern, pattern))
            if pattern.startswith("*."):
                self._parents[pattern[2:].encode()] = compiled
            elif pattern:
                self._names[pattern.encode()] = compiled

    def match(self, host: bytes, target: bytes) -> Match[PayloadT] | None:
        """Return the route of a request, or None when it has none (404).

        Args:
            host: the Host field's value (or the authority of an absolute-form target), in any
                letter case, with or without a port.
            target: an origin-form target, with or without its query.

        Raises:
            TargetError: for a path that is malformed, or ambiguous; answer 400.
        """
        routes = self._names.get(host) or self._routes_of(host)
        path, mark, query = target.partition(b"?")
        if CLEAN_PATH.fullmatch(path):
            route = routes.only or routes.longest(path)
            if route is not None and not routes.uniform:
                routes.require_folded_agreement(route, path)
            return None if route is None else _match((route.payload, target))
        normal = normalise_path(path)
        route = routes.longest_of(normal.segments)
        if route is None:
            return None
        if not routes.uniform:
            routes.require_agreement(route, readings(normal.forward))
        return _match((route.payload, normal.forward + mark + query))

    def _routes_of(self, host: bytes) -> _HostRoutes[PayloadT]:
        if not self._names and not self._parents:
            return self._rest
        name = host_name(host)
        label, _, parent = name.partition(b".")
        of_parent = self._parents.get(parent) if label else None
        return self._names.get(name) or of_parent or self._rest


def _chain(by_pattern: dict[str, _Prefixes[PayloadT]], pattern: str) -> list[_Prefixes[PayloadT]]:
    """Return the prefixes that a host with this pattern can reach, most specific first."""
    wildcard = pattern if pattern.startswith("*.") else "*." + pattern.partition(".")[2]
    patterns = dict.fromkeys((pattern, wildcard, ""))
    return [by_pattern[name] for name in patterns if name in by_pattern]
