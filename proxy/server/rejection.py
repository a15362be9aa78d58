"""Bytes that are no request: answered, counted and logged all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from proxy.http1.messages import ProtocolError
from proxy.observe.access_record import NO_CLIENT, AccessRecord, LoggedClient
from proxy.server.own_response import own_response
from proxy.web.error_page import render_error

if TYPE_CHECKING:
    from proxy.server.state import ServerState

_log = structlog.stdlib.get_logger()

# A stranger sends what it likes, and the log takes four bytes for one.
_MAX_LOGGED_LINE: Final = 1024


def reject(
    state: ServerState,
    error: ProtocolError,
    received: bytes,
    address: str,
    client: LoggedClient = NO_CLIENT,
) -> bytes:
    """Log bytes that are no request, and return the response, which is the connection's last.

    Args:
        state: for the logs and counters.
        error: what is wrong with them.
        received: the bytes; the log gets their first line.
        address: who sent them.
        client: what the handshake told about the sender.
    """
    record = AccessRecord(address, client)
    record.request_line = received[:_MAX_LOGGED_LINE].split(b"\r\n", 1)[0]
    record.status, record.error = error.status, error.code
    record.request_id, record.time = state.next_request_id(), state.wall()
    page = render_error(error.status, error.code, None, request_id=record.request_id)
    record.body_bytes_sent = len(page.body)
    response = own_response(
        error.status,
        page,
        now=record.time,
        request_id=record.request_id,
        with_content=True,
        keep_alive=False,
    )
    state.counters.answered(error.status)
    state.access_log.write(record)
    _log.info("request rejected", code=error.code, reason=error.reason, id=record.request_id)
    return response


def collapse(
    state: ServerState, received: bytes, address: str, client: LoggedClient = NO_CLIENT
) -> bytes:
    """Log that certgate itself has failed where there was no exchange yet.

    Called where the exception is handled; never raises.

    Args:
        state: for the logs and counters.
        received: bytes that wait for an answer; none if nobody waits.
        address: who sent them.
        client: what the handshake told about the sender.

    Returns:
        The response, which is the connection's last; empty if there can be none.
    """
    _log.exception("an error of certgate itself, before there was a request", client=address or "-")
    if not received:
        return b""
    error = ProtocolError(500, "internal_error", "an error of certgate itself")
    try:
        return reject(state, error, received, address, client)
    except Exception:  # noqa: BLE001 -- mostly the same one again: it is in the log
        return b""
