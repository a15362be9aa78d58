"""``python -m bench.scale [upstreams] [routes] [connections]``: what large numbers of things cost.

Each part is one function that yields lines of the table; a new one is added to ``PARTS``. Figures
and the machine they were measured on are in the README beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import sys
import tempfile
import time
import tracemalloc
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from bench.load import BenchError, Held, build, run
from bench.servers import Servers
from proxy.config.load import parse
from proxy.observe.access_record import AccessRecord
from proxy.observe.counters import Counters
from proxy.observe.error_log import configure_logging
from proxy.server.state import ServerState
from proxy.snapshot import build_snapshot
from tests.gate import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from proxy.config.model import Config

Figure = tuple[str, float, str]
"""What was measured, how much, and of what."""

_SERVERS, _ROUTES, _CONNECTIONS = 200, 10_000, 10_000
_RULES = ("round_robin", "least_conn", "random_two", "ip_hash", "hash:$request_uri")
_AT_ONCE = 500
_IDLE_SECONDS = 10.0
_REQUESTS = 20_000


def upstreams() -> Iterator[Figure]:
    """Choose one of 200 servers, by each rule, with all well and with ten of them down."""
    for rule, weights in (("round_robin", "unequal"), *((rule, "equal") for rule in _RULES)):
        yield from _choosing(rule, weights)


def _choosing(rule: str, weights: str) -> Iterator[Figure]:
    servers = [
        {"url": f"http://10.0.0.{number}:80", "weight": 1 + (weights == "unequal") * (number % 7)}
        for number in range(1, _SERVERS + 1)
    ]
    app = {"servers": servers, "balance": rule}
    with _config(upstream=None, upstreams={"app": app}) as config:
        began = time.perf_counter()
        snapshot = build_snapshot(config)
        took = time.perf_counter() - began
    state = ServerState(asyncio.new_event_loop(), snapshot, _NoLog(), Counters())
    tracemalloc.start()
    state.pools.adopt(snapshot.upstreams, snapshot.limits)
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    group, record = state.pools.group("app"), AccessRecord("192.0.2.7")
    record.target = b"/some/page?x=1"
    choose = partial(group.choose, (), record, state.tick)
    yield f"choose by {rule}, {weights} weights", _each(choose), "us"
    for peer in group.peers[:10]:
        group.failed(peer, state.tick)
    yield "  ten of them down", _each(choose), "us"
    yield "  memory of servers and rule", memory / 1e3, "kB"
    yield "  time to compile", took * 1e3, "ms"
    state.loop.close()


class _NoLog:
    """An access log that is never written."""

    dropped = 0

    def write(self, record: AccessRecord) -> None: ...

    def flush(self) -> None: ...

    def reopen(self) -> None: ...

    def close(self) -> None: ...


def routes() -> Iterator[Figure]:
    """Load 10,000 routes on 100 hosts, and find one of them."""
    table = [
        {"host": f"host{number % 100}.example.com", "path": f"/area/{number}/app"}
        for number in range(_ROUTES)
    ]
    began, before = time.perf_counter(), _resident()
    with _config(routes=table) as config:
        yield "read and check the configuration", time.perf_counter() - began, "s"
        began = time.perf_counter()
        snapshot = build_snapshot(config)
        yield "compile it", time.perf_counter() - began, "s"
        yield "  memory of both", (_resident() - before) / 1e6, "MB"
    match = snapshot.routes.match
    known, other = b"host77.example.com", b"other.example.com"
    plain, dotted = b"/area/4277/app/page?x=1", b"/area/1/../4277/./app/page"
    yield "find a route", _each(partial(match, known, plain)), "us"
    yield "find none", _each(partial(match, other, plain)), "us"
    yield "find a route by a path with dots", _each(partial(match, known, dotted)), "us"


def connections() -> Iterator[Figure]:
    """Hold 10,000 idle TLS connections, and serve somebody beside them."""
    with tempfile.TemporaryDirectory(prefix="certgate-bench-") as name:
        folder = Path(name)
        program = build(folder)
        with Servers(folder) as servers:
            _, gate = servers.start_all()

            def cpu_per_request() -> float:
                run(program, gate.port, "-n", str(_REQUESTS // 10))  # does not count
                size = str(_REQUESTS)
                return _cpu_of(gate.cpu, lambda: run(program, gate.port, "-n", size)) / _REQUESTS

            yield "CPU per request, alone", cpu_per_request() * 1e6, "us"
            before = gate.memory()
            with contextlib.ExitStack() as stack:
                for _ in range(_CONNECTIONS // _AT_ONCE):  # each of them asks the app for something
                    stack.enter_context(Held(program, gate.port, _AT_ONCE))
                held = gate.memory() - before
                yield "memory of an idle connection", held / _CONNECTIONS / 1e3, "kB"
                idle = _cpu_of(gate.cpu, lambda: time.sleep(_IDLE_SECONDS)) / _IDLE_SECONDS
                yield "CPU of a second without requests", idle * 1e3, "ms"
                yield "CPU per request beside them", cpu_per_request() * 1e6, "us"


def _cpu_of(clock: Callable[[], float], action: Callable[[], object]) -> float:
    before = clock()
    action()
    return clock() - before


def _each(action: Callable[[], object]) -> float:
    """Return the microseconds of one call: the best of five rounds, each of a tenth of a second."""
    count, best = 1, float("inf")
    while _timed(action, count) < 0.02:
        count *= 2
    for _ in range(5):
        best = min(best, _timed(action, 5 * count) / (5 * count))
    return best * 1e6


def _timed(action: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        action()
    return time.perf_counter() - began


@contextlib.contextmanager
def _config(**changes: Any) -> Iterator[Config]:
    with tempfile.TemporaryDirectory(prefix="certgate-bench-") as name:
        folder = Path(name)
        yield parse(yaml.safe_dump(settings(folder, **changes)), "bench", folder, {}).config


def _resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


PARTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "upstreams": upstreams,
    "routes": routes,
    "connections": connections,
}


def main() -> int:
    """Measure what was asked for, all of it by default; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("part", nargs="*", help="default: all")
    configure_logging("error")
    parts = parser.parse_args().part or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    try:
        for name in parts:
            print(f"\n{name}: {(PARTS[name].__doc__ or '').splitlines()[0]}")
            for what, number, unit in PARTS[name]():
                print(f"  {what:<44}{number:>10.3g} {unit}", flush=True)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
