"""What a person sees of an exchange that ends here: the operator's page, if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.identity.verdict import Hint
from proxy.web.answers import find_operators_page
from proxy.web.error_page import render_error
from proxy.web.page import RETRY_AFTER
from proxy.web.refusal import Refusal, render_refusal

if TYPE_CHECKING:
    from proxy.http1.messages import RequestHead
    from proxy.identity.codes import RefusalCode
    from proxy.identity.verdict import Verdict
    from proxy.server.exchange import Exchange
    from proxy.web.page import Page


def refusal_page(exchange: Exchange, code: RefusalCode, verdict: Verdict, now: float) -> Page:
    """Return the page that says why a certificate is refused.

    Args:
        exchange: that of the refused request.
        code: why.
        verdict: on the certificate.
        now: seconds since the epoch.
    """
    client_auth = exchange.snapshot.client_auth
    refusal = Refusal(
        status=client_auth.status,
        code=code,
        request_id=exchange.record.request_id,
        now=now,
        detail=client_auth.detail,
        verify_error=verdict.error.number if verdict.error is not None else None,
        certificate=exchange.connection.credentials.facts,
        subject_is_issuers=verdict.hint is Hint.SUBJECT_IS_ISSUER,
    )
    own = _operators_page(exchange, client_auth.status, code, RETRY_AFTER)
    return own or render_refusal(refusal, _accepted_by(exchange.request))


def error_page(
    exchange: Exchange, status: int, code: str, *, retry_after: int = RETRY_AFTER
) -> Page:
    """Return the page for an error.

    Args:
        exchange: that ends with it.
        status: the status code.
        code: the stable word for the cause.
        retry_after: what the client is told to wait, where that makes sense.
    """
    own = _operators_page(exchange, status, code, retry_after)
    return own or render_error(
        status,
        code,
        _accepted_by(exchange.request),
        request_id=exchange.record.request_id,
        detail=exchange.snapshot.client_auth.detail,
        upstream=exchange.record.upstream,
        retry_after=retry_after,
    )


def _operators_page(exchange: Exchange, status: int, code: str, retry_after: int) -> Page | None:
    pages = exchange.route.pages
    if not pages:
        return None
    return find_operators_page(
        pages,
        status,
        "" if exchange.snapshot.client_auth.detail == "none" else code,
        _accepted_by(exchange.request),
        request_id=exchange.record.request_id,
        retry_after=retry_after,
    )


def _accepted_by(request: RequestHead) -> bytes | None:
    """Return the value of Accept; fields that are repeated are one list (RFC 9110, 5.3)."""
    values = [value for lower, _, value in request.section.fields if lower == b"accept"]
    return b", ".join(values) if values else None
