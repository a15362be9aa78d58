"""One request and its response: routed, decided, answered here or forwarded, logged once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from proxy.access.decision import decide
from proxy.http1.messages import NO_CONTENT, ProtocolError, RequestHead
from proxy.observe.access_record import AccessRecord
from proxy.routing.path import TargetError
from proxy.server.asking import ask, respond
from proxy.server.own_response import own_response
from proxy.server.pages import error_page, refusal_page
from proxy.server.route_lookup import find_route
from proxy.server.shaping import ruled_page
from proxy.server.visits import excess_of_address, excess_of_admitted, excess_of_claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.access.decision import Access
    from proxy.identity.codes import RefusalCode
    from proxy.identity.verdict import Verdict
    from proxy.server.downstream import DownstreamConnection
    from proxy.server.responder import Responder
    from proxy.server.stored_content import StoredContent
    from proxy.server.throttle import Excess
    from proxy.server.upstream_failure import UpstreamFailure
    from proxy.web.page import Page

_log = structlog.stdlib.get_logger()

_NONE: frozenset[Access] = frozenset()
_CLIENT_GONE = 499  # nginx's: logged, never sent
_UNLIMITED = float("inf")


class Exchange:
    """What happens between a request head and the end of its response.

    It pins the snapshot under which it began; only the verdict on the client comes from the
    current one. Whatever happens, exactly one record is logged.

    Attributes:
        began_at: seconds since the epoch.
        connection: the client's.
        is_request_sent: the client has sent all of the request.
        keep_alive: the connection may serve another request.
        record: for the access log.
        request: what the client asks.
        responder: who answers; None before it is decided, and for answers of our own.
        route: where the request leads.
        snapshot: the configuration under which it began.
        state: what all connections share.
        stored: the request's content, where an app gets it only when it is complete.
    """

    __slots__ = (
        "_began",
        "_content_left",
        "_ended",
        "_further_access",
        "began_at",
        "connection",
        "is_request_sent",
        "keep_alive",
        "record",
        "request",
        "responder",
        "route",
        "snapshot",
        "state",
        "stored",
    )

    def __init__(self, connection: DownstreamConnection, request: RequestHead) -> None:
        state, section = connection.state, request.section
        self.connection = connection
        self.state = state
        snapshot = self.snapshot = state.snapshot
        self.request = request
        self.is_request_sent = section.framing is NO_CONTENT
        self.keep_alive = section.keep_alive
        self.responder: Responder | None = None
        self._began = state.now()
        self.began_at = state.wall()
        self._content_left = _UNLIMITED  # what the client may still send
        self._ended = False
        self.route = snapshot.no_route  # strangers are told no more there than anywhere else
        self._further_access = _NONE
        self.stored: StoredContent | None = None
        record = self.record = AccessRecord(connection.origin.client, connection.logged_client)
        record.method, record.target, record.host = request.method, request.target, section.host
        record.version = b"1.1" if section.minor else b"1.0"
        record.user_agent, record.referer = section.user_agent, section.referer
        record.section = section
        record.request_id = state.next_request_id()

    def begin(self) -> None:
        """Decide, then refuse or forward."""
        request, snapshot, record = self.request, self.snapshot, self.record
        credentials = self.connection.credentials
        now = self.began_at
        verdict = credentials.verdict(self.state.snapshot, now)
        record.verify = credentials.verify
        visitors = snapshot.visitors
        if visitors is not None:
            excess = excess_of_address(self, visitors)
            if excess is not None:
                self._turn_away(excess)
                return
        try:
            match = find_route(request, snapshot.routes)
        except TargetError as error:
            self.fail(ProtocolError(400, "bad_request", str(error)))
            return
        route = self.route = snapshot.no_route if match is None else match.payload
        refusal = decide(route.access, verdict)
        if refusal is not None:
            self._refuse(refusal, verdict, now)
            return
        record.decision = "admitted"
        if visitors is not None:
            excess = excess_of_admitted(self, visitors, verdict)
            if excess is not None:
                self._turn_away(excess)
                return
        if match is None:
            self.fail(ProtocolError(404, "no_route", "no route matches"))
            return
        if route.body and self._is_longer_than(route.body):
            self.fail(_body_too_large())
        elif route.is_plain:
            ask(self, b"*" if request.target == b"*" else match.forward)
        else:
            respond(self, match.forward)

    def _is_longer_than(self, limit: int) -> bool:
        """Tell whether too much content is announced; what comes is counted."""
        self._content_left = limit
        return self.request.section.length > limit

    def may_ask_for(self, target: bytes) -> bool:
        """Tell whether every route to this path of the app lets the client in; else refuse it."""
        claims = self.route.claims
        if claims is None:
            return True
        try:
            found = claims.of(target.partition(b"?")[0])
        except TargetError as error:
            self.fail(ProtocolError(400, "bad_request", str(error)))
            return False
        self._further_access = frozenset(access for access, _ in found)
        now = self.began_at
        verdict = self.connection.credentials.verdict(self.state.snapshot, now)
        refusal = self._refusal(verdict)
        if refusal is not None:
            self._refuse(refusal, verdict, now)
            return False
        excess = excess_of_claims(self, (limits for _, limits in found), verdict)
        if excess is not None:
            self._turn_away(excess)
        return excess is None

    def _refusal(self, verdict: Verdict) -> RefusalCode | None:
        """Return why the client is refused, by the route or by one that leads to the same path."""
        accesses = (self.route.access, *self._further_access)
        return next(filter(None, (decide(access, verdict) for access in accesses)), None)

    # From the downstream connection

    def content_received(self, data: bytes) -> None:
        """Take content of the request."""
        self._content_left -= len(data)
        if self._content_left < 0:
            self.fail(_body_too_large())
        elif self.responder is not None:
            self.responder.content_received(data)

    def content_ended(self) -> None:
        """The request is complete."""
        self.is_request_sent = True
        if self.responder is not None:
            self.responder.content_ended()

    def client_gone(self) -> None:
        """Nobody waits for the response any more."""
        if self.responder is not None:
            self.responder.cancel()
        self.record.error = self.record.error or "client_gone"
        self.record.status = self.record.status or _CLIENT_GONE
        # It may have closed its sending side only, and take a close_notify for the content's end.
        self.connection.transport.cut()
        self.end(keep_alive=False)

    def client_paused(self) -> None:
        """The client reads slower than we write."""
        if self.responder is not None:
            self.responder.client_paused()

    def client_resumed(self) -> None:
        """The client caught up."""
        if self.responder is not None:
            self.responder.client_resumed()

    def fail(self, error: ProtocolError, fields: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """There is no answer but an error: tell it, or cut the response that is under way.

        Args:
            error: mostly the client's fault.
            fields: that belong to the answer.
        """
        if self.responder is not None:
            self.responder.cancel()
            if self.responder.is_response_begun:
                self.cut(error.code)
                return
        self.record.error = error.code
        request_id = self.record.request_id
        _log.info("request refused", code=error.code, reason=error.reason, id=request_id)
        # A malformed body has no end that both sides agree on.
        keep_alive = self.is_request_sent and error.status not in (400, 408)
        page = error_page(self, error.status, error.code)
        if fields:
            page = replace(page, fields=page.fields + fields)
        self.answer(error.status, page, keep_alive=keep_alive)

    def guarded(self, step: Callable[[], None]) -> None:
        """Take a step of the event loop's: nobody but us would notice that it has failed."""
        try:
            step()
        except Exception:  # noqa: BLE001 -- e.g. no thread can be started
            self.collapse()

    def collapse(self) -> None:
        """Certgate itself has failed; called where the exception is handled.

        The one who raised may be a callback of another connection, such as the app's, whose end
        the event loop would bring about: then nobody would ever answer this client.
        """
        request_id = self.record.request_id
        _log.exception("an error of certgate itself, while answering a request", id=request_id)
        self.keep_alive = False
        if self._ended:
            self.connection.transport.abort()
            return
        try:
            self.fail(ProtocolError(500, "internal_error", "an error of certgate itself"))
        except Exception:  # noqa: BLE001 -- mostly the same one again: it is in the log
            self.cut("internal_error")

    # From whoever answers

    def upstream_failed(self, failure: UpstreamFailure, address: str) -> None:
        """One server gave no response; there may be others."""
        self.state.counters.upstream_failed(self.record.upstream, failure.code)
        _log.warning(
            "upstream failed",
            upstream=self.record.upstream,
            address=address,
            code=failure.code,
            reason=failure.reason,
            id=self.record.request_id,
        )

    def answer_failure(self, failure: UpstreamFailure) -> None:
        """There is no response: say so."""
        self.record.error = failure.code
        page = error_page(self, failure.status, failure.code)
        self.answer(failure.status, page, keep_alive=self.is_request_sent)

    def not_stored(self, error: OSError, folder: str) -> None:
        """The disk does not take, or give back, the content of the request."""
        _log.error(
            "the content of a request cannot be stored",
            folder=folder,
            reason=error.strerror or type(error).__name__,
            id=self.record.request_id,
        )
        code = self.record.error = "body_not_stored"
        if self.responder is not None and self.responder.is_response_begun:
            self.cut(code)
            return
        self.answer(507, error_page(self, 507, code), keep_alive=self.is_request_sent)

    def cut(self, code: str) -> None:
        """The response cannot be completed: make sure that it does not look complete."""
        self.record.error = code
        self.connection.transport.cut()
        self.end(keep_alive=False)

    def answer(self, status: int, page: Page, *, keep_alive: bool, is_ruled: bool = False) -> None:
        """Send a response of our own.

        Args:
            status: the status code.
            page: content and its fields.
            keep_alive: the connection may serve another request.
            is_ruled: the operator has written it, and so may change all of its fields.
        """
        self.keep_alive = self.keep_alive and keep_alive and not self.state.is_draining
        self.record.status = status
        rules = self.route.response_rules
        if rules is not None:
            self.record.time = self.state.wall()
            page = ruled_page(page, rules, self.record, is_ruled=is_ruled)
        with_content = self.request.method != b"HEAD"
        self.connection.transport.write(
            own_response(
                status,
                page,
                now=self.state.wall(),
                request_id=self.record.request_id,
                with_content=with_content,
                keep_alive=self.keep_alive,
            )
        )
        self.record.body_bytes_sent = len(page.body) if with_content else 0
        self.end(keep_alive=self.keep_alive)

    def end(self, *, keep_alive: bool) -> None:
        """Log, and let the connection go on to the next request or close."""
        if self._ended:
            return
        self._ended = True
        self.responder = None  # breaks the cycle between the two
        record, state = self.record, self.state
        elapsed = record.request_time = state.now() - self._began
        record.time = self.began_at + elapsed
        if record.upstream_address:
            record.upstream_time = elapsed  # nothing of note happens before it is asked
            if self.stored is not None:
                record.upstream_time = state.now() - self.stored.completed_at
        state.counters.answered(record.status)
        state.access_log.write(record)
        if self.stored is not None:
            self.stored.close()
        if self.snapshot.visitors is not None:
            state.throttle.leave(self)
        self.connection.exchange_ended(keep_alive=keep_alive)

    def elapsed(self) -> float:
        """Return the seconds since the request came."""
        return self.state.now() - self._began

    def is_refused_by_now(self, now: float) -> bool:
        """Tell whether the client would be refused if it asked now (for open tunnels)."""
        verdict = self.connection.credentials.verdict(self.state.snapshot, now)
        return self._refusal(verdict) is not None

    # Refusals

    def _refuse(self, code: RefusalCode, verdict: Verdict, now: float) -> None:
        """Answer 403 (or what is configured) and close, so that the next try is a fresh choice."""
        self.record.decision = code
        self.state.counters.refused(code)
        _log.info(
            "certificate refused",
            code=code,
            client=self.connection.origin.client,
            verify=self.connection.credentials.verify,
            id=self.record.request_id,
        )
        page = refusal_page(self, code, verdict, now)
        self.answer(self.snapshot.client_auth.status, page, keep_alive=False)

    def _turn_away(self, excess: Excess) -> None:
        """Answer 429; the throttle has told the log, which this must not flood."""
        self.record.error = excess.code
        page = error_page(self, 429, excess.code, retry_after=excess.retry_after)
        self.answer(429, page, keep_alive=self.is_request_sent)


def _body_too_large() -> ProtocolError:
    return ProtocolError(413, "body_too_large", "the content is longer than the limit")
