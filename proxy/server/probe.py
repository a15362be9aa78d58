"""One probe: a request of the gate's own that shows whether a server is well.

It goes over a connection of its own, which ends with it: nothing that a server says to a probe can
meet a client's request, and no connection that is idle for long decides about the server's health.
It carries nobody's identity.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, cast

from proxy.http1.messages import ProtocolError
from proxy.server.dialling import dial
from proxy.server.response_reader import ResponseReader
from proxy.server.upstream_failure import (
    UpstreamFailure,
    bad_response,
    connect_failure,
    tls_failure,
)

if TYPE_CHECKING:
    from proxy.config.addresses import Server
    from proxy.snapshot import Check, Endpoint

_FIRST_FINAL = 200
_MAX_FIELDS = 100
# More is not read: the status says it all, and a probe must not fill the memory.
_MAX_CONTENT = 64 * 1024


async def probe(endpoint: Endpoint, check: Check, max_head: int) -> UpstreamFailure | None:
    """Ask a server how it is; return None when it is well.

    Args:
        endpoint: the server.
        check: what is asked, and which answer is good.
        max_head: most bytes of the response's head.
    """
    address = endpoint.server.address
    conversation = _Conversation(endpoint.server, check, max_head)
    try:
        async with asyncio.timeout(check.timeout):
            await dial(asyncio.get_running_loop(), endpoint, lambda: conversation)
            return await conversation.outcome
    except TimeoutError:
        reason = f"{address} gave no whole response within {check.timeout:g} seconds"
        return UpstreamFailure(504, "upstream_timeout", reason)
    except (OSError, UnicodeError) as error:
        return connect_failure(address, error, is_tls=endpoint.tls is not None)
    finally:
        conversation.end()


def request_of(server: Server, check: Check) -> bytes:
    """Return the request that a probe sends."""
    host = check.host or ("localhost" if server.path else server.address)
    lines = (
        f"GET {check.path} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: certgate-health-check",
        "Accept: */*",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")


class _Conversation(asyncio.Protocol):
    """One request and its response.

    Attributes:
        outcome: None when the server is well; set once.
    """

    def __init__(self, server: Server, check: Check, max_head: int) -> None:
        self._address = server.address
        self._request = request_of(server, check)
        self._statuses = check.statuses
        self._max_head = max_head
        self._reader = ResponseReader(_MAX_FIELDS)
        self._transport: asyncio.Transport | None = None
        self._content = 0
        self.outcome: asyncio.Future[UpstreamFailure | None] = (
            asyncio.get_running_loop().create_future()
        )

    def end(self) -> None:
        """Let the connection go."""
        if self._transport is not None:
            self._transport.abort()

    # From the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Read the response."""
        if self.outcome.done():
            return
        try:
            if self._reader.decoder is None:
                self._read_head(data)
            else:
                self._take(*self._reader.read_content(data))
        except ProtocolError as error:
            self._settle(bad_response(error.reason))

    def eof_received(self) -> None:
        """The server closed its sending side."""
        if self._reader.ends_with_the_connection:
            self._settle(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        if isinstance(exc, ssl.SSLError):  # TLS 1.3: it refuses our certificate after the handshake
            self._settle(tls_failure(self._address, exc))
        else:
            self._settle(bad_response("it ended the connection before the response was complete"))

    # The response

    def _read_head(self, data: bytes) -> None:
        found = self._reader.read_head(data, b"GET", self._max_head)
        while found is not None:
            head, content, rest = found
            if head.status >= _FIRST_FINAL and head.status not in self._statuses:
                self._settle(_unwell(head.status))
                return
            if head.status >= _FIRST_FINAL:
                self._take(content, rest)
                return
            found = self._reader.read_head(b"", b"GET", self._max_head)

    def _take(self, content: bytes, rest: bytes | None) -> None:
        self._content += len(content)
        if rest is not None or self._content > _MAX_CONTENT:
            self._settle(None)

    def _settle(self, outcome: UpstreamFailure | None) -> None:
        if not self.outcome.done():
            self.outcome.set_result(outcome)


def _unwell(status: int) -> UpstreamFailure:
    return UpstreamFailure(502, "upstream_unwell", f"it answered its health check with {status}")
