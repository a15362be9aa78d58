"""How much, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from proxy.config import rules
from proxy.config.model.section import Section
from proxy.config.model.values import ByteRate, Count, RateValue, Seconds, Size
from proxy.config.units import parse_count, parse_sections

_Burst = Annotated[
    int | None, Field(ge=0, le=1_000_000), BeforeValidator(parse_count, json_schema_input_type=int)
]


class RequestLimit(Section):
    """How often requests may come. More are answered with 429 and `Retry-After`.

    Counted as nginx's `limit_req` with `nodelay` does: nothing is held back, and a request that is
    refused does not count.
    """

    per: Literal["certificate", "address"]
    """Who is counted by itself: each `certificate` that is verified (others have none), or each
    `address` (of IPv6 the /64). Required."""

    rate: RateValue
    """How many requests on average: `20/s`, `600/m` or `1000/h`. Required."""

    burst: _Burst = None
    """How many may come ahead of the rate; as with nginx, `0` lets one in at a time. Default: one
    less than the number of the rate, so that of `20/m` all 20 may come at once."""


class RouteRequestLimit(RequestLimit):
    """How often requests may come to one route."""

    per: Literal["certificate", "address", "route"]  # type: ignore[assignment]
    """As in `limits.requests`, or `route`: everybody together. Required."""


class ConnectionsPer(Section):
    """Most connections of one visitor; 0 = no limit."""

    certificate: Count = 0
    """Connections with the same verified certificate; one more is answered with 429.
    Default: 0."""

    address: Count = 0
    """Connections from the same address (of IPv6 the /64), from before the TLS handshake on; one
    more is closed at once. Danger: behind one address there may be a whole office. Default: 0."""


class RouteConnectionsPer(Section):
    """Most requests of one visitor that are under way on one route; 0 = no limit."""

    certificate: Count = 0
    """Of the same verified certificate. Default: 0."""

    address: Count = 0
    """From the same address (of IPv6 the /64). Default: 0."""


class RouteLimits(Section):
    """Bounds of one route, besides those of `limits`. WebSockets are under way until they end."""

    body: Size | None = None
    """Most bytes of a request's body; more is answered with 413; 0 = no limit.
    Default: `limits.body`."""

    requests: Annotated[
        tuple[RouteRequestLimit, ...],
        AfterValidator(rules.check_request_limits),
        BeforeValidator(parse_sections, json_schema_input_type=list[RouteRequestLimit]),
    ] = ()
    """How often requests may come: `[{per: certificate, rate: 2/s, burst: 5}]`. Default: `[]`."""

    connections: Count = 0
    """Most requests under way, of everybody together; one more is answered with 429;
    0 = no limit. Default: 0."""

    connections_per: RouteConnectionsPer = RouteConnectionsPer()
    """Most requests under way of one visitor; one more is answered with 429."""

    @property
    def of_visitors(self) -> tuple[object, ...]:
        """What is counted for each visitor: all but the size of a body."""
        return self.requests, self.connections, self.connections_per


class Limits(Section):
    """Bounds that keep one client from using up the machine."""

    head: Size = 32 * 1024
    """Most bytes of a request's or response's head. Bytes, or with KiB, MiB, GiB; 0 = no limit.
    Danger: without a limit one client can fill the memory. Default: 32KiB."""

    fields: Count = 100
    """Most header fields in a head; 0 = no limit. Default: 100."""

    body: Size = 0
    """Most bytes of a request's body; more is answered with 413. Bytes, or with KiB, MiB, GiB;
    0 = no limit. Default: 0."""

    connections: Count = 0
    """Most client connections at one time; 0 = no limit. Default: 0."""

    connections_per: ConnectionsPer = ConnectionsPer()
    """Most connections of one visitor."""

    requests: Annotated[
        tuple[RequestLimit, ...],
        AfterValidator(rules.check_request_limits),
        BeforeValidator(parse_sections, json_schema_input_type=list[RequestLimit]),
    ] = ()
    """How often requests may come: `[{per: certificate, rate: 20/s, burst: 40}]`. Those of
    visitors who are refused count for their address, too. Default: `[]`."""

    min_rate: ByteRate = 240
    """Fewest bytes per second that a client has to send of a body, averaged over `timeouts.body`,
    and to take of a response that waits for it, over `timeouts.send`; a slower one is cut off.
    Time in which the client waits for the app does not count, nor do WebSockets; 0 = any
    progress is enough. Default: 240."""


class Timeouts(Section):
    """How long the proxy waits. Seconds, or with a unit: `500ms`, `10s`, `5m`, `1h`, `1d`.

    At least `1ms`: there is no 0 for "no limit".
    """

    handshake: Seconds = 10.0
    """For the whole TLS handshake. Default: 10s."""

    head: Seconds = 15.0
    """For the whole head of a request. Default: 15s."""

    body: Seconds = 60.0
    """Between two reads of a request's body. Default: 60s."""

    send: Seconds = 60.0
    """Between two writes to the client. Default: 60s."""

    keepalive: Seconds = 75.0
    """For the next request on an open connection. Default: 75s."""

    connect: Seconds = 5.0
    """For a connection to the app. Default: 5s."""

    response: Seconds = 60.0
    """For the next byte from the app, in head or body. Default: 60s."""

    tunnel: Seconds = 3600.0
    """For the next byte in either direction of an upgraded connection (WebSocket) or an event
    stream. Default: 1h."""

    shutdown: Seconds = 30.0
    """For requests under way when the proxy stops or reloads. Default: 30s."""
