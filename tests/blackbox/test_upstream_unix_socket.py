"""An app behind a Unix socket, which nobody on the network can reach past the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gate import connect
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate


def test_requests_go_through_the_socket(start_gate: StartGate, tmp_path: Path):
    """Connections are kept as elsewhere; the log shows nginx's form of the address."""
    path = tmp_path / "app.sock"
    with Recorder(path=path) as app:
        gate = start_gate(f"unix:{path}", access_log={"format": "[$upstream_addr]"})
        with connect(gate.port) as connection:
            assert connection.get().body == app.body
            assert connection.get().body == app.body
        assert app.connections == 1
        gate.stdout.wait_for(rf"\[unix:{path}\]")


def test_a_socket_that_is_not_there_is_a_502(start_gate: StartGate, tmp_path: Path):
    """And it is looked for anew at each request."""
    path = tmp_path / "app.sock"
    gate = start_gate(f"unix:{path}")
    with connect(gate.port) as connection:
        assert connection.get().status == 502
        gate.stderr.wait_for(f"cannot connect to unix:{path}: No such file")
        with Recorder(path=path):
            assert connection.get().status == 200
