"""A request with stored content on its way to an upstream; the response streams as ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.forward.request_head import with_length
from proxy.server.forwarding import Forwarding
from proxy.server.shaping import ShapedForwarding
from proxy.server.stored_content import StoredContent

if TYPE_CHECKING:
    from proxy.server.exchange import Exchange
    from proxy.server.group import Group
    from proxy.server.upstream import UpstreamConnection
    from proxy.snapshot import Buffering


class StoredForwarding(Forwarding):
    """As ``Forwarding``, but the content comes from a store, and can be sent again.

    ``is_request_sent`` is about the app here; the client has sent everything before.

    Attributes:
        content: what is stored; it belongs to the exchange, which closes it.
    """

    __slots__ = ("_is_due", "_is_held_back", "_sent", "content")

    def __init__(self, exchange: Exchange, head: bytes, to: Buffering) -> None:
        super().__init__(exchange, head)
        self.content = StoredContent(to, exchange.state.buffering_memory)
        self._sent = 0
        self._is_due = self._is_held_back = False

    def begin(self, group: Group) -> None:
        """Ask one of an upstream's servers, now that the content is complete."""
        self.content.completed_at = self._exchange.state.now()
        self._head = with_length(self._head, self.content.size)
        super().begin(group)

    @property
    def _is_content_lost(self) -> bool:
        return False

    def _send(self, upstream: UpstreamConnection) -> None:
        """Send the head with the first piece, then the rest as fast as the upstream takes it."""
        self._upstream = upstream  # to be let go if there is nothing to send
        self._sent, self._is_held_back = 0, False
        first = self._read()
        if first is not None:
            self._waiting = [first]
            super()._send(upstream)
            self._go_on()

    def _read(self) -> bytes | None:
        """Return the next piece; None when the disk failed, which ends the exchange."""
        try:
            piece = self.content.read(self._sent)
        except OSError as error:
            self.cancel()
            self._exchange.not_stored(error, self.content.folder)
            return None
        self._sent += len(piece)
        self.is_request_sent = self._sent == self.content.size
        return piece

    def _go_on(self) -> None:
        """Send the next piece when others had their turn: a fast app must not stop the loop."""
        if not (self.is_request_sent or self._is_held_back or self._is_due):
            self._is_due = True
            self._exchange.state.loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._exchange.guarded(self._send_piece)

    def _send_piece(self) -> None:
        self._is_due = False
        upstream = self._upstream
        if upstream is None or self.is_request_sent or self._is_held_back:
            return  # the server has answered, failed, or takes no more for now
        piece = self._read()
        if piece is not None:
            upstream.write(piece)
            if self._sent == self.content.size:
                upstream.expect_response()
            self._go_on()

    def upstream_paused(self) -> None:
        """The upstream reads slower than we write."""
        self._is_held_back = True

    def upstream_resumed(self) -> None:
        """The upstream caught up."""
        self._is_held_back = False
        self._go_on()


class StoredShapedForwarding(StoredForwarding, ShapedForwarding):
    """On a route that puts requests and responses into other words."""

    __slots__ = ()
