"""A file as the answer to a request: in pieces, as fast as the client reads them."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final

import structlog

from proxy.forward.byte_ranges import Span
from proxy.forward.http_date import http_date
from proxy.forward.representation import Representation, answer_for
from proxy.forward.response_head import downstream_response_head
from proxy.http1.messages import LENGTH, NO_CONTENT, ProtocolError, ResponseHead
from proxy.routing.path import normalise_path
from proxy.server.file_reader import read_cached
from proxy.server.static_folder import OpenFile, open_file
from proxy.web.page import Page, reason_phrase

if TYPE_CHECKING:
    from asyncio import Future, Handle

    from proxy.forward.byte_ranges import Part
    from proxy.forward.representation import Answer
    from proxy.server.exchange import Exchange
    from proxy.snapshot import StaticFiles

_log = structlog.stdlib.get_logger()

# Reading and encrypting this much takes a tenth of a millisecond: that long, the others wait.
_PIECE: Final = 128 * 1024
_METHODS: Final = (b"GET", b"HEAD")
_ALLOW: Final = (b"Allow", b"GET, HEAD")
_FAULT: Final = 500  # and above: the operator's to mend, so that the log tells it aloud
_REFUSALS: Final = {
    412: ("precondition_failed", "the file is not the one that the request names"),
    416: ("range_not_satisfiable", "the file has none of the bytes that are asked for"),
}
_NOTHING: Final = Span(0, 0)


class FileResponse:
    """Implements ``Responder`` for one exchange.

    Between two pieces the event loop serves the others. A slow client pauses the reading, so that
    a download costs the same memory whatever its size. The file stays open to its end: one that
    is replaced meanwhile is sent as it was.
    """

    __slots__ = (
        "_after",
        "_before",
        "_exchange",
        "_file",
        "_head",
        "_is_over",
        "_is_paused",
        "_parts",
        "_reading",
        "_span",
        "_status",
        "_turn",
        "is_response_begun",
    )

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._file: OpenFile | None = None
        self._status = 0
        self._head = b""  # goes out with the first piece
        self._before = b""  # goes out with the next piece
        self._span = _NOTHING  # what is left of the part under way
        self._parts: list[Part] = []  # those to come, the next one last
        self._after = b""
        self._turn: Handle | None = None
        self._reading: Future[bytes] | None = None
        self._is_paused = False
        self._is_over = False
        self.is_response_begun = False

    def begin(self, files: StaticFiles, target: bytes) -> None:
        """Answer.

        Args:
            files: the folder.
            target: the request's, normalised, with its query.
        """
        exchange = self._exchange
        if exchange.request.method not in _METHODS:
            error = ProtocolError(405, "method_not_allowed", "files can only be read")
            exchange.fail(error, (_ALLOW,))
            return
        path, _, _ = target.partition(b"?")
        try:
            self._file = open_file(files, normalise_path(path).segments[files.depth :])
        except ProtocolError as error:
            if error.status >= _FAULT:
                request_id = exchange.record.request_id
                _log.error("a file cannot be served", reason=error.reason, id=request_id)
            exchange.fail(error)
            return
        if self._file is None:
            self._lead_into_folder(target)
        else:
            self._answer(self._file.found)

    def _lead_into_folder(self, target: bytes) -> None:
        """Relative links on a folder's page count from its slash."""
        path, mark, query = target.partition(b"?")
        # This path begins with one slash and no backslash: it cannot lead to another host.
        page = Page(b"", b"", ((b"Location", path + b"/" + mark + query),))
        self._exchange.answer(301, page, keep_alive=self._exchange.is_request_sent)

    def _answer(self, found: Representation) -> None:
        exchange = self._exchange
        request, now = exchange.request, exchange.state.wall()
        # Not the request's id, which a trusted proxy may have chosen, or somebody have guessed.
        boundary = secrets.token_hex(16).encode()
        answer = answer_for(request.method, request.section.fields, found, now, boundary)
        if answer.status in _REFUSALS:
            code, reason = _REFUSALS[answer.status]
            fields = tuple((name, value) for _, name, value in answer.fields)
            exchange.fail(ProtocolError(answer.status, code, reason), fields)
            return
        self._status, self._head = answer.status, self._head_of(answer, now)
        if request.method == b"HEAD" or not answer.length:
            self._end(b"")
            return
        self._parts, self._after = [*reversed(answer.parts)], answer.after
        self._pump()

    def _head_of(self, answer: Answer, now: float) -> bytes:
        exchange = self._exchange
        minor = exchange.request.section.minor
        is_for_head = exchange.request.method == b"HEAD"
        framing = LENGTH if answer.parts and not is_for_head else NO_CONTENT
        # A request that goes on has to go somewhere, and that is not the next exchange.
        keep_alive = exchange.keep_alive = (
            exchange.keep_alive and exchange.is_request_sent and not exchange.state.is_draining
        )
        fields = [*answer.fields, (b"date", b"Date", http_date(int(now)))]
        rules = exchange.route.response_rules
        if rules is not None:
            exchange.record.time, exchange.record.status = now, answer.status
            fields = rules.applied(fields, exchange.record)
        head = ResponseHead(
            status=answer.status,
            reason=reason_phrase(answer.status).encode(),
            fields=fields,
            framing=framing,
            length=answer.length,
            announced=b"%d" % answer.length if is_for_head and answer.parts else None,
            keep_alive=keep_alive,
            upgrade=b"",
            is_dated=True,
        )
        return downstream_response_head(head, framing, minor, keep_alive=keep_alive)

    # Content

    def _pump(self) -> None:
        """Send one piece."""
        self._turn = None
        if self._file is None:
            return
        if self._span.first == self._span.end:
            before, self._span = self._parts.pop()
            self._before += before
        first, end = self._span
        descriptor, size = self._file.descriptor, min(_PIECE, end - first)
        try:
            data = read_cached(descriptor, size, first)
        except OSError as error:
            self._fail(error.strerror or "unknown")
            return
        if data is not None:
            self._send(data)
            return
        state = self._exchange.state
        self._reading = state.loop.run_in_executor(state.disk, os.pread, descriptor, size, first)
        self._reading.add_done_callback(self._thread_has_read)

    def _thread_has_read(self, reading: Future[bytes]) -> None:
        self._reading = None
        error = reading.exception()
        if self._is_over:
            self._close()
        elif error is not None:
            self._fail(str(error))
        else:
            self._exchange.guarded(lambda: self._send(reading.result()))

    def _take_turn(self) -> None:
        self._exchange.guarded(self._pump)

    def _send(self, data: bytes | bytearray) -> None:
        if not data:
            self._fail("it has become shorter")
            return
        self._span = Span(self._span.first + len(data), self._span.end)
        if self._span.first == self._span.end and not self._parts:
            self._end(data)
            return
        self._write(data, b"")
        self._go_on()

    def _write(self, data: bytes | bytearray, after: bytes) -> None:
        exchange, head, before = self._exchange, self._head, self._before
        self._head = self._before = b""
        self.is_response_begun = True
        exchange.record.status = self._status
        exchange.record.body_bytes_sent += len(before) + len(data) + len(after)
        if head or before or after:
            data = b"".join((head, before, data, after))
        exchange.connection.transport.write(data)

    def _go_on(self) -> None:
        """Have another turn, when the others had theirs and the client reads."""
        if self._turn is None and self._reading is None and not (self._is_paused or self._is_over):
            self._turn = self._exchange.state.loop.call_soon(self._take_turn)

    def _end(self, data: bytes | bytearray) -> None:
        exchange = self._exchange
        self.cancel()
        self._write(data, self._after)
        exchange.end(keep_alive=exchange.keep_alive)

    def _fail(self, reason: str) -> None:
        """What was announced cannot be sent: say so, or cut, so that it does not look complete."""
        exchange = self._exchange
        _log.error("a file cannot be read", reason=reason, id=exchange.record.request_id)
        exchange.fail(ProtocolError(500, "internal_error", reason))

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file.descriptor)
            self._file = None

    # From the exchange

    def content_received(self, data: bytes) -> None:
        """A GET's content has no meaning (RFC 9110, section 9.3.1)."""

    def content_ended(self) -> None:
        """The request is complete."""

    def client_paused(self) -> None:
        """The client reads slower than we write: read no more."""
        self._is_paused = True
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def client_resumed(self) -> None:
        """The client caught up."""
        self._is_paused = False
        self._go_on()

    def cancel(self) -> None:
        """Give up; nothing may be written any more."""
        self._is_over = True
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        if self._reading is None:  # else the number must not be another file's while a thread reads
            self._close()
