"""A route's prefix as clients write it, and what stands for it at the app.

As nginx's ``proxy_pass`` with a URI, but in whole segments: with ``/app`` and ``/api``, ``/app/x``
goes to ``/api/x``, and the app's ``/api/x`` is the clients' ``/app/x``. Both are compared in the
form in which they are written on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from proxy.routing.path import CLEAN_PATH, TargetError
from proxy.routing.readings import readings

# RFC 3986's pchar and the slash: what stands for itself in a path.
_PATH_CHARACTERS: Final = "/!$&'()*+,;=:@"
_ENDS: Final = (b"/", b"?", b"#")
# A browser takes both for the start of an authority: //evil.example is another site.
_OTHER_AUTHORITY: Final = (b"//", b"/\\")


@dataclass(frozen=True, slots=True)
class PathMapping:
    """One route's way there and back.

    Attributes:
        prefix: the route's path, percent-encoded, without a slash at its end; empty for the root.
        stem: what takes its place at the app, in the same form.
        is_folder: ``upstream_path`` ends in a slash, so that the prefix alone, without one, is not
            its start: relative links of the page would lead out of it.
    """

    prefix: bytes
    stem: bytes
    is_folder: bool

    @classmethod
    def between(cls, path: str, upstream_path: str) -> PathMapping:
        """Return the mapping between a route's path, decoded, and its ``upstream_path``.

        Raises:
            ValueError: ``upstream_path`` is not a path that can be read in one way only.
        """
        if not CLEAN_PATH.fullmatch(upstream_path.encode()):
            raise ValueError(f"{upstream_path!r} does not mean one thing only")
        is_folder = upstream_path.endswith("/")
        return cls(_written(path), upstream_path.rstrip("/").encode(), is_folder)

    @classmethod
    def unchanged(cls, path: str) -> PathMapping:
        """Return the mapping of a route whose app knows the clients' paths."""
        return cls(_written(path), _written(path), is_folder=False)

    def forwarded(self, target: bytes) -> bytes:
        """Return the target for the app.

        Args:
            target: in the form that the route table has chosen, with or without its query. Its
                first segments are those of the prefix, however they are encoded.

        Raises:
            TargetError: an app may read it as a path outside of ``upstream_path``.
        """
        path, mark, query = target.partition(b"?")
        depth = self.prefix.count(b"/")
        segments = path.split(b"/", depth + 1)
        moved = self.stem
        if len(segments) > depth + 1:
            moved += b"/" + segments[-1]
        moved = moved or b"/"
        if not CLEAN_PATH.fullmatch(path):
            self._require_inside(moved)
        return moved + mark + query

    @property
    def own_line(self) -> bytes:
        """The field line that tells the app which prefix it does not see, if that is so.

        Frameworks put it in front of the URLs that they build (werkzeug's ``ProxyFix``, Spring).
        With another stem than the root there is no word for what happened.
        """
        if self.stem or not self.prefix:
            return b""
        return b"X-Forwarded-Prefix: %b\r\n" % self.prefix

    def lacks_slash(self, target: bytes) -> bool:
        """Tell whether this is the prefix of a folder without the slash at its end."""
        path = target.partition(b"?")[0]
        return self.is_folder and path.count(b"/") == self.prefix.count(b"/") > 0

    def returned(self, reference: bytes) -> bytes | None:
        """Return what clients have to ask for to get what the app calls by this name.

        Args:
            reference: begins with one slash; a query and a fragment may follow (RFC 3986, section
                4.2, absolute-path reference).

        Returns:
            The same with the prefix in place of the stem; unchanged if it has the prefix already
            (an app that was told of it writes it itself); None if this route leads to no such path,
            or the result would name another site.
        """
        if len(self.prefix) > len(self.stem) and _is_below(self.prefix, reference):
            moved = reference
        elif _is_below(self.stem, reference):
            moved = self.prefix + reference[len(self.stem) :]
        else:
            return None
        if not moved.startswith(b"/"):
            moved = b"/" + moved
        # Browsers drop tabs before they look at a URL: so do we.
        return None if moved.replace(b"\t", b"").startswith(_OTHER_AUTHORITY) else moved

    def _require_inside(self, path: bytes) -> None:
        """Refuse a path that could leave the stem, even if it came back to it.

        With uniform access the table looks for no other readings, so ``/app/..%2f..%2fadmin`` gets
        here; an app that decodes first would take it for a path above the stem.
        """
        for reading in readings(path):
            if not _is_below(self.stem, reading) or _climbs(reading[len(self.stem) :]):
                raise TargetError("path leaves the route's upstream_path")


def _written(path: str) -> bytes:
    return quote(path.rstrip("/"), safe=_PATH_CHARACTERS).encode()


def _is_below(stem: bytes, reference: bytes) -> bool:
    """Tell whether whole segments of a reference begin with this stem."""
    rest = reference[len(stem) :]
    return reference.startswith(stem) and (not rest or rest.startswith(_ENDS))


def _climbs(path: bytes) -> bool:
    """Tell whether dot segments lead above the start of this path, at any moment."""
    level = 0
    for segment in path.split(b"/")[1:]:
        if segment == b"..":
            level -= 1
            if level < 0:
                return True
        elif segment != b".":
            level += 1
    return False
