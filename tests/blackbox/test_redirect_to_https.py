"""The port for people who type http://: it leads to https and serves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import Client, curl, free_port, head, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate import Gate
    from tests.gate.fixtures import StartGate
    from tests.upstreams import Recorder


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def gate(start_gate: StartGate, recorder: Recorder, ports: tuple[int, int]) -> Gate:
    listen = [
        {"address": f"127.0.0.1:{ports[0]}"},
        {"address": f"127.0.0.1:{ports[1]}", "redirect_to_port": ports[0]},
    ]
    return start_gate(
        recorder.url,
        listen=listen,
        timeouts={"head": "500ms"},
        access_log={"format": "$remote_addr $request_method $status"},
    )


def test_curl_follows(gate: Gate, ports: tuple[int, int], recorder: Recorder, tmp_path: Path):
    gate.stderr.wait_for(
        rf"http://127\.0\.0\.1:{ports[1]}/ \(redirects to https, port {ports[0]}\)"
    )
    resolve = [part for port in ports for part in ("--resolve", f"localhost:{port}:127.0.0.1")]
    url = f"http://localhost:{ports[1]}/a?b=c"
    assert curl(tmp_path, "-L", *resolve, url) == (0, "hello from the app\n200")
    assert recorder.received().target == "/a?b=c"
    gate.stdout.wait_for("127.0.0.1 GET 301")


def test_other_methods_stay_what_they_are(
    gate: Gate, ports: tuple[int, int], recorder: Recorder, tmp_path: Path
):
    """A 301 would turn a POST into a GET."""
    resolve = [part for port in ports for part in ("--resolve", f"localhost:{port}:127.0.0.1")]
    assert curl(tmp_path, "-L", *resolve, "-d", "x=1", f"http://localhost:{ports[1]}/form") == (
        0,
        "hello from the app\n200",
    )
    request = recorder.received()
    assert (request.method, request.body) == ("POST", b"x=1")
    gate.stdout.wait_for("127.0.0.1 POST 308")


@pytest.mark.parametrize(
    "lines",
    [
        ["GET / HTTP/1.1", "Host: evil.example/path"],
        ["GET / HTTP/1.1", "Host: a\nSet-Cookie: x=1"],
        ["GET / HTTP/1.1", "Host: user@evil.example"],
        ["GET / HTTP/1.1"],
        ["nonsense"],
    ],
)
def test_what_is_no_request_leads_nowhere(gate: Gate, ports: tuple[int, int], lines: list[str]):
    with Client(ports[1], None) as plain:
        plain.send(head(*lines))
        response = plain.response()
        assert response.status == 400
        assert response.header("location") is None
        assert response.header("set-cookie") is None
        assert plain.is_closed()


def test_nothing_stays_open(gate: Gate, ports: tuple[int, int]):
    with Client(ports[1], None) as plain:
        assert plain.get().status == 301
        assert plain.is_closed()
    with Client(ports[1], None) as plain:
        assert plain.is_closed()


def test_the_health_check_asks_it(gate: Gate, tmp_path: Path):
    assert run("healthcheck", "-c", tmp_path / "gate.yaml").stdout == "ok\n"
    assert "; redirects on 127.0.0.1:" in run("check", "-c", tmp_path / "gate.yaml").stdout
