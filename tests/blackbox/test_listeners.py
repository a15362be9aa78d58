"""Several addresses, and addresses that come and go with a reload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, free_port, settings, write
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate


def test_every_address_is_served_and_announced(start_gate: StartGate):
    """One line each."""
    with Recorder() as upstream:
        ports = [free_port(), free_port()]
        gate = start_gate(upstream.url, listen=[f"127.0.0.1:{port}" for port in ports])
        assert [address.port for address in gate.addresses] == ports
        for port in ports:
            with connect(port) as connection:
                assert connection.get().status == 200


def test_a_reload_opens_new_addresses_and_closes_old_ones(start_gate: StartGate, tmp_path: Path):
    """What is in both files is never closed: a client there notices nothing."""
    with Recorder() as upstream:
        kept, old, new = free_port(), free_port(), free_port()
        gate = start_gate(upstream.url, listen=[f"127.0.0.1:{kept}", f"127.0.0.1:{old}"])
        with connect(kept) as connection:
            assert connection.get().status == 200
            values = settings(
                tmp_path, upstream.url, listen=[f"127.0.0.1:{kept}", f"127.0.0.1:{new}"]
            )
            write(tmp_path, values)
            gate.reload()
            assert connection.get().status == 200
        with connect(new) as connection:
            assert connection.get().status == 200
        with pytest.raises(OSError):
            connect(old)


def test_a_reload_to_a_port_in_use_changes_nothing(start_gate: StartGate, tmp_path: Path):
    """The old addresses go on, the fault is reported."""
    with Recorder() as upstream, Recorder() as other:
        port = free_port()
        gate = start_gate(upstream.url, listen=f"127.0.0.1:{port}")
        write(tmp_path, settings(tmp_path, upstream.url, listen=f"127.0.0.1:{other.port}"))
        gate.reload(expect="(?i)reload.*(fail|refus|not|keep|unchanged|error)")
        with connect(port) as connection:
            assert connection.get().status == 200
