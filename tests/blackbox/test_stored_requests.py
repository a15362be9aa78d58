"""``buffering.requests``: an app is asked when the request is complete, and not before."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import connect, free_port, head
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from tests.gate import Client, Gate
    from tests.gate.fixtures import StartGate

MIB = 1 << 20
BLOCK = os.urandom(MIB)


def storing(*servers: str, **buffering: Any) -> dict[str, Any]:
    app = {"servers": [*servers], "buffering": {"requests": True, **buffering}}
    return {"upstream": None, "upstreams": {"app": app}, "limits": {"body": "1GiB"}}


def post(connection: Client, *lines: str, method: str = "POST", body: bytes = b"") -> None:
    connection.send(head(f"{method} / HTTP/1.1", "Host: localhost", *lines) + body)


def files_of(gate: Gate) -> int:
    """Return how many nameless files the gate has open."""
    count = 0
    for path in Path(f"/proc/{gate.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed just now
            count += str(path.readlink()).endswith("(deleted)")
    return count


def no_file_is_left(gate: Gate) -> None:
    """Fail unless the last file goes soon: the response may arrive a moment before."""
    deadline = time.monotonic() + 10
    while files_of(gate):
        assert time.monotonic() < deadline, "the gate keeps a file of a request that is over"


def test_slow_clients_hold_no_connection_to_the_app(start_gate: StartGate):
    """Twenty of them, and the app has one connection: that of the one who is quick."""
    with Recorder() as app:
        gate = start_gate(**storing(app.url))
        slow = [connect(gate.port) for _ in range(20)]
        for each in slow:
            post(each, "Content-Length: 10", body=b"01234")
        with connect(gate.port) as quick:
            assert quick.get().status == 200
        assert app.connections == 1
        app.received()
        for each in slow:
            each.send(b"56789")
            assert each.response().status == 200
            assert app.received().body == b"0123456789"
            each.close()


def test_chunks_arrive_with_a_length(start_gate: StartGate):
    """Many apps cannot read them."""
    with Recorder() as app:
        gate = start_gate(**storing(app.url))
        with connect(gate.port) as connection:
            post(connection, "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n")
            connection.send(b"2\r\nde\r\n0\r\n\r\n")
            assert connection.response().status == 200
        received = app.received()
        assert received.header("Content-Length") == "5"
        assert received.header("Transfer-Encoding") is None
        assert received.body == b"abcde"


def test_a_client_that_waits_for_100_gets_it_from_the_gate(start_gate: StartGate):
    with Recorder() as app:
        gate = start_gate(**storing(app.url))
        with connect(gate.port) as connection:
            post(connection, "Content-Length: 2", "Expect: 100-continue")
            assert connection.head().startswith(b"HTTP/1.1 100 ")
            assert app.connections == 0
            connection.send(b"ok")
            assert connection.response().status == 200


def test_content_goes_to_the_next_server_when_the_first_is_not_there(start_gate: StartGate):
    with Recorder() as app:
        gate = start_gate(**storing(f"http://127.0.0.1:{free_port()}", app.url, memory=0))
        with connect(gate.port) as connection:
            for number in range(4):
                post(connection, "Content-Length: 5", body=b"post%d" % number)
                assert connection.response().status == 200
                assert app.received().body == b"post%d" % number


def test_a_put_is_sent_again_as_a_whole_when_a_server_dies_under_it(start_gate: StartGate):
    async def die(connection: Connection) -> None:
        await connection.head()
        await connection.reader.readexactly(MIB // 2)
        await connection.reset()

    with Scripted(die) as dying, Recorder() as app:
        gate = start_gate(**storing(dying.url, app.url))
        with connect(gate.port) as connection:
            for _ in range(3):
                post(connection, f"Content-Length: {MIB}", method="PUT", body=BLOCK)
                assert connection.response().status == 200
                assert app.received().body == BLOCK


def test_large_content_is_on_disk_without_a_name_and_gone_afterwards(
    start_gate: StartGate, tmp_path: Path
):
    """Every byte of 64 MiB arrives; the memory stays where it was."""
    size = 64

    async def digest(connection: Connection) -> None:
        await connection.head()
        seen = hashlib.sha256()
        for _ in range(size):
            seen.update(await connection.reader.readexactly(MIB))
        answer = seen.hexdigest().encode()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + answer)

    folder = tmp_path / "spool"
    folder.mkdir()
    with Scripted(digest) as app:
        gate = start_gate(**storing(app.url, folder=str(folder)))
        before = gate.memory()
        with connect(gate.port) as connection:
            post(connection, f"Content-Length: {size * MIB}")
            for number in range(size):
                if number == size - 1:
                    assert files_of(gate) == 1
                    assert list(folder.iterdir()) == []
                connection.send(BLOCK)
            answer = connection.response().body
        assert answer == hashlib.sha256(BLOCK * size).hexdigest().encode()
        no_file_is_left(gate)
        assert gate.memory() - before < 16 * MIB


def test_nothing_is_left_behind_by_a_gate_that_is_killed(start_gate: StartGate, tmp_path: Path):
    folder = tmp_path / "spool"
    folder.mkdir()
    with Recorder() as app:
        gate = start_gate(**storing(app.url, folder=str(folder), memory=0))
        with connect(gate.port) as connection:
            post(connection, "Content-Length: 10", "Expect: 100-continue")
            connection.head()
            connection.send(b"01234")
            while files_of(gate) == 0:
                pass
            gate.kill()
        assert list(folder.iterdir()) == []


def test_a_client_that_leaves_takes_its_file_along(start_gate: StartGate):
    with Recorder() as app:
        gate = start_gate(**storing(app.url, memory=0), access_log={"path": "-"})
        with connect(gate.port) as connection:
            post(connection, "Content-Length: 10", body=b"01234")
            while files_of(gate) == 0:
                pass
        gate.stdout.wait_for('" 499 ')
        no_file_is_left(gate)
        assert app.connections == 0


def test_a_full_disk_is_a_507_and_others_go_on(start_gate: StartGate):
    """A limit on the size of files stands for the full disk: the same error, from the same call."""
    limited = ["sh", "-c", 'ulimit -f 2048 && exec "$0" "$@"']  # blocks of 512 bytes
    with Recorder() as app:
        gate = start_gate(**storing(app.url), launcher=limited)
        with connect(gate.port) as connection:
            post(connection, f"Content-Length: {8 * MIB}", "Accept: application/problem+json")
            with contextlib.suppress(OSError):  # the gate lets go after a while
                for _ in range(8):
                    connection.send(BLOCK)
            response = connection.response()
            assert (response.status, response.json()["code"]) == (507, "body_not_stored")
        gate.stderr.wait_for("error.*cannot be stored.*File too large")
        no_file_is_left(gate)
        assert app.connections == 0
        with connect(gate.port) as connection:
            post(connection, "Content-Length: 2", body=b"ok")
            assert connection.response().status == 200


def test_content_beyond_the_limit_is_a_413_and_no_file_stays(start_gate: StartGate):
    with Recorder() as app:
        gate = start_gate(**{**storing(app.url, memory=0), "limits": {"body": MIB}})
        with connect(gate.port) as connection:
            post(connection, "Transfer-Encoding: chunked", body=b"200000\r\n" + BLOCK + b"x")
            assert connection.response().status == 413
        no_file_is_left(gate)
        assert app.connections == 0


def test_an_answer_before_the_end_leaves_the_client_its_connection(start_gate: StartGate):
    """The client has sent everything, whatever the app has read of it."""

    async def refuse(connection: Connection) -> None:
        request = await connection.head()
        if request.method == "GET":
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        await connection.send(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
        await connection.until_closed()

    with Scripted(refuse) as app:
        gate = start_gate(**storing(app.url))
        with connect(gate.port) as connection:
            post(connection, f"Content-Length: {16 * MIB}")
            for _ in range(16):
                connection.send(BLOCK)
            assert connection.response().status == 401
            assert connection.get().body == b"ok"


@pytest.mark.slow
def test_memory_is_bounded_with_many_who_send_slowly(start_gate: StartGate):
    """400 with 512 KiB each: 200 MiB of content, of which 64 MiB may be in memory.

    What a connection costs that has received much at once comes on top, as without storing.
    """
    clients, size = 400, 512 * 1024
    with Recorder() as app:
        gate = start_gate(**storing(app.url, memory="1MiB"))
        waiting = [connect(gate.port) for _ in range(clients)]
        before = gate.memory()
        for each in waiting:
            post(each, f"Content-Length: {size + 1}", body=BLOCK[:size])
        while files_of(gate) < clients - 128:
            pass
        assert gate.memory() - before < 64 * MIB + clients * 400 * 1024
        assert app.connections == 0
        for each in waiting:
            each.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            each.close()
