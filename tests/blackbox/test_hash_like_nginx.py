"""``balance: hash:$variable`` is nginx's ``hash … consistent``: the same keys, the same servers."""

from __future__ import annotations

import http.client
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import connect, free_port
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.gate import Gate, Nginx
    from tests.gate.fixtures import StartGate

WEIGHTS = (1, 3, 1, 2, 1)
KEYS = [f"/key/{number}?x={number * 7919 % 1000}" for number in range(150)]


@pytest.fixture(scope="module")
def ports() -> Iterator[list[int]]:
    """Apps that say who they are."""
    with ExitStack() as stack:
        apps = [stack.enter_context(Recorder(b"app %d" % number)) for number in range(len(WEIGHTS))]
        yield [app.port for app in apps]


def behind_nginx(
    start_nginx: Callable[[str], Nginx], ports: list[int], down: int | None
) -> list[bytes]:
    lines = "".join(
        f"server 127.0.0.1:{port} weight={weight}{' down' * (port == down)};\n"
        for port, weight in zip(ports, WEIGHTS, strict=True)
    )
    nginx = start_nginx(
        f"upstream app {{ hash $request_uri consistent; {lines} }}\n"
        "server { listen 127.0.0.1:{port}; location / { proxy_pass http://app; } }"
    )
    found = []
    for key in KEYS:
        connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
        connection.request("GET", key)
        found.append(connection.getresponse().read())
        connection.close()
    return found


def gate_of(start_gate: StartGate, ports: list[int], **settings: Any) -> Gate:
    servers = [
        {"url": f"http://127.0.0.1:{port}", "weight": weight}
        for port, weight in zip(ports, WEIGHTS, strict=True)
    ]
    app = {"servers": servers, "balance": "hash:$request_uri", **settings}
    return start_gate(upstream=None, upstreams={"app": app})


def test_every_key_meets_the_same_server(
    start_gate: StartGate, start_nginx: Callable[[str], Nginx], ports: list[int]
):
    with connect(gate_of(start_gate, ports).port) as connection:
        found = [connection.get(key).body for key in KEYS]
    assert found == behind_nginx(start_nginx, ports, None)
    assert len(set(found)) == len(WEIGHTS)


def test_so_it_does_while_a_server_is_down_and_only_that_ones_keys_move(
    start_gate: StartGate, start_nginx: Callable[[str], Nginx], ports: list[int]
):
    down = free_port()
    now = [ports[0], down, *ports[2:]]
    with connect(gate_of(start_gate, ports).port) as connection:
        before = [connection.get(key).body for key in KEYS]
    with connect(gate_of(start_gate, now).port) as connection:
        found = [connection.get(key).body for key in KEYS]
    assert found == behind_nginx(start_nginx, now, down)
    assert b"app 1" not in found
    # The points of the others are where they were.
    others = [(was, present) for was, present in zip(before, found, strict=True) if was != b"app 1"]
    assert sum(was != present for was, present in others) == 0


def test_a_clients_certificate_can_be_the_key(start_gate: StartGate, ports: list[int]):
    """The same person meets the same server, from wherever."""
    gate = gate_of(start_gate, ports, balance="hash:$ssl_client_s_dn")
    found = set()
    for path in KEYS[:20]:
        with connect(gate.port) as connection:
            found.add(connection.get(path).body)
    assert len(found) == 1
