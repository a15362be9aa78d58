"""``python -m bench [--quick] [--json]``: certgate beside nginx, one worker each."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.load import BenchError, build
from bench.report import Row, as_dict, row, table
from bench.servers import Server, Servers
from bench.workloads import WORKLOADS, Workload

_QUICK_SHARE = 3


def main() -> int:
    """Run the bench; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the rounds")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    options = parser.parse_args()
    try:
        rows = _run(quick=options.quick)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    titles = {workload.key: workload.title for workload in WORKLOADS}
    print(json.dumps(as_dict(rows), indent=2) if options.json else table(rows, titles))
    return 0


def _run(*, quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="certgate-bench-") as name:
        folder = Path(name)
        program = build(folder)
        with Servers(folder) as servers:
            nginx, certgate = servers.start_all()
            return [_measure(program, each, nginx, certgate, quick=quick) for each in WORKLOADS]


def _measure(
    program: Path, workload: Workload, nginx: Server, certgate: Server, *, quick: bool
) -> Row:
    """Measure one workload in interleaved rounds, after a short one that does not count."""
    size = workload.size
    rounds = max(workload.rounds // _QUICK_SHARE, 1) if quick else workload.rounds
    measured: dict[str, list[float]] = {nginx.name: [], certgate.name: []}
    for server in (nginx, certgate):
        workload.measure(program, server, max(size // 20, 2))
    for turn in range(rounds):
        # The one or the other first: whoever follows inherits what the first left in the caches.
        for server in (nginx, certgate)[:: -1 if turn % 2 else 1]:
            measured[server.name].append(workload.measure(program, server, size))
        print(f"bench: {workload.title}: {_last(measured, workload)}", file=sys.stderr, flush=True)
    return row(workload, measured[nginx.name], measured[certgate.name])


def _last(measured: dict[str, list[float]], workload: Workload) -> str:
    parts = (f"{name} {values[-1] * workload.scale:.1f}" for name, values in measured.items())
    return f"{', '.join(parts)} {workload.unit}"


if __name__ == "__main__":
    sys.exit(main())
