"""``limits.connections``: one client too many is turned away, the others do not suffer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate


def test_a_connection_over_the_limit_is_closed_and_a_freed_place_is_given_again(
    start_gate: StartGate,
):
    """Those who are in stay in; when one leaves, the next one may come."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url, limits={"connections": 2})
        first, second = connect(gate.port), connect(gate.port)
        with first, second:
            assert first.get().status == 200
            assert second.get().status == 200
            seen = len(gate.stderr.lines)
            with pytest.raises(OSError):
                connect(gate.port)
            gate.stderr.wait_for("limits.connections", after=seen)
            assert first.get().status == 200
            assert second.get().status == 200
        # The gate has seen both leave once it has closed its side.
        for _ in range(50):
            try:
                with connect(gate.port) as third:
                    assert third.get().status == 200
                    return
            except OSError:
                continue
        pytest.fail("no place became free")
