"""The operator's error pages, as their files hold them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from proxy.snapshot.faults import Faults

MAX_PAGE_BYTES: Final = 256 * 1024
"""All pages stay in memory, and each error sends one."""

_PLACEHOLDER: Final = re.compile(r"\$(request_id|status|code)\b")


class ErrorPage:
    """One page, with places for what differs from error to error."""

    __slots__ = ("_names", "_pieces")

    def __init__(self, text: str) -> None:
        pieces = _PLACEHOLDER.split(text)
        self._pieces = [piece.encode() for piece in pieces[::2]]
        self._names = pieces[1::2]

    def render(self, values: Mapping[str, str]) -> bytes:
        """Return the content.

        Args:
            values: of ``request_id``, ``status`` and ``code``, without a character that HTML would
                not take as it is.
        """
        parts = [self._pieces[0]]
        for name, piece in zip(self._names, self._pieces[1:], strict=True):
            parts += (values[name].encode(), piece)
        return b"".join(parts)


class ErrorPages:
    """Pages by status code and by class of status codes."""

    __slots__ = ("_by_pattern",)

    def __init__(self, by_pattern: Mapping[str, ErrorPage]) -> None:
        self._by_pattern = dict(by_pattern)

    def __bool__(self) -> bool:
        return bool(self._by_pattern)

    def __or__(self, nearer: ErrorPages) -> ErrorPages:
        """Return these pages and those of ``nearer``, which count first."""
        if not nearer:
            return self
        # A nearer class counts before a code that is further away: 5xx of a route, 502 of all.
        classes = tuple(key[0] for key in nearer._by_pattern if key.endswith("xx"))
        kept = {k: page for k, page in self._by_pattern.items() if not k.startswith(classes)}
        return ErrorPages(kept | nearer._by_pattern)

    def find(self, status: int) -> ErrorPage | None:
        """Return the page for a status code."""
        by_pattern = self._by_pattern
        return by_pattern.get(str(status)) or by_pattern.get(f"{status // 100}xx")


NO_PAGES: Final = ErrorPages({})


def build_pages(files: Mapping[str, Path], key: str, faults: Faults) -> ErrorPages:
    """Read the pages; a file that cannot be one is a fault of ``key``."""
    pages = {
        pattern: faults.collect(f"{key}.{pattern}", lambda path=path: _read(path))  # type: ignore[misc]
        for pattern, path in files.items()
    }
    return ErrorPages({pattern: page for pattern, page in pages.items() if page is not None})


def _read(path: Path) -> ErrorPage:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PAGE_BYTES + 1)
    except OSError as error:
        raise CertgateError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_PAGE_BYTES:
        raise CertgateError(f"{path} is larger than {MAX_PAGE_BYTES // 1024} KiB")
    try:
        return ErrorPage(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise CertgateError(f"{path} is not UTF-8 text") from None
