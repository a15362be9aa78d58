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
        "_has_app_ended",
        "_has_client_ended",
        "_idle_deadline",
        "_is_over",
        "_now",
        "_over",
        "_patience",
        "_unsent",
        "_upstream",
        "bytes_sent",
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
        self._has_client_ended = self._has_app_ended = False
        self._is_over = False
        self._unsent = 0  # bytes that waited for either side at the last look
        self._idle_deadline = now() + patience
        self.bytes_sent = 0

    # From the client's connection

    def data_received(self, data: bytes) -> None:
        """Pass the client's bytes on."""
        self._idle_deadline = self._now() + self._patience
        self._upstream.write_raw(data)

    def end_received(self, *, clean: bool) -> None:
        """The client said that it is done; without a close_notify it may have been cut."""
        if not clean:
            self.connection_lost()
            return
        self._has_client_ended = True
        self._upstream.write_end()
        self._end_if_both_have()

    def connection_lost(self) -> None:
        """The client is gone; once the app has ended, that is how most clients end."""
        self.cut("" if self._has_client_ended or self._has_app_ended else "client_gone")

    def pause_writing(self) -> None:
        """The client reads slower than the app writes."""
        self._upstream.pause_reading()

    def resume_writing(self) -> None:
        """The client caught up."""
        self._upstream.resume_reading()

    # From the app

    def upstream_data(self, data: bytes) -> None:
        """Pass the app's bytes on."""
        self._idle_deadline = self._now() + self._patience
        self.bytes_sent += len(data)
        self._downstream.write(data)

    def upstream_ended(self) -> None:
        """The app said that it is done."""
        self._has_app_ended = True
        self._downstream.write_end()
        self._end_if_both_have()

    def upstream_lost(self) -> None:
        """The app is gone."""
        self.cut("" if self._has_client_ended or self._has_app_ended else "upstream_closed")

    def upstream_paused(self) -> None:
        """The app reads slower than the client writes."""
        self._downstream.pause_reading()

    def upstream_resumed(self) -> None:
        """The app caught up."""
        self._downstream.resume_reading()

    # From the sweeper

    def is_idle(self) -> bool:
        """Tell whether nothing has moved for as long as the patience lasts.

        Bytes that wait for a slow reader have moved when there are fewer of them than at the last
        look; that look is the first one after the last byte came, so the reader gets twice the
        time at most.
        """
        if self._now() < self._idle_deadline:
            return False
        unsent = self._downstream.unsent + self._upstream.unsent
        if unsent in (0, self._unsent):
            return True
        self._unsent = unsent
        self._idle_deadline = self._now() + self._patience
        return False

    # Both

    def cut(self, reason: str) -> None:
        """End both sides at once; without the client's own end, the app sees a reset."""
        if self._is_over:
            return
        self._is_over = True
        if self._has_client_ended and not reason:
            self._upstream.close()
        else:
            self._upstream.abandon()
        self._downstream.cut()
        self._over(self, reason)

    def _end_if_both_have(self) -> None:
        if self._has_client_ended and self._has_app_ended:
            self.cut("")
