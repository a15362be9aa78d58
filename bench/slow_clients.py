"""``python -m bench.slow_clients``: a good client's latency, alone and beside 500 slow ones."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import TYPE_CHECKING

from bench.load import BenchError, build, run
from bench.servers import Server, Servers
from tests.gate import context, many_open_files
from tests.gate.slow_clients import stuck

if TYPE_CHECKING:
    from types import TracebackType

_CLIENTS, _REQUESTS, _ROUNDS = 500, 4000, 7
_PATIENCE = 60.0  # seconds for all of them to connect


class _Crowd:
    """The slow clients, in a thread of their own for as long as the ``with`` block lasts."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._are_stuck, self._over = Event(), Event()
        self._thread = Thread(target=lambda: asyncio.run(self._live()))

    async def _live(self) -> None:
        clients = await stuck(_CLIENTS, self._port, context("good"))
        self._are_stuck.set()
        await asyncio.to_thread(self._over.wait)
        for client in clients:
            await client.close()

    def __enter__(self) -> None:
        self._thread.start()
        if not self._are_stuck.wait(_PATIENCE):
            raise BenchError("the slow clients did not get in")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()


def _latency(program: Path, server: Server) -> float:
    """Return a good client's median, in microseconds, over one kept connection."""
    return run(program, server.port, "-c", "1", "-n", str(_REQUESTS)).p50 * 1e6


def _round(program: Path, server: Server) -> tuple[float, float]:
    """Return the latency alone and beside the crowd, measured within seconds of each other."""
    alone = _latency(program, server)
    with _Crowd(server.port):
        return alone, _latency(program, server)


def main() -> int:
    """Measure both proxies in turn; print the rounds' medians and the median of their ratios."""
    with tempfile.TemporaryDirectory(prefix="certgate-bench-") as name:
        folder = Path(name)
        program = build(folder)
        with many_open_files(4 * _CLIENTS), Servers(folder) as servers:
            print(f"{'median latency, us':<20}{'alone':>8}{f'beside {_CLIENTS}':>12}{'ratio':>8}")
            both = servers.start_all()
            rounds = [[_round(program, server) for server in both] for _ in range(_ROUNDS)]
            for server, measured in zip(both, zip(*rounds, strict=True), strict=True):
                alone, beside = (median(each) for each in zip(*measured, strict=True))
                ratio = median(late / early for early, late in measured)
                print(f"{server.name:<20}{alone:>8.0f}{beside:>12.0f}{ratio:>8.2f}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as problem:
        sys.exit(f"bench: {problem}")
