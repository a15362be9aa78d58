"""How much, and for how long."""

from __future__ import annotations

from proxy.config.model.section import Section
from proxy.config.units import Count, Seconds, Size


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


class Timeouts(Section):
    """How long the proxy waits. Seconds, or with a unit: `500ms`, `10s`, `5m`, `1h`, `1d`."""

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
