"""One admitted request on its way to an upstream, and the response on its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.forward.response_head import (
    downstream_framing,
    downstream_response_head,
    interim_response_head,
    switching_response_head,
    with_date,
)
from proxy.http1.body import LAST_CHUNK, encode_chunk
from proxy.http1.grammar import list_members
from proxy.http1.messages import CHUNKED, CLOSE, NO_CONTENT, ResponseHead
from proxy.server.tunnel import Tunnel
from proxy.server.upstream_failure import UpstreamFailure, bad_response, status_failure

if TYPE_CHECKING:
    from proxy.server.exchange import Exchange
    from proxy.server.group import Group
    from proxy.server.peer import Peer
    from proxy.server.pool import Connecting
    from proxy.server.upstream import UpstreamConnection

_CONTINUE, FIRST_ERROR = 100, 400
_BLAMELESS = (403, 404)
CONTINUE_HEAD = b"HTTP/1.1 100 Continue\r\n\r\n"


class Forwarding:
    """Implements ``Responder``, ``Asker`` and ``ResponseHandler`` for one exchange.

    Without a connection to the upstream nothing of the request's content is read beyond what came
    with the head: ``_waiting`` is bounded by one read from the socket.
    """

    __slots__ = (
        "_connecting",
        "_exchange",
        "_framing",
        "_group",
        "_has_hinted",
        "_head",
        "_peer",
        "_tried",
        "_upstream",
        "_waiting",
        "is_request_sent",
        "is_response_begun",
        "method",
    )

    def __init__(self, exchange: Exchange, head: bytes) -> None:
        self._exchange = exchange
        self._head = head
        self._waiting: list[bytes] = []
        self._group: Group
        self._peer: Peer  # the server that is asked
        self._tried: tuple[Peer, ...] = ()  # those that failed
        self._connecting: Connecting | None = None
        self._upstream: UpstreamConnection | None = None
        self._framing = NO_CONTENT  # of the response, downstream
        self._has_hinted = False  # the client has an interim response
        self.method = exchange.request.method
        self.is_request_sent = exchange.is_request_sent
        self.is_response_begun = False

    def begin(self, group: Group) -> None:
        """Ask one of an upstream's servers."""
        self._group = group
        exchange = self._exchange
        peer = group.only or group.choose((), exchange.record, exchange.state.tick)
        if peer is None:
            failure = group.unavailable()
            exchange.upstream_failed(failure, "")
            exchange.answer_failure(failure)
        else:
            self._ask(peer)

    def _ask(self, peer: Peer) -> None:
        """Take an idle connection to this server, or make one."""
        self._peer = peer
        idle = peer.pool.take()
        if idle is not None:
            self._send(idle)
        else:
            self._connect()

    def _connect(self) -> None:
        pool = self._peer.pool
        self._exchange.record.upstream_address = pool.address
        if not self._exchange.is_request_sent:
            self._exchange.connection.pause_reading()
        seconds = self._exchange.snapshot.timeouts.connect
        self._connecting = pool.connect(seconds, self)

    # From the pool

    def connected(self, upstream: UpstreamConnection) -> None:
        """Ask over this connection."""
        self._connecting = None
        self._exchange.connection.resume_reading()
        self._send(upstream)  # last: an upload that fills the new connection pauses the client

    def not_connected(self, failure: UpstreamFailure) -> None:
        """Nothing was sent: any other server may be tried, whatever the method."""
        self._connecting = None
        may_ask_next = failure.condition in self._group.upstream.retries.conditions
        self._fail(failure, may_ask_next=may_ask_next)

    def _send(self, upstream: UpstreamConnection) -> None:
        exchange, request = self._exchange, self._exchange.request
        self._upstream = upstream
        exchange.record.upstream_address = upstream.address
        patience = exchange.snapshot.timeouts.response
        if self._waiting:
            data = b"".join((self._head, *self._waiting))
            self._waiting = []
        else:
            data = self._head
            if request.section.expects_continue and not self.is_request_sent:
                exchange.connection.transport.write(CONTINUE_HEAD)
        upstream.send_request(self, data, patience)

    # From the client

    def content_received(self, data: bytes) -> None:
        """Send content on, or keep it until there is a connection."""
        if self._exchange.request.section.framing is CHUNKED:
            data = encode_chunk(data)
        self._write(data)

    def content_ended(self) -> None:
        """The request is complete."""
        self.is_request_sent = True
        if self._exchange.request.section.framing is CHUNKED:
            self._write(LAST_CHUNK)
        if self._upstream is not None:
            self._upstream.expect_response()

    def _write(self, data: bytes) -> None:
        if self._upstream is not None:
            self._upstream.write(data)
        elif not self.is_response_begun:
            self._waiting.append(data)

    def cancel(self) -> None:
        """Give the request up."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._upstream is not None:
            self._upstream.abandon()
            self._upstream = None

    def client_paused(self) -> None:
        """The client reads slower than the upstream writes."""
        if self._upstream is not None:
            self._upstream.pause_reading()

    def client_resumed(self) -> None:
        """The client caught up."""
        if self._upstream is not None:
            self._upstream.resume_reading()

    # From the upstream connection

    def upstream_interim(self, head: ResponseHead) -> None:
        """Pass on 103 and the like; 100 was ours to send (RFC 9110, section 10.1.1)."""
        if head.status != _CONTINUE and self._exchange.request.section.minor == 1:
            self._has_hinted = True
            self._exchange.connection.transport.write(interim_response_head(head))

    def upstream_response(self, head: ResponseHead, content: bytes, *, ended: bool) -> None:
        """Pass the head on, together with the content that is there."""
        if head.status >= FIRST_ERROR and self._is_left_to_another(head.status, ended=ended):
            return
        exchange = self._exchange
        record, minor = exchange.record, exchange.request.section.minor
        framing = self._framing = downstream_framing(head, minor)
        # A response before the end of the request: the rest of the request has to go somewhere,
        # and that is not the next exchange.
        keep_alive = exchange.keep_alive = (
            exchange.keep_alive
            and exchange.is_request_sent
            and framing is not CLOSE
            and not exchange.state.is_draining
        )
        if self._peer.health.fails:  # looked at here too: a call for each response would cost
            self._group.succeeded(self._peer)
        record.status = record.upstream_status = head.status
        start = downstream_response_head(head, framing, minor, keep_alive=keep_alive)
        if not head.is_dated:
            start = with_date(start, exchange.state.wall())
        self.is_response_begun = True
        if ended:
            self._end(start, content)
            return
        if self._upstream is not None and _is_event_stream(head):
            self._upstream.be_patient(exchange.snapshot.timeouts.tunnel)
            exchange.connection.watch_stream()
        exchange.connection.transport.write(start + self._framed(content))

    def upstream_content(self, content: bytes, *, ended: bool) -> None:
        """Pass content on."""
        if ended:
            self._end(b"", content)
        else:
            self._exchange.connection.transport.write(self._framed(content))

    def _framed(self, content: bytes) -> bytes:
        """Return content as it goes to the client."""
        self._exchange.record.body_bytes_sent += len(content)
        return encode_chunk(content) if content and self._framing is CHUNKED else content

    def _end(self, start: bytes, content: bytes) -> None:
        """Send the last of the response; the connection to the upstream is no longer ours."""
        exchange = self._exchange
        self._upstream = None
        end = LAST_CHUNK if self._framing is CHUNKED else b""
        exchange.connection.transport.write(start + self._framed(content) + end)
        exchange.end(keep_alive=exchange.keep_alive and exchange.is_request_sent)

    def upstream_switched(self, head: ResponseHead, rest: bytes) -> None:
        """Open a tunnel, if the client asked for this protocol; nginx 1.22 opens it anyway."""
        upstream, exchange = self._upstream, self._exchange
        if upstream is None:
            return
        offered = list_members(exchange.request.section.upgrade)
        if not head.upgrade or any(name not in offered for name in list_members(head.upgrade)):
            upstream.abandon()
            self._fail(bad_response("it switched to a protocol that nobody asked for"))
            return
        exchange.record.status = exchange.record.upstream_status = head.status
        self._group.succeeded(self._peer)
        start = switching_response_head(head)
        transport = exchange.connection.transport
        tunnel = Tunnel(
            transport,
            upstream,
            exchange.snapshot.timeouts.tunnel,
            exchange.state.now,
            self._tunnel_over,
        )
        upstream.hand_over(tunnel)
        self.is_response_begun = True
        transport.write(start)
        exchange.connection.open_tunnel(tunnel)
        if rest:
            tunnel.upstream_data(rest)

    def _tunnel_over(self, tunnel: Tunnel, reason: str) -> None:
        exchange = self._exchange
        exchange.record.body_bytes_sent = tunnel.bytes_sent
        exchange.record.error = reason
        exchange.end(keep_alive=False)

    def upstream_failed(self, failure: UpstreamFailure) -> None:
        """The connection broke, or what came over it was no response."""
        upstream, self._upstream = self._upstream, None
        exchange = self._exchange
        if self.is_response_begun:
            exchange.state.counters.upstream_failed(exchange.record.upstream, failure.code)
            exchange.cut(failure.code)
            return
        retries = self._group.upstream.retries
        may_repeat = retries.may_repeat(self.method, is_content_lost=self._is_content_lost)
        if may_repeat and failure.is_stale and upstream is not None and upstream.served:
            # Keep-alive's own race: the server ended an idle connection as the request was
            # written. It is not at fault; a new connection that dies is another matter.
            self._connect()
        else:
            self._fail(failure, may_ask_next=may_repeat and failure.condition in retries.conditions)

    @property
    def _is_content_lost(self) -> bool:
        """The request has content, which went through and cannot be sent again."""
        return self._exchange.request.section.framing is not NO_CONTENT

    def upstream_paused(self) -> None:
        """The upstream reads slower than the client writes."""
        self._exchange.connection.pause_reading()

    def upstream_resumed(self) -> None:
        """The upstream caught up."""
        self._exchange.connection.resume_reading()

    def collapse(self) -> None:
        """Certgate itself has failed; called where the exception is handled."""
        self._exchange.collapse()

    def _fail(self, failure: UpstreamFailure, *, may_ask_next: bool = False) -> None:
        """This server has failed: ask another one, or tell the client."""
        exchange = self._exchange
        self._upstream = None
        exchange.upstream_failed(failure, self._peer.address)
        self._group.failed(self._peer, exchange.state.tick)
        peer = self._next_peer() if may_ask_next else None
        if peer is not None:
            self._ask_instead(peer)
        else:
            exchange.answer_failure(failure)

    def _next_peer(self) -> Peer | None:
        """Return a server that was not asked yet, if one more may be."""
        exchange, group = self._exchange, self._group
        tried = (*self._tried, self._peer)
        if not group.upstream.retries.allow_another(len(tried), exchange.elapsed()):
            return None
        return group.choose(tried, exchange.record, exchange.state.tick)

    def _ask_instead(self, peer: Peer) -> None:
        self._tried = (*self._tried, self._peer)
        self._ask(peer)

    def _is_left_to_another(self, status: int, *, ended: bool) -> bool:
        """Ask another server because of this response's status, if that is wanted and possible.

        As in nginx, the last server's response is the answer, and a 403 or 404 is none of the
        server's faults.
        """
        retries = self._group.upstream.retries
        if not retries.wants_another(status) or self._has_hinted:
            return False
        if not retries.may_repeat(self.method, is_content_lost=self._is_content_lost):
            return False
        peer = self._next_peer()
        if peer is None:
            return False
        if self._upstream is not None and not ended:
            self._upstream.abandon()
        self._upstream = None
        self._exchange.upstream_failed(status_failure(status), self._peer.address)
        if status not in _BLAMELESS:
            self._group.failed(self._peer, self._exchange.state.tick)
        self._ask_instead(peer)
        return True


def _is_event_stream(head: ResponseHead) -> bool:
    return any(
        lower == b"content-type" and value.lower().startswith(b"text/event-stream")
        for lower, _, value in head.fields
    )
