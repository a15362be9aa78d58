"""When a request may be sent again without the client knowing (RFC 9110, section 9.2.2).

A request that was not sent (no connection) may go to any other server, whatever its method. One
that was sent may have been acted on: only an idempotent one is sent again, unless the operator says
otherwise. The rules and their names are nginx's (``proxy_next_upstream``).
"""

from __future__ import annotations

from dataclasses import dataclass

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})


@dataclass(frozen=True, slots=True)
class Retries:
    """When, and how often (nginx's ``proxy_next_upstream``, ``_tries`` and ``_timeout``).

    Attributes:
        conditions: what has to happen: ``error``, ``timeout``, ``invalid_header``, ``http_503``, …
        tries: how many servers are asked at most, the first included; 0 for every one once.
        timeout: seconds after which no further one is asked; 0 for no bound.
    """

    tries: int = 0
    timeout: float = 0.0
    conditions: frozenset[str] = frozenset({"error", "timeout"})

    def may_repeat(self, method: bytes, *, is_content_lost: bool) -> bool:
        """Tell whether a request that was sent may be sent once more.

        Args:
            method: the request method.
            is_content_lost: the request has content, and it was streamed, not kept.
        """
        return not is_content_lost and (
            method in _IDEMPOTENT or "non_idempotent" in self.conditions
        )

    def wants_another(self, status: int) -> bool:
        """Tell whether a response with this status is a reason to ask another server."""
        return f"http_{status}" in self.conditions

    def allow_another(self, tried: int, elapsed: float) -> bool:
        """Tell whether one more server may be asked.

        Args:
            tried: how many were asked.
            elapsed: seconds since the request came.
        """
        return (not self.tries or tried < self.tries) and (
            not self.timeout or elapsed < self.timeout
        )
