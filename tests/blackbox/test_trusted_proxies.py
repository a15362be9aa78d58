"""Behind a proxy that speaks HTTP: who the client is, and who may say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gate import Client, connect, context, settings, write
from tests.pki import client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gate import Nginx
    from tests.gate.fixtures import StartGate
    from tests.upstreams import Recorder

SPOOF = (
    "X-Forwarded-For: 203.0.113.9",
    "X-Real-IP: 203.0.113.9",
    "X-Forwarded-Proto: http",
    "Forwarded: for=203.0.113.9",
    "X-Request-ID: chosen",
    "X-SSL-Client-CN: admin",
    "Client-Cert: :AAAA:",
)
# It shows a client certificate of its own, as every client of the gate does.
NGINX = """
server {{
    listen 127.0.0.1:{{port}};
    location / {{
        proxy_pass https://127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_ssl_certificate {files.certificate};
        proxy_ssl_certificate_key {files.key};
        proxy_set_header Host app.example;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto http;
        proxy_set_header X-Request-ID $request_id;
    }}
}}
"""


def test_nginx_in_front(
    start_gate: StartGate,
    start_nginx: Callable[[str], Nginx],
    recorder: Recorder,
    tmp_path: Path,
):
    """Over one connection of nginx's come requests of several clients."""
    gate = start_gate(
        recorder.url, trusted_proxies="127.0.0.1", access_log={"format": "[$remote_addr]"}
    )
    files = client("good").write(tmp_path, "nginx")
    front = start_nginx(NGINX.format(port=gate.port, files=files))
    for source in ("127.0.0.2", "127.0.0.3"):
        with Client(front.port, None, source=source) as connection:
            assert connection.get("/", "X-Forwarded-For: 1.1.1.1").status == 200
        request = recorder.received()
        assert request.header("x-forwarded-for") == f"1.1.1.1, {source}, 127.0.0.1"
        assert request.header("x-real-ip") == source
        assert request.header("x-forwarded-proto") == "http"
        assert request.header("x-ssl-client-verify") == "SUCCESS"
        assert len(request.header("x-request-id") or "") == 32
        gate.stdout.wait_for(rf"\[{source}\]")


def test_others_are_not_believed(start_gate: StartGate, recorder: Recorder):
    """Everything that could be taken for the word of a proxy is made anew."""
    gate = start_gate(recorder.url, trusted_proxies=["127.0.0.2", "10.0.0.0/8"])
    with connect(gate.port) as connection:
        assert connection.get("/", *SPOOF).status == 200
    request = recorder.received()
    assert request.header("x-forwarded-for") == request.header("x-real-ip") == "127.0.0.1"
    assert request.header("x-forwarded-proto") == "https"
    assert request.header("forwarded") is None
    assert request.header("x-request-id") != "chosen"


def test_a_trusted_proxy_tells_no_identities(start_gate: StartGate, recorder: Recorder):
    gate = start_gate(recorder.url, trusted_proxies="127.0.0.0/8")
    with connect(gate.port) as connection:
        answer = connection.get("/", *SPOOF)
        assert answer.status == 200
    request = recorder.received()
    assert request.header("x-real-ip") == "203.0.113.9"
    assert request.header("x-request-id") == "chosen"
    assert request.header("x-ssl-client-cn") == "alice"
    assert request.header("client-cert") != ":AAAA:"


def test_trust_that_a_reload_takes_away_is_gone_at_once(
    start_gate: StartGate, recorder: Recorder, tmp_path: Path
):
    gate = start_gate(recorder.url, trusted_proxies="127.0.0.1")
    with connect(gate.port) as connection:
        connection.get("/", *SPOOF)
        assert recorder.received().header("x-real-ip") == "203.0.113.9"
        write(tmp_path, settings(tmp_path, recorder.url))
        gate.reload()
        connection.get("/", *SPOOF)
        assert recorder.received().header("x-real-ip") == "127.0.0.1"


def test_a_peer_on_a_unix_socket_is_trusted_by_name(
    start_gate: StartGate, recorder: Recorder, tmp_path: Path
):
    import socket

    path = tmp_path / "gate.sock"
    start_gate(recorder.url, listen=f"unix:{path}", trusted_proxies="unix:")
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(20)
    raw.connect(str(path))
    tls = context("good").wrap_socket(raw, server_hostname="localhost")
    with Client.over(tls) as connection:
        assert connection.get("/", "X-Forwarded-For: 203.0.113.9").status == 200
    request = recorder.received()
    assert request.header("x-forwarded-for") == request.header("x-real-ip") == "203.0.113.9"
