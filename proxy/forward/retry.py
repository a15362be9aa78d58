"""When a request may be sent a second time without the client knowing (RFC 9110, section 9.2.2)."""

from __future__ import annotations

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})


def may_retry(method: bytes, *, reused: bool, has_content: bool, attempts: int) -> bool:
    """Tell whether a request whose connection died without a byte of answer may be repeated.

    Only the race that keep-alive itself causes is healed: the upstream closed an idle connection
    as the request was written. A new connection that dies is the upstream's answer.

    Args:
        method: the request method.
        reused: the connection had served a request before.
        has_content: the request has content, which is not kept.
        attempts: how often the request was sent already.
    """
    return reused and attempts == 1 and not has_content and method in _IDEMPOTENT
