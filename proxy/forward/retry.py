"""When a request may be sent again without the client knowing (RFC 9110, section 9.2.2).

A request that was not sent (no connection) may go to any other server, whatever its method. One
that was sent may have been acted on: only an idempotent one is sent again. As nginx's
``proxy_next_upstream error timeout``; a response, of whatever status, is never a reason.
"""

from __future__ import annotations

from dataclasses import dataclass

_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})


@dataclass(frozen=True, slots=True)
class Retries:
    """Bounds (nginx's ``proxy_next_upstream_tries`` and ``_timeout``).

    Attributes:
        tries: how many servers are asked at most, the first included; 0 for every one once.
        timeout: seconds after which no further one is asked; 0 for no bound.
    """

    tries: int = 0
    timeout: float = 0.0

    def allow_another(self, tried: int, elapsed: float) -> bool:
        """Tell whether one more server may be asked.

        Args:
            tried: how many were asked.
            elapsed: seconds since the request came.
        """
        return (not self.tries or tried < self.tries) and (
            not self.timeout or elapsed < self.timeout
        )


def is_repeatable(method: bytes, *, has_content: bool) -> bool:
    """Tell whether a request that was sent may be sent once more.

    Args:
        method: the request method.
        has_content: the request has content, which is streamed and not kept.
    """
    return not has_content and method in _IDEMPOTENT
