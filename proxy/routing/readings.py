"""The other ways in which an app might read a path.

Servers differ: some decode ``%2F`` to a slash, some decode twice, Windows takes a backslash for a
slash, Tomcat cuts ``;params`` off each segment (``/public/..;/admin``), Apache was talked into
re-reading an encoded ``?`` (CVE-2024-38474). Rather than guess which one stands behind the gate,
this module applies such rewritings in *every* order and yields all the paths that come out. The
route table refuses a request when these do not all lead to the same access.

Letter case is left to the table, which looks every path up in a folded copy as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from proxy.routing.path import TargetError, decode, decode_but_slashes

if TYPE_CHECKING:
    from collections.abc import Callable

# Bounds on the work for one request, which nobody has to show a certificate for. A path with two or
# three of the tricks stays below; an attack with more is refused all the same.
MAX_READINGS: Final = 64
MAX_LENGTH: Final = 2048

_PARAMS: Final = re.compile(rb";[^/]*")
_EMPTY_SEGMENTS: Final = re.compile(rb"//+")
# What ends a path where decoded text is parsed again: a query, a fragment, a C string's NUL.
_END_OF_PATH: Final = re.compile(rb"[?#\x00].*", re.DOTALL)
# ; \ and the encoded # % / ; ? \: without one of these, a normalised path reads alike everywhere.
_SUSPICIOUS: Final = re.compile(rb"[;\\]|%(?:2[35Ff]|3[BbFf]|5[Cc])")


def _turn_backslashes(path: bytes) -> bytes:
    return path.replace(b"\\", b"/")


def _strip_params(path: bytes) -> bytes:
    return _PARAMS.sub(b"", path)


def _merge_slashes(path: bytes) -> bytes:
    return _EMPTY_SEGMENTS.sub(b"/", path)


def _cut_at_end(path: bytes) -> bytes:
    return _END_OF_PATH.sub(b"", path)


def _resolve_dots(path: bytes) -> bytes:
    """Resolve as RFC 3986 section 5.2.4 does: an empty segment counts, the root holds."""
    if b"/." not in path:
        return path
    kept: list[bytes] = []
    segments = path[1:].split(b"/")
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in {b".", b".."}:
        kept.append(b"")
    return b"/" + b"/".join(kept)


_OF_WRITTEN: Final[tuple[Callable[[bytes], bytes], ...]] = (
    _turn_backslashes,
    _strip_params,
    _merge_slashes,
    _resolve_dots,
)
_DECODINGS: Final[tuple[Callable[[bytes], bytes], ...]] = (decode, decode_but_slashes)
_OF_DECODED: Final = (*_OF_WRITTEN, *_DECODINGS, _cut_at_end)


def readings(path: bytes) -> frozenset[bytes]:
    """Return the path as apps may understand it, decoded at least once.

    Args:
        path: a normalised path in the form in which it is forwarded.

    Raises:
        TargetError: when it is too long, or too tangled, to try everything.
    """
    if not _SUSPICIOUS.search(path):
        return frozenset({decode(path)})
    if len(path) > MAX_LENGTH:
        raise TargetError("ambiguous path: too long")
    written = _closure({path}, _OF_WRITTEN)
    return _closure({decoding(text) for text in written for decoding in _DECODINGS}, _OF_DECODED)


def _closure(
    start: set[bytes], rewritings: tuple[Callable[[bytes], bytes], ...]
) -> frozenset[bytes]:
    seen = set(start)
    waiting = list(start)
    while waiting:
        text = waiting.pop()
        found = {rewriting(text) for rewriting in rewritings} - seen
        seen |= found
        waiting += found
        if len(seen) > MAX_READINGS:
            raise TargetError("ambiguous path: too many meanings")
    return frozenset(seen)
