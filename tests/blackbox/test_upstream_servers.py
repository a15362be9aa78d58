"""Several servers of one app, some of which are down: as few clients as possible notice."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.gate import connect, free_port
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate

CLIENTS, KILLS = 64, 4


def apps(*servers: Any, **settings: Any) -> dict[str, Any]:
    return {"upstream": None, "upstreams": {"app": {"servers": [*servers], **settings}}}


def test_weights_are_shares(start_gate: StartGate):
    with Recorder(b"one") as one, Recorder(b"two") as two:
        gate = start_gate(**apps({"url": one.url, "weight": 3}, two.url))
        with connect(gate.port) as connection:
            found = Counter(connection.get().body for _ in range(20))
        assert found == {b"one": 15, b"two": 5}


def test_a_server_that_is_down_costs_no_request(start_gate: StartGate):
    """Nor does it get one for ``fail_timeout``."""
    port = free_port()
    with Recorder() as app:
        gate = start_gate(**apps(f"http://127.0.0.1:{port}", app.url))
        with connect(gate.port) as connection:
            assert [connection.get().status for _ in range(5)] == [200] * 5
        gate.stderr.wait_for(f"upstream server is down.*127.0.0.1:{port}")


def test_a_server_that_comes_back_is_used_again(start_gate: StartGate):
    port = free_port()
    with Recorder() as app:
        down = f"http://127.0.0.1:{port}"
        gate = start_gate(**apps(down, app.url, health={"fail_timeout": "300ms"}))
        with connect(gate.port) as connection:
            assert connection.get().status == 200
            with Recorder(b"back", port=port):
                while connection.get().body != b"back":
                    pass
                gate.stderr.wait_for(f"upstream server is up.*127.0.0.1:{port}")


def test_when_all_were_down_the_first_that_is_back_answers_at_once(start_gate: StartGate):
    """Nobody waits until ``fail_timeout`` is over."""
    ports = [free_port() for _ in range(2)]
    gate = start_gate(**apps(*(f"http://127.0.0.1:{port}" for port in ports)))
    with connect(gate.port) as connection:
        assert connection.get().status == 502
        for port in ports:
            gate.stderr.wait_for(f"upstream server is down.*127.0.0.1:{port}")
        with Recorder(port=ports[1]):
            assert connection.get().status == 200


def test_a_client_stays_with_its_server(start_gate: StartGate):
    with Recorder(b"one") as one, Recorder(b"two") as two:
        gate = start_gate(**apps(one.url, two.url, balance="ip_hash"))
        found = set()
        for _ in range(5):
            with connect(gate.port) as connection:
                found.add(connection.get().body)
        assert len(found) == 1


APP = """
import asyncio, sys
async def serve(reader, writer):
    while await reader.readuntil(b"\\r\\n\\r\\n"):
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), reuse_address=True)
    print("up", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def kill_and_restart(port: int, over: threading.Event) -> None:
    """Run an app as a process and kill it in the middle of its work, a few times."""
    try:
        for _ in range(KILLS):
            command = [sys.executable, "-c", APP, str(port)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as app:
                assert app.stdout
                assert app.stdout.readline() == b"up\n"
                over.wait(0.2)
                app.kill()
    finally:
        over.set()


class Dying(Scripted):
    """An app that answers, except that every few requests it drops the connection instead."""

    def __init__(self, every: int) -> None:
        numbers = itertools.count(1)

        async def script(connection: Connection) -> None:
            while True:
                await connection.request()
                if next(numbers) % every == 0:
                    await connection.reset()
                    return
                await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        super().__init__(script)


def test_no_request_that_is_safe_to_repeat_is_lost_while_servers_die(start_gate: StartGate):
    """64 clients; one server is killed and started again, one drops connections, one is well."""
    port = free_port()
    over = threading.Event()

    def ask(http_port: int) -> Counter[int]:
        with connect(http_port) as connection:
            statuses = (connection.get().status for _ in iter(over.is_set, True))
            return Counter(statuses)

    with (
        Recorder() as steady,
        Dying(every=5) as dying,
        ThreadPoolExecutor(CLIENTS + 1) as threads,
    ):
        servers = [f"http://127.0.0.1:{port}", dying.url, steady.url]
        gate = start_gate(**apps(*servers, health={"fail_timeout": "50ms"}))
        killing = threads.submit(kill_and_restart, port, over)
        answers = sum(threads.map(ask, [gate.port] * CLIENTS), Counter())
        killing.result()
    assert set(answers) == {200}
