"""``timeouts.tunnel``: silence in both directions ends a tunnel, a byte in either keeps it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.gate import connect
from tests.upstreams import Connection, Scripted
from tests.upstreams.tunnels import echo_bytes, switched, upgrade

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate

JSON_LOG = {"path": "-", "format": "json"}


def test_a_silent_tunnel_is_cut(start_gate: StartGate):
    with Scripted(echo_bytes) as upstream:
        gate = start_gate(upstream.url, timeouts={"tunnel": 1, "shutdown": 5}, access_log=JSON_LOG)
        with connect(gate.port) as connection:
            connection.send(upgrade() + b"x")
            connection.head()
            assert connection.read(1) == b"x"
            assert connection.is_closed()
        gate.stdout.wait_for('"error":"tunnel_timeout"')


def test_bytes_in_one_direction_are_enough(start_gate: StartGate):
    """The client only listens, for longer than the timeout."""

    async def tick(connection: Connection) -> None:
        await connection.head()
        await connection.send(switched())
        for _ in range(8):
            await asyncio.sleep(0.5)
            await connection.send(b".")

    with Scripted(tick) as upstream:
        gate = start_gate(upstream.url, timeouts={"tunnel": 3, "shutdown": 5})
        with connect(gate.port) as connection:
            connection.send(upgrade())
            connection.head()
            assert connection.rest() == b"." * 8
