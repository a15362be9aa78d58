"""An admitted request whose content is stored completely before an app is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.server.forwarding import CONTINUE_HEAD

if TYPE_CHECKING:
    from proxy.server.exchange import Exchange
    from proxy.server.group import Group
    from proxy.server.stored_forwarding import StoredForwarding


class Storing:
    """Implements ``Responder`` for one exchange, until the request is complete.

    No server is held by a client that is slow to send, and none is asked for a request that never
    becomes whole. The client is read as fast as it sends: what it sends has its place.
    """

    __slots__ = ("_exchange", "_forwarding", "_group")

    is_response_begun = False

    def __init__(self, exchange: Exchange, forwarding: StoredForwarding, group: Group) -> None:
        self._exchange = exchange
        self._forwarding = forwarding
        self._group = group

    def begin(self) -> None:
        """Let a client that waits for it go on."""
        if self._exchange.request.section.expects_continue:
            self._exchange.connection.transport.write(CONTINUE_HEAD)

    def content_received(self, data: bytes) -> None:
        """Store content of the request."""
        content = self._forwarding.content
        try:
            content.write(data)
        except OSError as error:
            self._exchange.not_stored(error, content.folder)

    def content_ended(self) -> None:
        """The request is complete: now an app is asked."""
        self._exchange.responder = self._forwarding
        self._forwarding.begin(self._group)

    def client_paused(self) -> None:
        """Nothing is written, so nothing is to be held back."""

    def client_resumed(self) -> None:
        """Nothing was held back."""

    def cancel(self) -> None:
        """The exchange ends, and gives the content up with it."""
