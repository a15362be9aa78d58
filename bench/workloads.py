"""What is measured: each workload runs against one proxy and returns one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.load import Held, run
from bench.servers import LARGE_FILE, Server
from tests.pki import Profile, certificate_pem, client, trust

Measure = Callable[[Path, Server, int], float]


@dataclass(frozen=True, slots=True)
class Workload:
    """One row of the table.

    Attributes:
        key: its name in the JSON output.
        title: its name in the table.
        unit: what the number is, after ``scale``.
        scale: factor from seconds or bytes to the unit.
        size: requests or connections of a round.
        measure: runs it and returns seconds or bytes for one request or connection.
        rounds: how often; many short ones where that is possible, as the speed of a machine drifts.
        limit: the ratio to nginx that the project promises, if it promises one.
    """

    key: str
    title: str
    unit: str
    scale: float
    size: int
    measure: Measure
    rounds: int = 1
    limit: float | None = None


def _cpu_per_request(*flags: str) -> Measure:
    def measure(program: Path, server: Server, size: int) -> float:
        before = server.cpu()
        result = run(program, server.port, "-n", str(size), *flags)
        return (server.cpu() - before) / result.requests

    return measure


def _cpu_of_first_handshakes(program: Path, server: Server, size: int) -> float:
    """Let clients in whom nobody has seen before, each with a certificate of its own."""
    key = client("good").key
    strangers = (trust().root.issue(Profile(), key).leaf for _ in range(size))
    path = program.with_name("strangers.crt")
    path.write_bytes(certificate_pem(*strangers))
    return _cpu_per_request("-m", "new", "-E", str(path))(program, server, size)


def _memory_per_connection(program: Path, server: Server, size: int) -> float:
    before = server.memory()
    with Held(program, server.port, size):
        return (server.memory() - before) / size


def _slowest_of_a_burst(program: Path, server: Server, size: int) -> float:
    return run(program, server.port, "-m", "new", "-c", str(size), "-n", str(size)).max


WORKLOADS = (
    # First and once: memory that a process got for connections, it keeps for the next ones.
    Workload(
        key="idle_memory",
        title="memory of an idle connection",
        unit="kB",
        scale=1e-3,
        size=1_000,
        measure=_memory_per_connection,
    ),
    Workload(
        key="small_get",
        title="small GET, 32 connections",
        unit="us CPU",
        scale=1e6,
        size=3_000,
        measure=_cpu_per_request(),
        rounds=51,
        limit=1.5,
    ),
    Workload(
        key="handshake",
        title="full handshake and GET",
        unit="us CPU",
        scale=1e6,
        size=150,
        measure=_cpu_per_request("-m", "new"),
        rounds=101,
        limit=0.8,
    ),
    Workload(
        key="first_handshake",
        title="the same, clients never seen",
        unit="us CPU",
        scale=1e6,
        size=150,
        measure=_cpu_of_first_handshakes,
        rounds=51,
    ),
    Workload(
        key="download",
        title="64 MiB down",
        unit="ms CPU",
        scale=1e3,
        size=6,
        measure=_cpu_per_request("-c", "2", "-p", "/large"),
        rounds=15,
    ),
    Workload(
        key="upload",
        title="64 MiB up",
        unit="ms CPU",
        scale=1e3,
        size=6,
        measure=_cpu_per_request("-c", "2", "-p", "/sink", "-b", str(LARGE_FILE)),
        rounds=15,
    ),
    Workload(
        key="burst",
        title="slowest of 2,000 at once",
        unit="ms",
        scale=1e3,
        size=2_000,
        measure=_slowest_of_a_burst,
    ),
)
