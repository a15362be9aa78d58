"""Limits and timeouts as plain values: a field of a pydantic model costs ten times as much."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """As configured. A plain value: reading a field of a pydantic model costs ten times as much."""

    head: int
    fields: int
    body: int
    connections: int


@dataclass(frozen=True, slots=True)
class Timeouts:
    """As configured, in seconds."""

    handshake: float
    head: float
    body: float
    send: float
    keepalive: float
    connect: float
    response: float
    tunnel: float
    shutdown: float
