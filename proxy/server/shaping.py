"""Requests of routes that do more than hand on: answered here, or asked in the app's own words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from proxy.forward.request_head import ruled_lines
from proxy.http1.messages import RequestHead, bad_request
from proxy.routing.path import TargetError
from proxy.server.forwarding import FIRST_ERROR, Forwarding
from proxy.server.pages import error_page
from proxy.snapshot import FixedResponse, Redirect
from proxy.web.answers import fixed_page, redirect_page

if TYPE_CHECKING:
    from proxy.forward.header_rules import HeaderRules
    from proxy.http1.messages import Field, ResponseHead
    from proxy.observe.access_record import AccessRecord
    from proxy.snapshot import RouteTarget
    from proxy.web.page import Page

_UNAUTHORIZED: Final = 401
_REQUEST_ID: Final = b"x-request-id"


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of the gate's, as the configuration wants it."""

    status: int
    page: Page


@dataclass(frozen=True, slots=True)
class Asking:
    """A request for the app.

    Attributes:
        target: the request target.
        client_lines: the client's field lines after the operator's rules; empty for no rules.
        own_lines: further lines of the gate's own.
    """

    target: bytes
    client_lines: bytes = b""
    own_lines: bytes = b""


def treat(
    route: RouteTarget, request: RequestHead, forward: bytes, record: AccessRecord
) -> Reply | Asking:
    """Return what a route makes of an admitted request.

    Args:
        route: where the request leads.
        request: what the client sent.
        forward: the target in the form that the route table has chosen.
        record: for the variables.

    Raises:
        ProtocolError: 400, the request cannot be answered as the route wants it.
    """
    answer = route.answer
    if isinstance(answer, FixedResponse | Redirect):
        return _reply(answer, record)
    paths, rules = route.paths, route.request_rules
    lines = b"" if rules is None else ruled_lines(request.section, rules, record)
    if paths is None:
        return Asking(b"*" if request.target == b"*" else forward, lines)
    if paths.lacks_slash(forward) and request.method in {b"GET", b"HEAD"}:
        return Reply(301, redirect_page(301, _with_slash(forward)))
    try:
        target = paths.forwarded(forward)
    except TargetError as error:
        raise bad_request(error.reason) from error
    return Asking(target, lines, paths.own_line)


def _reply(answer: FixedResponse | Redirect, record: AccessRecord) -> Reply:
    match answer:
        case FixedResponse():
            return Reply(answer.status, fixed_page(answer, record))
        case Redirect():
            location = answer.to(record)
            if not location:
                raise bad_request("the redirect of this route needs a Host")
            return Reply(answer.status, redirect_page(answer.status, location))


def _with_slash(target: bytes) -> bytes:
    """Return the folder that was meant, as nginx's redirect for a prefix without its slash."""
    path, mark, query = target.partition(b"?")
    return path + b"/" + mark + query


def ruled_page(
    page: Page, rules: HeaderRules[AccessRecord], record: AccessRecord, *, is_ruled: bool
) -> Page:
    """Return a page with the fields that the operator wants.

    Args:
        page: ours, or the operator's.
        rules: for responses.
        record: for the variables.
        is_ruled: the operator has written the page. Otherwise its own fields stay: a refusal that
            may be kept in a cache would outlive the certificate that was missing.
    """
    own: list[Field] = [(name.lower(), name, value) for name, value in page.fields]
    kept = rules.kept(own) if is_ruled else own
    taken = {_REQUEST_ID} if is_ruled else {_REQUEST_ID, *(lower for lower, _, _ in own)}
    made = [field for field in rules.made(record) if field[0] not in taken]
    return replace(page, fields=tuple((name, value) for _, name, value in (*kept, *made)))


class ShapedForwarding(Forwarding):
    """A forwarding whose responses are put into the client's words.

    The head is changed in a copy, and only here: the one that the connection to the app remembers
    keeps nothing of this request.
    """

    __slots__ = ()

    def upstream_response(self, head: ResponseHead, content: bytes, *, ended: bool) -> None:
        """Pass the head on after the route's changes, or put an error page in its place."""
        if head.status >= FIRST_ERROR and self._is_left_to_another(head.status, ended=ended):
            return
        exchange = self._exchange
        route = exchange.route
        exchange.record.status = exchange.record.upstream_status = head.status
        if route.intercepts and route.pages.find(head.status) is not None:
            self._intercept(head, ended=ended)
        else:
            super().upstream_response(self._shaped(head), content, ended=ended)

    def upstream_interim(self, head: ResponseHead) -> None:
        """Pass a 1xx response on without what the operator hides; nothing is added to it."""
        fields, rules = self._mapped(head), self._exchange.route.response_rules
        if rules is not None:
            fields = rules.kept(fields)
        super().upstream_interim(replace(head, fields=fields))

    def upstream_switched(self, head: ResponseHead, rest: bytes) -> None:
        """Open the tunnel, with the cookies that a WebSocket may set."""
        record = self._exchange.record
        record.status = record.upstream_status = head.status
        super().upstream_switched(self._shaped(head), rest)

    def _shaped(self, head: ResponseHead) -> ResponseHead:
        exchange = self._exchange
        fields, rules = self._mapped(head), exchange.route.response_rules
        if rules is not None:
            exchange.record.time = exchange.state.wall()
            fields = rules.applied(fields, exchange.record)
        return replace(head, fields=fields, forwarded=b"")

    def _mapped(self, head: ResponseHead) -> list[Field]:
        route = self._exchange.route
        if route.mapping is None:
            return head.fields
        hosts = _hosts(route, self._exchange.request.section.host)
        return route.mapping.fields(head.fields, hosts)

    def _intercept(self, head: ResponseHead, *, ended: bool) -> None:
        """Answer with an error page; nobody reads the app's (nginx's proxy_intercept_errors)."""
        exchange = self._exchange
        if ended:
            self._upstream = None
        self._group.succeeded(self._peer)
        self.cancel()
        page = error_page(exchange, head.status, "upstream_error")
        if head.status == _UNAUTHORIZED:  # without it nobody could log in
            challenges = [f[1:] for f in head.fields if f[0] == b"www-authenticate"]
            page = replace(page, fields=(*page.fields, *challenges))
        exchange.answer(head.status, page, keep_alive=exchange.is_request_sent)


def _hosts(route: RouteTarget, client: bytes) -> tuple[bytes, ...]:
    rules = route.request_rules
    if rules is None or rules.host is None:
        return (client,)
    return (client, rules.host)
