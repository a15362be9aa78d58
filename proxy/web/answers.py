"""Responses that the operator has written: fixed ones, redirects, error pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proxy.web.error_page import RETRIED
from proxy.web.negotiation import Format, choose_format
from proxy.web.page import RETRY_AFTER, Page, operators_page, reason_phrase

if TYPE_CHECKING:
    from proxy.observe.access_record import AccessRecord
    from proxy.snapshot.answers import FixedResponse
    from proxy.snapshot.error_pages import ErrorPages

_TEXT: Final = b"text/plain; charset=utf-8"
# What a browser guesses a text to be, a variable in it could decide.
_NO_SNIFFING: Final = (b"X-Content-Type-Options", b"nosniff")


def fixed_page(response: FixedResponse, record: AccessRecord) -> Page:
    """Return a fixed response for a request."""
    content_type = response.content_type
    fields = ((b"Content-Type", content_type), _NO_SNIFFING)
    return Page(content_type, response.body(record), fields)


def redirect_page(status: int, location: bytes) -> Page:
    """Return a redirect. Its content is for people at a terminal, and never shows the target."""
    body = f"{status} {reason_phrase(status)}\n".encode()
    fields = ((b"Location", location), (b"Content-Type", _TEXT), _NO_SNIFFING)
    return Page(_TEXT, body, fields)


def find_operators_page(
    pages: ErrorPages,
    status: int,
    code: str,
    accept: bytes | None,
    *,
    request_id: str,
    retry_after: int = RETRY_AFTER,
) -> Page | None:
    """Return the operator's page for an error, if there is one and the request wants HTML.

    Args:
        pages: the operator's.
        status: the status code.
        code: the stable word for the cause; empty where it is withheld.
        accept: the Accept field's value, None when it is absent.
        request_id: what the operator finds in the log.
        retry_after: what the client is told to wait, with the status codes of ``RETRIED``.
    """
    page = pages.find(status)
    if page is None or choose_format(accept) is not Format.HTML:
        return None
    values = {"request_id": request_id, "status": str(status), "code": code}
    return operators_page(page.render(values), retry_after if status in RETRIED else None)
