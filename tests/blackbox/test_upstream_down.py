"""An app that is not up: a page that says so, and 502 and 504 told apart."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.gate import connect, free_port, head
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate


def test_an_app_that_does_not_listen_gets_a_502_page_that_says_so(start_gate: StartGate):
    """The connection stays good for the next request: the refusal is not the client's fault."""
    gate = start_gate(f"http://127.0.0.1:{free_port()}")
    with connect(gate.port) as connection:
        response = connection.get("/", "Accept: text/html")
        assert response.status == 502
        assert (response.header("content-type") or "").startswith("text/html")
        assert connection.get("/", "Accept: text/plain").status == 502


def test_the_log_names_the_app_that_is_down(start_gate: StartGate):
    """Whoever runs it learns which server, and why."""
    port = free_port()
    gate = start_gate(f"http://127.0.0.1:{port}")
    with connect(gate.port) as connection:
        assert connection.get().status == 502
    gate.stderr.wait_for(f"127.0.0.1:{port}.*refused|refused.*127.0.0.1:{port}")


def test_an_app_whose_name_does_not_resolve_is_502(start_gate: StartGate):
    """Names are looked up when connecting, not at the start."""
    gate = start_gate("http://app.invalid:3000")
    with connect(gate.port) as connection:
        assert connection.get().status == 502


def test_an_app_that_comes_up_later_is_used(start_gate: StartGate):
    """No restart, no reload."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    gate = start_gate(f"http://127.0.0.1:{port}")
    with connect(gate.port) as connection:
        assert connection.get().status == 502
        with socket.create_server(("127.0.0.1", port)) as app:
            connection.send(head("GET / HTTP/1.1", "Host: localhost"))
            accepted, _ = app.accept()
            with accepted:
                accepted.recv(65536)
                accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup")
                assert connection.response().body == b"up"


def test_an_app_that_does_not_answer_is_504(start_gate: StartGate):
    """``timeouts.response`` has passed without a byte."""

    async def say_nothing(connection: Connection) -> None:
        await connection.request()
        await connection.until_closed()

    with Scripted(say_nothing) as upstream:
        gate = start_gate(upstream.url, timeouts={"response": 0.5})
        with connect(gate.port) as connection:
            assert connection.get().status == 504


def test_an_app_that_does_not_accept_is_504(start_gate: StartGate):
    """``timeouts.connect`` has passed: the app's backlog is full and stays so."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        gate = start_gate(f"http://127.0.0.1:{address[1]}", timeouts={"connect": 0.5})
        with connect(gate.port) as connection:
            assert connection.get().status == 504
        for each in waiting:
            each.close()
