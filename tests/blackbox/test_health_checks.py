"""Active health checks: what fails them gets no request, and comes back when it passes them."""

from __future__ import annotations

import asyncio
import signal
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import connect, free_port
from tests.pki import server, trust
from tests.upstreams import Connection, Recorder, Scripted
from tests.upstreams.health import Checked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.gate import Gate
    from tests.gate.fixtures import StartGate

HEALTH = {"path": "/healthz", "interval": "100ms", "timeout": "1s", "fails": 2, "passes": 2}
DOWN, UP = "upstream server is down.*by=probe", "upstream server is up.*by=probe"
IDENTITY = ("x-ssl", "client-cert", "x-forwarded", "forwarded", "x-real-ip", "x-request-id")


def apps(*servers: Any, **settings: Any) -> dict[str, Any]:
    named = {"servers": [*servers], "health": HEALTH, **settings}
    return {"upstream": None, "upstreams": {"app": named}}


def code_of(gate: Gate) -> tuple[int, str]:
    with connect(gate.port) as connection:
        response = connection.get("/", "Accept: application/problem+json")
        return response.status, response.json()["code"]


def test_a_server_that_fails_its_checks_gets_no_request_until_it_passes_them(
    start_gate: StartGate,
):
    """It takes requests all the time, so nothing else would tell."""
    with Checked(b"one") as one, Checked(b"two") as two:
        gate = start_gate(**apps(one.url, two.url))
        one.is_well = False
        gate.stderr.wait_for(f"is down.*{one.port} by=probe")
        with connect(gate.port) as connection:
            assert {connection.get().body for _ in range(8)} == {b"two"}
            one.is_well = True
            gate.stderr.wait_for(UP)
            assert {connection.get().body for _ in range(8)} == {b"one", b"two"}


def test_the_only_server_that_fails_its_checks_is_a_503_at_once_and_the_page_says_so(
    start_gate: StartGate,
):
    """Without a request to it; and it comes back."""
    with Checked(b"one", is_well=False) as one:
        gate = start_gate(**apps(one.url))
        gate.stderr.wait_for(DOWN)
        one.forget()
        assert code_of(gate) == (503, "upstream_unavailable")
        gate.stderr.wait_for("upstream_unavailable.*of 1 servers 1 fail their health check")
        one.is_well = True
        gate.stderr.wait_for(UP)
        with connect(gate.port) as connection:
            assert connection.get().body == b"one"


def test_before_the_first_result_a_server_is_taken_to_be_well(start_gate: StartGate):
    """The probe hangs; requests do not wait for it."""
    with Checked(b"one", hangs=True) as one:
        gate = start_gate(**apps(one.url))
        with connect(gate.port) as connection:
            assert connection.get().body == b"one"


def test_a_server_that_is_not_there_is_down_and_one_that_comes_up_is_found(start_gate: StartGate):
    port = free_port()
    gate = start_gate(**apps(f"http://127.0.0.1:{port}"))
    gate.stderr.wait_for(f"{DOWN}.*upstream_unreachable")
    assert code_of(gate) == (503, "upstream_unavailable")
    with Checked(b"back", port=port):
        gate.stderr.wait_for(UP)
        with connect(gate.port) as connection:
            assert connection.get().body == b"back"


def test_a_probe_is_a_plain_get_of_nobody(start_gate: StartGate):
    """With the path and the host of the configuration, over a connection of its own."""
    health = {**HEALTH, "path": "/healthz?deep=1", "host": "app.internal:8080"}
    with Checked(b"one") as one:
        start_gate(**apps(one.url, health=health))
        first, second = one.received(), one.received()
        assert first.request_line == "GET /healthz?deep=1 HTTP/1.1"
        assert first.header("Host") == "app.internal:8080"
        assert first.header("Connection") == "close"
        assert not [name for name in first.names() if name.startswith(IDENTITY)]
        assert first.body == b""
        assert first.connection != second.connection


def test_without_a_host_it_is_the_servers_address(start_gate: StartGate):
    with Checked(b"one") as one:
        start_gate(**apps(one.url))
        assert one.received().header("Host") == f"127.0.0.1:{one.port}"


def test_a_unix_socket_is_probed_too(start_gate: StartGate, tmp_path: Path):
    with Checked(b"one", path=tmp_path / "app.sock") as one:
        start_gate(**apps(one.url))
        assert one.received().header("Host") == "localhost"


@pytest.mark.parametrize(("status", "is_well"), [("200-399", True), (200, False)])
def test_a_redirect_is_a_status_like_any_other_and_not_followed(
    start_gate: StartGate, status: str | int, is_well: bool
):
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with Scripted(answering(answer)) as app:
        gate = start_gate(**apps(app.url, health={**HEALTH, "status": status}))
        for _ in range(3):
            app.received()
        if is_well:
            assert "is down" not in gate.stderr.text
        else:
            gate.stderr.wait_for(f"{DOWN}.*it answered its health check with 302")


def answering(
    answer: bytes, then: Callable[[Connection], Awaitable[Any]] | None = None
) -> Callable[[Connection], Awaitable[None]]:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer)
        if then is not None:
            await then(connection)

    return script


async def hang(connection: Connection) -> None:
    await connection.until_closed()


async def trickle(connection: Connection) -> None:
    while True:
        await connection.send(b"X: y\r\n")
        await asyncio.sleep(0.05)


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param(answering(b"garbage\r\n\r\n"), "upstream_bad_response", id="garbage"),
        pytest.param(answering(b""), "upstream_bad_response", id="nothing"),
        pytest.param(answering(b"", hang), "upstream_timeout", id="hangs"),
        pytest.param(answering(OK, trickle), "upstream_timeout", id="a head without end"),
        pytest.param(
            answering(OK + b"X: " + b"y" * 70_000), "upstream_bad_response", id="a head too large"
        ),
        pytest.param(
            answering(OK + b"Content-Length: 9\r\n\r\nfour"), "upstream_bad_response", id="cut"
        ),
        pytest.param(
            answering(OK + b"Content-Length: 9\r\n\r\nfour", hang), "upstream_timeout", id="stalls"
        ),
        pytest.param(
            answering(b"HTTP/1.1 103 x\r\n\r\n" * 99), "upstream_bad_response", id="1xx flood"
        ),
        pytest.param(
            answering(b"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
            "upstream_bad_response",
            id="another protocol",
        ),
        pytest.param(
            answering(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
            "upstream_unwell",
            id="an error",
        ),
    ],
)
def test_what_is_no_good_answer_takes_the_server_out(
    start_gate: StartGate, script: Callable[[Connection], Awaitable[None]], code: str
):
    patience = "300ms" if code == "upstream_timeout" else "10s"  # a busy machine is no bad answer
    with Scripted(script) as app:
        gate = start_gate(**apps(app.url, health={**HEALTH, "timeout": patience}))
        gate.stderr.wait_for(f"{DOWN}.*code={code}")
        assert code_of(gate) == (503, "upstream_unavailable")


def test_content_without_end_is_not_read_and_proves_nothing_bad(start_gate: StartGate):
    """The status has said it all; the probe lets go after 64 KiB."""
    ended = []

    async def pour(connection: Connection) -> None:
        try:
            while True:
                await connection.send(b"x" * 65536)
        finally:
            ended.append(True)

    with Scripted(answering(OK + b"\r\n", pour)) as app:
        gate = start_gate(**apps(app.url))
        for _ in range(4):
            app.received()
        assert len(ended) >= 3
        assert "is down" not in gate.stderr.text
        assert gate.memory() < 200 << 20


def test_a_server_whose_certificate_does_not_verify_fails_its_checks(
    start_gate: StartGate, tmp_path: Path
):
    """Probes speak TLS as requests do, and for them the server is as bad."""
    with Checked(b"one", tls=serving(tmp_path)) as app:
        gate = start_gate(**apps(app.url))  # the CAs of the system
        gate.stderr.wait_for(f"{DOWN}.*upstream_tls_failed")


def test_over_tls_a_good_answer_is_one(start_gate: StartGate, tmp_path: Path):
    with Checked(b"one", tls=serving(tmp_path)) as app:
        gate = start_gate(**apps(app.url, tls={"ca": "app-ca.crt"}))
        for _ in range(3):
            app.received()
        assert "is down" not in gate.stderr.text


def serving(folder: Path) -> ssl.SSLContext:
    (folder / "app-ca.crt").write_bytes(trust().web.pem)
    files = server().write(folder, "app")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


def test_a_reload_keeps_what_probes_have_shown(start_gate: StartGate, tmp_path: Path):
    """With an interval of an hour nothing else could know so soon."""
    with Checked(b"one", is_well=False) as one, Checked(b"two") as two:
        health = {**HEALTH, "interval": "1h"}
        gate = start_gate(**apps(one.url, two.url, health=health))
        gate.stderr.wait_for(f"is down.*{one.port} by=probe")
        gate.reload()
        with connect(gate.port) as connection:
            assert {connection.get().body for _ in range(8)} == {b"two"}


def test_a_reload_that_asks_something_else_begins_anew(start_gate: StartGate, tmp_path: Path):
    with Checked(b"one", is_well=False) as one:
        gate = start_gate(**apps(one.url, health={**HEALTH, "interval": "1h"}))
        gate.stderr.wait_for(DOWN)
        path = tmp_path / "gate.yaml"
        path.write_text(path.read_text().replace("path: /healthz", "path: ''"))
        gate.reload()
        with connect(gate.port) as connection:
            assert connection.get().body == b"one"


def test_stopping_does_not_wait_for_a_probe(start_gate: StartGate):
    with Checked(b"one", hangs=True) as one:
        gate = start_gate(**apps(one.url, health={**HEALTH, "timeout": "1h"}))
        one.received()
        began = time.monotonic()
        assert gate.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 4


def test_two_hundred_servers_are_probed_without_anybody_noticing(start_gate: StartGate):
    """One is there, at one of so many addresses; refused connections are the cheapest failures."""
    with Checked(b"one") as one:
        servers = [f"http://127.0.0.{number}:{one.port}" for number in range(1, 201)]
        gate = start_gate(**apps(*servers))
        gate.stderr.wait_for(DOWN)
        with connect(gate.port) as connection:
            assert {connection.get().status for _ in range(50)} == {200}


def test_requests_go_on_while_servers_come_and_go(start_gate: StartGate):
    """One is always well: nobody is told anything else."""
    with Checked(b"one") as one, Checked(b"two") as two, Recorder(b"three") as three:
        gate = start_gate(**apps(one.url, two.url, three.url))
        with connect(gate.port) as connection:
            for number in range(6):
                one.is_well, two.is_well = number % 2 == 0, number % 3 == 0
                end = time.monotonic() + 0.25
                while time.monotonic() < end:
                    assert connection.get().status == 200
