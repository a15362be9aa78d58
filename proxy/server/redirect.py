"""A listener that speaks plain HTTP, and sends everybody to https."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.forward.relayed import find_client
from proxy.http1.head import RequestParser, head_end
from proxy.http1.messages import ProtocolError, RequestHead, bad_request
from proxy.observe.access_record import AccessRecord
from proxy.server.accepted import AcceptedConnection
from proxy.server.own_response import own_response
from proxy.server.rejection import collapse, reject
from proxy.server.trusted_hop import TrustedHop
from proxy.web.redirect import redirect

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.server.state import ServerState
    from proxy.web.page import Page

_LINGER = 5.0  # seconds for a client to take the answer


class RedirectConnection(AcceptedConnection):
    """Reads one request, answers it, and closes: whoever came here comes back elsewhere."""

    __slots__ = ("_buffer", "_is_answered", "_searched", "_snapshot", "_to_port")

    def __init__(self, state: ServerState, port: int, to_port: int) -> None:
        self._snapshot = state.snapshot
        super().__init__(state, port, self._snapshot.timeouts.head)
        self._to_port = to_port
        self._buffer = b""
        self._searched = 0
        self._is_answered = False

    def data_received(self, data: bytes) -> None:
        """Take a part of the request's head; what comes after it is dropped."""
        if not self._is_answered:
            self._buffer += data
            self._guarded(self._read)

    def on_deadline(self) -> None:
        """Too slow, with the request or with taking the answer."""
        self._guarded(self._time_out)

    def close_if_idle(self) -> None:
        """Close unless a request is under way."""
        if not self._buffer:
            self._socket.close()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Take a step; if certgate itself fails, the client is told, and the log."""
        try:
            step()
        except Exception:  # noqa: BLE001 -- whatever it is, nobody waits
            received = b"" if self._is_answered else self._buffer
            answer = collapse(self._state, received, self._arrival.address)
            if answer:
                self._end(answer)
            else:
                self._socket.abort()

    def _read(self) -> None:
        if not self._searched:
            self._buffer = self._buffer.lstrip(b"\r\n")  # RFC 9112, section 2.2
        try:
            request = self._read_request()
        except ProtocolError as error:
            self._reject(error)
            return
        if request is not None:
            self._redirect(request)

    def _time_out(self) -> None:
        if self._buffer and not self._is_answered:
            self._reject(ProtocolError(408, "request_timeout", "the head did not come in time"))
        else:
            self._socket.abort()

    def _read_request(self) -> RequestHead | None:
        """Return the request, or None while its head is incomplete."""
        limits = self._snapshot.limits
        end = head_end(self._buffer, self._searched, limits.head)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        request = RequestParser(limits.fields).parse(self._buffer[:end])
        if not request.section.host:  # HTTP/1.0 does without
            raise bad_request("there is no Host to redirect to")
        return request

    def _redirect(self, request: RequestHead) -> None:
        status, page = redirect(request, self._to_port)
        section = request.section
        record = AccessRecord(self._client(request))
        record.method, record.target, record.host = request.method, request.target, section.host
        record.version = b"1.1" if section.minor else b"1.0"
        record.user_agent, record.referer = section.user_agent, section.referer
        self._answer(status, page, record, with_content=request.method != b"HEAD")

    def _client(self, request: RequestHead) -> str:
        """Return whom the log names: the client behind a trusted proxy, where there is one."""
        snapshot, address = self._snapshot, self._arrival.address
        if TrustedHop.of(self._arrival, snapshot) is None:
            return address
        fields = request.section.fields
        hops = [value for lower, _, value in fields if lower == b"x-forwarded-for"]
        return find_client(hops, address, snapshot.trusted_proxies)

    def _reject(self, error: ProtocolError) -> None:
        """Answer bytes that are no request."""
        self._end(reject(self._state, error, self._buffer, self._arrival.address))

    def _answer(self, status: int, page: Page, record: AccessRecord, *, with_content: bool) -> None:
        """Send the only response and log it."""
        state = self._state
        record.request_id = state.next_request_id()
        record.status, record.time = status, state.wall()
        record.body_bytes_sent = len(page.body) if with_content else 0
        response = own_response(
            status,
            page,
            now=record.time,
            request_id=record.request_id,
            with_content=with_content,
            keep_alive=False,
        )
        state.counters.answered(status)
        state.access_log.write(record)
        self._end(response)

    def _end(self, response: bytes) -> None:
        """Send the only response, then let the client finish."""
        self._is_answered = True
        self._socket.write(response)
        self._socket.write_eof()
        self.read_deadline = self._state.tick + _LINGER
