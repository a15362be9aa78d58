"""Who takes what comes over a connection to an upstream server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxy.http1.messages import ResponseHead
    from proxy.server.upstream import UpstreamConnection
    from proxy.server.upstream_failure import UpstreamFailure


class Asker(Protocol):
    """Who needs a connection."""

    def connected(self, upstream: UpstreamConnection) -> None:
        """Take it."""

    def not_connected(self, failure: UpstreamFailure) -> None:
        """There is none."""

    def collapse(self) -> None:
        """Certgate itself has failed; called where the exception is handled."""


class ResponseHandler(Protocol):
    """Who asked."""

    method: bytes
    is_request_sent: bool

    def upstream_interim(self, head: ResponseHead) -> None:
        """Take a 1xx response other than 101."""

    def upstream_switched(self, head: ResponseHead, rest: bytes) -> None:
        """Take a 101 and the first bytes of the new protocol."""

    def upstream_response(self, head: ResponseHead, content: bytes, *, ended: bool) -> None:
        """Take the final head with the content that came with it."""

    def upstream_content(self, content: bytes, *, ended: bool) -> None:
        """Take more content."""

    def upstream_failed(self, failure: UpstreamFailure) -> None:
        """There will be nothing more."""

    def upstream_paused(self) -> None:
        """The upstream reads slower than we write."""

    def upstream_resumed(self) -> None:
        """The upstream caught up."""

    def collapse(self) -> None:
        """Certgate itself has failed; called where the exception is handled."""


class RawHandler(Protocol):
    """Who speaks the protocol after a 101."""

    def upstream_data(self, data: bytes) -> None:
        """Take bytes."""

    def upstream_ended(self) -> None:
        """The upstream closed its sending side."""

    def upstream_lost(self) -> None:
        """The connection is gone."""

    def upstream_paused(self) -> None:
        """The upstream reads slower than we write."""

    def upstream_resumed(self) -> None:
        """The upstream caught up."""
