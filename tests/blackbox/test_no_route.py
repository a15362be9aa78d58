"""Where no route leads, strangers are told no more than anywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate


@pytest.mark.parametrize(("who", "status"), [("good", 404), ("none", 403), ("revoked", 403)])
def test_only_the_verified_learn_that_there_is_nothing(
    start_gate: StartGate, who: str, status: int
):
    """An unknown host and an unknown path are both refused before they are looked for."""
    with Recorder() as upstream:
        gate = start_gate(
            upstream=None,
            upstreams={"app": {"servers": [upstream.url]}},
            routes=[{"host": "app.example.com", "path": "/app", "upstream": "app"}],
        )
        for path, host in (("/app", "other.example.com"), ("/else", "app.example.com")):
            with connect(gate.port, who) as connection:
                assert connection.get(path, host=host).status == status
        assert upstream.connections == 0
