"""What fixed responses, redirects and error pages have to obey."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from proxy.config.units import quoted
from proxy.errors import CertgateError
from proxy.observe.redirect_target import RedirectTarget
from proxy.observe.scope import REQUEST
from proxy.observe.template import Template, body_encoding

if TYPE_CHECKING:
    from pathlib import Path

_STATUS_PATTERN: Final = re.compile(r"[45](?:[0-9]{2}|xx)")
_CONTENT_TYPE: Final = re.compile(
    r"[\w!#&^.+-]+/[\w!#&^.+-]+(?: *; *[\w!#&^.+-]+=[\w!#&^.+-]+)*", re.ASCII
)
_PAGE_SUFFIXES: Final = frozenset({".html", ".htm"})
# What ``redirect`` takes as its status.
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_WITHOUT_CONTENT: Final = frozenset({204, 205})


def check_status(status: int) -> int:
    """Refuse a status code that says "look elsewhere" without saying where."""
    if status in REDIRECTS:
        raise ValueError(f"{status} is a redirect; write redirect: {{to: …, status: {status}}}")
    if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110, section 15.4
        raise ValueError(f"{status} is no answer by itself; write 200 to 299 or 400 to 599")
    return status


def check_content_type(text: str) -> str:
    """Refuse what is no media type (RFC 9110, section 8.3.1)."""
    if not _CONTENT_TYPE.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a media type; write e.g. text/html; charset=utf-8")
    return text


def check_body(status: int, body: str, content_type: str) -> None:
    """Refuse content where none may be, and variables where nobody knows how to escape them."""
    if body and status in _WITHOUT_CONTENT:
        raise ValueError(f"a response with {status} has no body")
    if body_encoding(content_type) is not None:
        try:
            Template(body, REQUEST)
        except CertgateError as error:
            raise ValueError(f"body: {error}") from None


def check_redirect(text: str) -> str:
    """Refuse a target that could lead to a site which the client chooses."""
    try:
        RedirectTarget(text)
    except CertgateError as error:
        raise ValueError(str(error)) from None
    return text


def check_status_pattern(text: str) -> str:
    """Refuse what is neither an error's status code nor a class of them."""
    if not _STATUS_PATTERN.fullmatch(text):
        raise ValueError(f"{quoted(text)}: write a status code such as 404, or 4xx or 5xx")
    return text


def check_page_file(path: Path) -> Path:
    """Refuse a page that is not HTML: programs get JSON and text from certgate itself."""
    if path.suffix.lower() not in _PAGE_SUFFIXES:
        raise ValueError(f"{quoted(path.name)} is not an HTML page (.html)")
    return path
