"""Behind a load balancer that passes connections on: its PROXY header tells the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import Client, context, curl, free_port, run, settings, write
from tests.unit.forward.proxy_headers import v1, v2_tcp4

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gate import Gate, Haproxy
    from tests.gate.fixtures import StartGate
    from tests.upstreams import Recorder

    StartBalancer = Callable[[str], Haproxy]

# Loopback, but not the balancer's address.
STRANGER = "127.0.0.2"


def behind(start_gate: StartGate, upstream: str, **changes: Any) -> Gate:
    keys = {"address": "127.0.0.1:0", "proxy_protocol": True}
    return start_gate(
        upstream,
        listen=[keys],
        **{"trusted_proxies": "127.0.0.1", "access_log": {"format": "[$remote_addr]"}, **changes},
    )


def start(gate: Gate, *pieces: bytes, source: str | None = None) -> Client:
    """Connect, and send this before TLS."""
    made = Client(gate.port, None, source=source)
    for piece in pieces:
        made.send(piece)
    return made


def secured(plain: Client, who: str = "good") -> Client:
    """Go on over TLS."""
    tls = context(who).wrap_socket(plain.sock, server_hostname="localhost")
    return Client.over(tls)


@pytest.mark.parametrize(
    "options",
    [
        "send-proxy",
        "send-proxy-v2",
        "send-proxy-v2 proxy-v2-options crc32c,unique-id",
        "check send-proxy-v2",  # its health checks are LOCAL connections
    ],
)
def test_haproxy_tells_whom_it_connects_for(
    start_gate: StartGate, start_balancer: StartBalancer, recorder: Recorder, options: str
):
    """The client is 127.0.0.3, as far as anybody behind can see."""
    gate = behind(start_gate, recorder.url)
    balancer = start_balancer(f"127.0.0.1:{gate.port} {options}")
    with Client(balancer.port, context("good"), source="127.0.0.3") as connection:
        assert connection.get("/").status == 200
        request = recorder.received()
        assert request.header("x-forwarded-for") == request.header("x-real-ip") == "127.0.0.3"
        assert request.header("x-forwarded-port") == str(balancer.port)
    gate.stdout.wait_for(r"\[127\.0\.0\.3\]")


def test_haproxy_over_a_unix_socket(
    start_gate: StartGate, start_balancer: StartBalancer, recorder: Recorder, tmp_path: Path
):
    """A peer that has no address is trusted by the name unix: alone."""
    path = tmp_path / "gate.sock"
    start_gate(
        recorder.url,
        listen=[{"address": f"unix:{path}", "proxy_protocol": True}],
        trusted_proxies="unix:",
    )
    balancer = start_balancer(f"unix@{path} send-proxy-v2")
    with Client(balancer.port, context("good"), source="127.0.0.3") as connection:
        assert connection.get("/").status == 200
        assert recorder.received().header("x-real-ip") == "127.0.0.3"


def test_a_refusal_is_logged_with_the_clients_address(
    start_gate: StartGate, start_balancer: StartBalancer
):
    gate = behind(start_gate, "http://127.0.0.1:9")
    balancer = start_balancer(f"127.0.0.1:{gate.port} send-proxy")
    with Client(balancer.port, context("expired"), source="127.0.0.3") as connection:
        assert connection.get("/").status == 403
    gate.stdout.wait_for(r"\[127\.0\.0\.3\]")
    gate.stderr.wait_for(r"certificate refused.*client=127\.0\.0\.3")


def test_curl_speaks_it(start_gate: StartGate, recorder: Recorder, tmp_path: Path):
    gate = behind(start_gate, recorder.url)
    where = ["--resolve", f"localhost:{gate.port}:127.0.0.1", gate.url()]
    assert curl(tmp_path, "--haproxy-protocol", *where) == (0, "hello from the app\n200")
    assert recorder.received().header("x-real-ip") == "127.0.0.1"
    code, _ = curl(tmp_path, *where)
    assert code, "without a header the connection is closed"


@pytest.mark.parametrize("header", [v1(), v2_tcp4()], ids=["v1", "v2"])
def test_a_header_from_somebody_else_is_closed(
    start_gate: StartGate, recorder: Recorder, header: bytes
):
    gate = behind(start_gate, recorder.url)
    with start(gate, header, source=STRANGER) as plain:
        assert plain.rest() == b""
    gate.stderr.wait_for(r"PROXY header refused.*not among trusted_proxies.*peer=127\.0\.0\.2")
    assert recorder.nothing_received()


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\0\x01", b"PROXY TCP4 1 2 3 4\r\n"],
)
def test_what_is_no_header_is_closed_without_an_answer(start_gate: StartGate, data: bytes):
    gate = behind(start_gate, "http://127.0.0.1:9")
    with start(gate, data) as plain:
        assert plain.rest() == b""
    gate.stderr.wait_for("PROXY header refused")


def test_a_second_header_is_closed(start_gate: StartGate):
    """A client behind the balancer writes one of its own."""
    gate = behind(start_gate, "http://127.0.0.1:9")
    with start(gate, v1() + v1("1.1.1.1")) as plain:
        assert plain.rest() == b""
    gate.stderr.wait_for(r"handshake failed.*unexpected proxy_protocol.*client=203\.0\.113\.9")


def test_a_header_inside_of_tls_is_a_bad_request(start_gate: StartGate, recorder: Recorder):
    gate = behind(start_gate, recorder.url)
    with secured(start(gate, v1())) as connection:
        connection.send(v1("1.1.1.1") + b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.response().status == 400
    gate.stdout.wait_for(r"\[203\.0\.113\.9\]")
    assert recorder.nothing_received()


def test_a_listener_without_it_takes_none(start_gate: StartGate):
    """Also not from a trusted proxy; the log says what was forgotten."""
    gate = start_gate(trusted_proxies="127.0.0.1")
    with start(gate, v2_tcp4()) as plain:
        assert plain.rest() == b""
    gate.stderr.wait_for("unexpected proxy_protocol")


def test_one_byte_at_a_time(start_gate: StartGate, recorder: Recorder):
    gate = behind(start_gate, recorder.url)
    header = v2_tcp4()
    plain = start(gate, *(header[at : at + 1] for at in range(len(header))))
    with secured(plain) as connection:
        assert connection.get().status == 200
    assert recorder.received().header("x-real-ip") == "203.0.113.9"


def test_who_says_nothing_is_dropped(start_gate: StartGate):
    """Header and handshake have one deadline together."""
    gate = behind(start_gate, "http://127.0.0.1:9", timeouts={"handshake": "500ms"})
    with start(gate, b"PROXY ") as plain:
        assert plain.rest() == b""
    gate.stderr.wait_for("PROXY header refused.*timeout")


def test_a_reload_switches_it(start_gate: StartGate, recorder: Recorder, tmp_path: Path):
    """The socket stays; what is spoken on it changes for connections that come later."""
    port = free_port()
    gate = start_gate(recorder.url, listen=f"127.0.0.1:{port}")
    with Client(port, context("good")) as before:
        assert before.get().status == 200
        listen = [{"address": f"127.0.0.1:{port}", "proxy_protocol": True}]
        write(
            tmp_path,
            settings(tmp_path, recorder.url, listen=listen, trusted_proxies="127.0.0.1"),
        )
        gate.reload()
        assert before.get().status == 200
    recorder.forget()
    with secured(start(gate, v1())) as connection:
        assert connection.get().status == 200
    assert recorder.received().header("x-real-ip") == "203.0.113.9"


def test_the_health_check_speaks_it(start_gate: StartGate, tmp_path: Path):
    """Also where the own machine is not trusted; it says nothing about anybody."""
    port = free_port()
    start_gate(
        listen=[{"address": f"127.0.0.1:{port}", "proxy_protocol": True}],
        trusted_proxies="10.0.0.0/8",
    )
    done = run("healthcheck", "-c", tmp_path / "gate.yaml")
    assert (done.returncode, done.stdout) == (0, "ok\n"), done


def test_the_address_is_not_ours_to_believe_from_a_socket_that_others_can_open(tmp_path: Path):
    """Misconfigured gates do not start."""
    listen = [{"address": f"unix:{tmp_path}/gate.sock", "proxy_protocol": True}]
    path = write(tmp_path, settings(tmp_path, listen=listen, trusted_proxies="127.0.0.1"))
    done = run("check", "-c", path)
    assert done.returncode == 1
    assert "has to name unix:" in done.stderr
