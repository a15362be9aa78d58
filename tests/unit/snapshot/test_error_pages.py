"""The operator's error pages: which one counts, and what is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.errors import ConfigError
from proxy.snapshot.error_pages import MAX_PAGE_BYTES, NO_PAGES, ErrorPages, build_pages
from proxy.snapshot.faults import Faults

if TYPE_CHECKING:
    from pathlib import Path


def pages_of(folder: Path, **texts: str) -> ErrorPages:
    """Return pages for patterns that are spelt ``_404`` here."""
    files = {}
    for name, text in texts.items():
        pattern = name.removeprefix("_")
        files[pattern] = folder / f"{pattern}.html"
        files[pattern].write_text(text)
    return build_pages(files, "error_pages", Faults())


def shown(pages: ErrorPages, status: int) -> str | None:
    page = pages.find(status)
    values = {"request_id": "4f2a", "status": str(status), "code": "no_route"}
    return None if page is None else page.render(values).decode()


def test_a_code_counts_before_its_class(tmp_path: Path):
    pages = pages_of(tmp_path, _404="exact", _4xx="class")
    assert [shown(pages, status) for status in (404, 403, 502)] == ["exact", "class", None]


def test_a_nearer_page_counts_before_one_that_is_further_away(tmp_path: Path):
    outer = pages_of(tmp_path, _404="outer 404", _502="outer 502", _403="outer 403")
    inner = pages_of(tmp_path, _5xx="inner 5xx", _403="inner 403")
    pages = outer | inner
    assert shown(pages, 404) == "outer 404"
    assert shown(pages, 502) == "inner 5xx"
    assert shown(pages, 403) == "inner 403"
    assert (outer | NO_PAGES) is outer


def test_three_words_are_replaced_and_no_other_dollar_is(tmp_path: Path):
    text = "ü $request_id/$status: $code, $codes, $5, $(function), $host"
    pages = pages_of(tmp_path, _404=text)
    assert shown(pages, 404) == "ü 4f2a/404: no_route, $codes, $5, $(function), $host"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"x" * (MAX_PAGE_BYTES + 1), "is larger than 256 KiB"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_page_is_a_fault(tmp_path: Path, content: bytes | None, reason: str):
    path = tmp_path / "404.html"
    if content is not None:
        path.write_bytes(content)
    faults = Faults()
    assert not build_pages({"404": path}, "error_pages", faults)
    with pytest.raises(ConfigError, match=f"error_pages.404: .*404.html {reason}"):
        faults.raise_if_any()
