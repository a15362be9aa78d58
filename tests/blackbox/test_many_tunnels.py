"""1,000 idle tunnels at once: cheap, and none outlives its certificate or the gate."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import signal
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pytest

from tests.gate import context, many_open_files, revoke
from tests.pki import trust
from tests.upstreams import Scripted
from tests.upstreams.tunnels import echo_bytes, upgrade

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from tests.gate import Gate
    from tests.gate.fixtures import StartGate

REVOKED, EXPIRED, GOOD = 400, 300, 300
# Two sockets, TLS and all objects of both sides: 45 kB when this was written.
MOST_MEMORY = 100_000
LIFE = dt.timedelta(seconds=30)  # of a certificate, enough to open all
TIMEOUTS = {"handshake": 60, "head": 60, "connect": 60, "shutdown": 1}


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One open tunnel to an app that sends back what it gets."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int, tls: ssl.SSLContext) -> Self:
        """Connect and upgrade."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname="localhost", ssl_handshake_timeout=60
        )
        writer.write(upgrade())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        return cls(reader, writer)

    async def echoes(self) -> bool:
        """Tell whether a byte comes back."""
        self.writer.write(b"?")
        return await self.reader.readexactly(1) == b"?"

    async def is_cut(self) -> bool:
        """Wait for the end, and tell whether nothing came before it."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True
        finally:
            self.writer.close()
            with contextlib.suppress(OSError):
                await self.writer.wait_closed()


async def open_many(port: int, tls: ssl.SSLContext, number: int) -> list[Tunnel]:
    return await asyncio.gather(*(Tunnel.open(port, tls) for _ in range(number)))


async def all_echo(tunnels: list[Tunnel]) -> bool:
    return all(await asyncio.gather(*(tunnel.echoes() for tunnel in tunnels)))


async def all_are_cut(tunnels: list[Tunnel]) -> bool:
    return all(await asyncio.gather(*(tunnel.is_cut() for tunnel in tunnels)))


async def live_and_die(gate: Gate, folder: Path) -> None:
    """Open all tunnels, then take their reasons to live from them, one group after the other."""
    victim = trust().root.client("victim")
    end = (dt.datetime.now(dt.UTC) + LIFE).replace(microsecond=0)
    brief = trust().root.client("brief", not_after=end)
    before = gate.memory()
    revoked = await open_many(gate.port, context(victim), REVOKED)
    expired = await open_many(gate.port, context(brief), EXPIRED)
    good = await open_many(gate.port, context("good"), GOOD)
    assert await all_echo(revoked + expired + good)
    assert dt.datetime.now(dt.UTC) < end, "too slow a machine to open 1,000 tunnels in time"
    assert gate.memory() - before < MOST_MEMORY * (REVOKED + EXPIRED + GOOD)

    revoke(folder, victim)
    assert await all_are_cut(revoked)
    assert await all_echo(good)

    assert await all_are_cut(expired)
    assert dt.datetime.now(dt.UTC) >= end
    assert await all_echo(good)

    gate.send_signal(signal.SIGTERM)
    assert await all_are_cut(good)
    assert await asyncio.to_thread(gate.wait) == 0


@pytest.mark.slow
def test_a_thousand_tunnels_end_when_they_have_to(start_gate: StartGate, tmp_path: Path):
    """Revoked by a new list, expired, or still open at the end of ``timeouts.shutdown``."""
    log = {"path": "-", "format": "$status $error"}
    with many_open_files(3 * (REVOKED + EXPIRED + GOOD)), Scripted(echo_bytes) as upstream:
        gate = start_gate(upstream.url, timeouts=TIMEOUTS, access_log=log)
        asyncio.run(live_and_die(gate, tmp_path))
    assert Counter(gate.stdout.lines) == {
        "101 certificate_no_longer_valid": REVOKED + EXPIRED,
        "101 shutting_down": GOOD,
    }
