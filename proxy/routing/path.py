"""The path of a request target: what it means here, and in which form it is sent upstream.

Matching one path and forwarding another is the classic way around an access rule: nginx chooses a
location by the decoded path and sends the client's bytes. Here the bytes that are forwarded are the
ones that were matched: a path is taken apart at its slashes *as they are written* (RFC 3986 section
2.2: ``%2F`` is data, not a separator), dot segments and empty segments are resolved, also
percent-encoded ones, and what is left is joined again without being re-encoded. Nothing is decoded
in what is forwarded, so that an app sees its ``%2F`` and ``;`` as the client wrote them.

Other ways in which an app may read the same bytes are in ``readings.py``.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

# What a clean path is made of: RFC 3986's pchar without percent-encoding and without ";", and no
# segment that is empty or begins with a dot. Possessive, so that nothing is tried twice.
_SEGMENT: Final = rb"[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9_~!$&'()*+,=:@.-]*+"
CLEAN_PATH: Final = re.compile(rb"/(?:" + _SEGMENT + rb"/)*+(?:" + _SEGMENT + rb")?+")

_FORBIDDEN: Final = re.compile(rb"[\x00-\x20\x7f#?]")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ENCODED_CONTROL: Final = re.compile(rb"%(?:[01][0-9A-Fa-f]|7[Ff])")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_OCTETS: Final = {b"%02X" % octet: bytes([octet]) for octet in range(256)}


class TargetError(ValueError):
    """A request target that has to be answered with 400.

    Attributes:
        reason: a short text for the log and the client, without any of the client's bytes.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NormalPath(NamedTuple):
    """A path without dot segments and empty segments.

    Attributes:
        segments: between the slashes, percent-decoded once; the last is empty for a path that
            ends in a slash.
        forward: the same path as the client encoded it; for an already clean one, its very bytes.
    """

    segments: tuple[bytes, ...]
    forward: bytes


def normalise_path(raw: bytes) -> NormalPath:
    """Take the path of an origin-form target apart (RFC 9112 section 3.2.1), without its query.

    Raises:
        TargetError: for a path that does not begin with a slash, climbs above the root, or
            contains a control character, a space, ``#``, ``?`` or a ``%`` without two hexadecimal
            digits; the encoded forms of control characters (``%00``) included.
    """
    if CLEAN_PATH.fullmatch(raw):
        return NormalPath(tuple(raw.split(b"/")[1:]), raw)
    _check_octets(raw)
    written: list[bytes] = []
    decoded: list[bytes] = []
    segments = raw[1:].split(b"/")
    for segment in segments:
        meaning = decode(segment)
        if meaning == b"..":
            if not written:
                raise TargetError("path climbs above the root")
            written.pop()
            decoded.pop()
        elif meaning not in {b"", b"."}:
            written.append(segment)
            decoded.append(meaning)
    if decode(segments[-1]) in {
        b"",
        b".",
        b"..",
    }:  # these stand for the folder itself: "/a/b/.." is "/a/"
        written.append(b"")
        decoded.append(b"")
    return NormalPath(tuple(decoded), b"/" + b"/".join(written))


def _check_octets(raw: bytes) -> None:
    if not raw.startswith(b"/"):
        raise TargetError("path does not begin with a slash")
    if _FORBIDDEN.search(raw):
        raise TargetError("path contains a character that has to be encoded")
    if _BAD_ESCAPE.search(raw):
        raise TargetError("path contains a percent sign without two hexadecimal digits")
    if _ENCODED_CONTROL.search(raw):
        raise TargetError("path contains an encoded control character")


def decode(text: bytes) -> bytes:
    """Decode percent-encoding once; a ``%`` that begins none stays."""
    if b"%" not in text:
        return text
    return _ESCAPE.sub(_octet, text)


def decode_but_slashes(text: bytes) -> bytes:
    """Decode percent-encoding once, but leave ``%2F``."""
    return decode(text.replace(b"%2f", b"%2F").replace(b"%2F", b"%252F"))


def _octet(match: re.Match[bytes]) -> bytes:
    return _OCTETS[match[1].upper()]
