"""Fields that say where a request came from, and which path it means, are the gate's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import Gate, connect

if TYPE_CHECKING:
    from tests.upstreams import Recorder

OWN = {
    "x-forwarded-for": "127.0.0.1",
    "x-real-ip": "127.0.0.1",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "localhost",
}


def test_the_app_learns_where_the_request_came_from(gate: Gate, recorder: Recorder):
    """Address, scheme, host, port, and a number that the client is told, too."""
    with connect(gate.port) as connection:
        response = connection.get()
    received = recorder.received()
    assert {name: received.header(name) for name in OWN} == OWN
    assert received.header("x-forwarded-port") == str(gate.port)
    assert received.header("x-request-id")
    assert response.status == 200


@pytest.mark.parametrize(
    "name",
    [
        "X-Original-URL",
        "X-Original-URI",
        "x_original_url",
        "X-Rewrite-URL",
        "X-Forwarded-Prefix",
        "X-Forwarded-Anything",
        "X_Forwarded_For",
        "X-Forwarded.For",
        "Forwarded",
        "X-Real_IP",
    ],
)
def test_a_client_cannot_bring_its_own(gate: Gate, recorder: Recorder, name: str):
    """Some frameworks serve the path in such a field instead of the one that was decided on."""
    with connect(gate.port) as connection:
        assert connection.get("/", f"{name}: /admin", "X-Mine: kept").status == 200
    received = recorder.received()
    assert "/admin" not in received.raw_head.decode()
    assert received.header("x-mine") == "kept"


@pytest.mark.parametrize("name", [*OWN, "x-forwarded-port", "x-request-id", "host"])
def test_connection_cannot_take_them_away(gate: Gate, recorder: Recorder, name: str):
    """``Connection`` names the fields of the client that end here, and no other."""
    with connect(gate.port) as connection:
        assert connection.get("/", f"Connection: {name}").status == 200
    assert recorder.received().header(name)
