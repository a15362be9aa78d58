"""Who comes too often, or too many at a time, is told when to come again: 429."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import Client, connect, context, head, settings, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gate import Gate, Nginx
    from tests.gate.fixtures import StartGate
    from tests.upstreams import Recorder

ONE, OTHER = "127.0.0.1", "127.0.0.2"
PROBLEM = "Accept: application/problem+json"


def requests(*limits: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"requests": list(limits), **more}


def statuses(gate: Gate, count: int, who: str | None = "good", source: str = ONE) -> list[int]:
    """Return what so many requests get, each over a connection of its own."""
    found = []
    for _ in range(count):
        with Client(gate.port, context(who), source=source) as connection:
            found.append(connection.get().status)
    return found


def test_a_certificate_is_limited_whatever_address_it_comes_from(
    start_gate: StartGate, recorder: Recorder
):
    limit = {"per": "certificate", "rate": "1/h", "burst": 2}
    gate = start_gate(recorder.url, limits=requests(limit))
    assert statuses(gate, 2) == [200, 200]
    assert statuses(gate, 2, source=OTHER) == [200, 429]
    assert statuses(gate, 1, "good_rsa") == [200]
    gate.stderr.wait_for("too many requests")


def test_an_address_is_limited_whatever_it_shows(start_gate: StartGate, recorder: Recorder):
    """The refused count as everybody else."""
    gate = start_gate(recorder.url, limits=requests({"per": "address", "rate": "3/h"}))
    assert statuses(gate, 1, None) + statuses(gate, 1, "expired") == [403, 403]
    assert statuses(gate, 1) == [200]
    assert [statuses(gate, 1, who) for who in (None, "expired", "good")] == [[429]] * 3
    assert statuses(gate, 1, source=OTHER) == [200]


def test_the_answer_says_when_to_come_again_and_that_is_true(
    start_gate: StartGate, recorder: Recorder
):
    gate = start_gate(recorder.url, limits=requests({"per": "certificate", "rate": "1/s"}))
    with connect(gate.port) as connection:
        assert connection.get().status == 200
        answer = connection.get("/", PROBLEM)
        assert answer.status == 429
        assert answer.json()["code"] == "rate_limited"
        assert answer.header("Connection") is None
        time.sleep(float(answer.header("Retry-After") or "no"))
        assert connection.get().status == 200


def test_a_route_has_limits_of_its_own(start_gate: StartGate, recorder: Recorder):
    routes = [
        {"path": "/"},
        {
            "path": "/login",
            "access": "public",
            "limits": {"requests": {"per": "address", "rate": "2/h"}, "body": "1KiB"},
        },
    ]
    gate = start_gate(recorder.url, routes=routes, limits={"body": 10})
    with connect(gate.port, None) as connection:
        connection.send(head("POST /login HTTP/1.1", "Host: x", "Content-Length: 1024"))
        connection.send(b"x" * 1024)
        assert [connection.response().status, connection.get("/login").status] == [200, 200]
        assert connection.get("/login").status == 429
        assert connection.get("/LOGIN").status == 400  # an app may take it for the same
    with connect(gate.port) as connection:
        assert connection.get("/").status == 200
        connection.send(head("POST / HTTP/1.1", "Host: x", "Content-Length: 11"))
        assert connection.response().status == 413


def test_connections_of_an_address_are_closed_before_the_handshake(
    start_gate: StartGate, recorder: Recorder
):
    gate = start_gate(recorder.url, limits={"connections_per": {"address": 2}})
    with connect(gate.port), connect(gate.port, None):
        for _ in range(5):
            with pytest.raises(OSError):
                connect(gate.port)
        gate.stderr.wait_for("too many connections")
        with Client(gate.port, context("good"), source=OTHER) as connection:
            assert connection.get().status == 200
    assert sum("too many connections" in line for line in gate.stderr.lines) == 1


def test_connections_of_a_certificate_are_told_over_http(start_gate: StartGate, recorder: Recorder):
    gate = start_gate(recorder.url, limits={"connections_per": {"certificate": 1}})
    with connect(gate.port) as first:
        assert first.get().status == 200
        with Client(gate.port, context("good"), source=OTHER) as second:
            answer = second.get("/", PROBLEM)
            assert (answer.status, answer.json()["code"]) == (429, "too_many_connections")
            assert answer.header("Connection") == "close"
            assert answer.header("Retry-After") == "5"
            assert second.is_closed()
        with connect(gate.port, "good_rsa") as another:
            assert another.get().status == 200
        assert first.get().status == 200


def test_a_reload_leaves_the_counts_of_limits_that_it_leaves_alone(
    start_gate: StartGate, recorder: Recorder, tmp_path: Path
):
    limit = {"per": "certificate", "rate": "1/h"}
    gate = start_gate(recorder.url, limits=requests(limit))
    assert statuses(gate, 2) == [200, 429]
    write(tmp_path, settings(tmp_path, recorder.url, limits=requests(limit, body=5)))
    gate.reload()
    assert statuses(gate, 1) == [429]
    limit["rate"] = "2/h"
    write(tmp_path, settings(tmp_path, recorder.url, limits=requests(limit)))
    gate.reload()
    assert statuses(gate, 3) == [200, 200, 429]


def test_the_access_log_says_why(start_gate: StartGate, recorder: Recorder, tmp_path: Path):
    log = tmp_path / "access.log"
    gate = start_gate(
        recorder.url,
        limits=requests({"per": "address", "rate": "1/h"}),
        access_log={"path": str(log), "format": "json"},
    )
    assert statuses(gate, 2, None) == [403, 429]
    gate.close()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["error"] for line in lines] == [None, "rate_limited"]


NGINX = """
limit_req_zone $binary_remote_addr zone=one:1m rate=1r/m;
limit_req_status 429;
server {{
    listen 127.0.0.1:{{port}};
    location / {{ limit_req zone=one burst=3 nodelay; proxy_pass {upstream}; }}
}}
"""


def test_a_burst_is_what_it_is_with_nginx(
    start_gate: StartGate, start_nginx: Callable[[str], Nginx], recorder: Recorder
):
    limit = {"per": "address", "rate": "1/m", "burst": 3}
    gate = start_gate(recorder.url, limits=requests(limit))
    nginx = start_nginx(NGINX.format(upstream=recorder.url))
    with connect(gate.port) as ours, Client(nginx.port, None) as theirs:
        found = [(ours.get().status, theirs.get().status) for _ in range(7)]
    assert found == [(200, 200)] * 4 + [(429, 429)] * 3
