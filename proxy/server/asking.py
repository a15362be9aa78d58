"""Who answers an admitted request: an app that is asked, or the gate itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.forward.request_head import upstream_request_head
from proxy.http1.messages import ProtocolError
from proxy.server.file_response import FileResponse
from proxy.server.forwarding import Forwarding
from proxy.server.shaping import Reply, ShapedForwarding, treat
from proxy.server.stored_forwarding import StoredForwarding, StoredShapedForwarding
from proxy.server.storing import Storing
from proxy.snapshot import StaticFiles

if TYPE_CHECKING:
    from proxy.server.exchange import Exchange
    from proxy.server.group import Group


def ask(
    exchange: Exchange, target: bytes, own_lines: bytes = b"", client_lines: bytes = b""
) -> None:
    """Ask the app that the route leads to.

    Args:
        exchange: that of the request.
        target: the request target for the app.
        own_lines: field lines of the gate's own, beside those that every request gets.
        client_lines: the client's, where the route changes them.
    """
    request, record, route = exchange.request, exchange.record, exchange.route
    connection = exchange.connection
    upstream = record.upstream = route.upstream
    identity = connection.credentials.header_lines(exchange.began_at)
    lines = own_lines + connection.origin.lines(request, record.request_id, identity)
    head = upstream_request_head(request, target, lines, client_lines)
    group = exchange.state.pools.group(upstream)
    if group.buffering is not None and not exchange.is_request_sent:
        stored = StoredForwarding if route.is_plain else StoredShapedForwarding
        _store(exchange, stored(exchange, head, group.buffering), group)
        return
    streamed = Forwarding if route.is_plain else ShapedForwarding
    forwarding = exchange.responder = streamed(exchange, head)
    forwarding.begin(group)


def _store(exchange: Exchange, forwarding: StoredForwarding, group: Group) -> None:
    """Let the request become complete before the app is asked."""
    storing = exchange.responder = Storing(exchange, forwarding, group)
    exchange.stored = forwarding.content
    storing.begin()


def respond(exchange: Exchange, forward: bytes) -> None:
    """Answer here, or ask the app in its own words.

    Args:
        exchange: that of the request.
        forward: the request target in the form that the route table has chosen.
    """
    route, record = exchange.route, exchange.record
    if isinstance(route.answer, StaticFiles):
        response = exchange.responder = FileResponse(exchange)
        response.begin(route.answer, forward)
        return
    record.time = exchange.began_at  # for variables; the log gets the time of the end
    record.upstream = route.upstream
    try:
        treatment = treat(route, exchange.request, forward, record)
    except ProtocolError as error:
        exchange.fail(error)
        return
    if isinstance(treatment, Reply):
        keep_alive = exchange.is_request_sent
        exchange.answer(treatment.status, treatment.page, keep_alive=keep_alive, is_ruled=True)
    elif exchange.may_ask_for(treatment.target):
        ask(exchange, treatment.target, treatment.own_lines, treatment.client_lines)
