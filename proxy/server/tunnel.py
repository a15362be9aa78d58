"""Bytes both ways after a 101: WebSocket and every other upgraded protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.server.tls_transport import TLSTransport
    from proxy.server.upstream import UpstreamConnection


class Tunnel:
    """Two pumps with back-pressure; each direction ends by itself (half-close)."""

    __slots__ = (
        "_downstream",
        "_ends",
        "_is_over",
        "_now",
        "_over",
        "_patience",
        "_upstream",
        "bytes_sent",
        "idle_deadline",
    )

    def __init__(
        self,
        downstream: TLSTransport,
        upstream: UpstreamConnection,
        patience: float,
        now: Callable[[], float],
        over: Callable[[Tunnel, str], None],
    ) -> None:
        """Join the two connections.

        Args:
            downstream: to the client.
            upstream: to the app.
            patience: seconds without a byte in either direction after which the tunnel is cut.
            now: the event loop's clock.
            over: called once, with why the tunnel was cut, or nothing when it ended in order.
        """
        self._downstream = downstream
        self._upstream = upstream
        self._patience = patience
        self._now = now
        self._over = over
        self._ends = 0
        self._is_over = False
        self.bytes_sent = 0
        self.idle_deadline = now() + patience

    # From the client's connection

    def data_received(self, data: bytes) -> None:
        """Pass the client's bytes on."""
        self.idle_deadline = self._now() + self._patience
        self._upstream.write_raw(data)

    def end_received(self, *, clean: bool) -> None:
        """The client said that it is done; without a close_notify it may have been cut."""
        if not clean:
            self.cut("client_gone")
            return
        self._upstream.write_end()
        self._end_one()

    def connection_lost(self) -> None:
        """The client is gone."""
        self.cut("" if self._ends else "client_gone")

    def pause_writing(self) -> None:
        """The client reads slower than the app writes."""
        self._upstream.pause_reading()

    def resume_writing(self) -> None:
        """The client caught up."""
        self._upstream.resume_reading()

    # From the app

    def upstream_data(self, data: bytes) -> None:
        """Pass the app's bytes on."""
        self.idle_deadline = self._now() + self._patience
        self.bytes_sent += len(data)
        self._downstream.write(data)

    def upstream_ended(self) -> None:
        """The app said that it is done."""
        self._downstream.write_end()
        self._end_one()

    def upstream_lost(self) -> None:
        """The app is gone."""
        self.cut("" if self._ends else "upstream_closed")

    def upstream_paused(self) -> None:
        """The app reads slower than the client writes."""
        self._downstream.pause_reading()

    def upstream_resumed(self) -> None:
        """The app caught up."""
        self._downstream.resume_reading()

    def cut(self, reason: str) -> None:
        """End both sides at once."""
        if self._is_over:
            return
        self._is_over = True
        if reason:
            self._upstream.abandon()
        else:
            self._upstream.close()
        self._downstream.cut()
        self._over(self, reason)

    def _end_one(self) -> None:
        self._ends += 1
        if self._ends == 2:  # noqa: PLR2004 -- both directions
            self.cut("")
