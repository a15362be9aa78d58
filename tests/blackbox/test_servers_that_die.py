"""64 clients while the app's servers are killed and started again: nothing that may be repeated is
lost, and nothing else is done twice."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from tests.gate import context, free_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from tests.gate.fixtures import StartGate

CLIENTS, SERVERS, KILLINGS = 64, 4, 12
SEED = 20261112
METHODS = ("GET", "GET", "PUT", "DELETE", "POST")

# It notes each POST before it answers, in a way that survives SIGKILL.
APP = """
import asyncio, os, sys
done = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
async def serve(reader, writer):
    try:
        while head := await reader.readuntil(b"\\r\\n\\r\\n"):
            method, target, _ = head.split(b" ", 2)
            if method == b"POST":
                await reader.readexactly(4)
                os.write(done, target + b"\\n")
            body = method + target
            head = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
            writer.write(head + body)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), reuse_address=True)
    print("up", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class App:
    """One server of the app: a process that dies and comes back on the same port."""

    def __init__(self, done: Path) -> None:
        self.port = free_port()
        self._done = done
        self._process: asyncio.subprocess.Process

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", APP, str(self.port), self._done, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout
        assert await self._process.stdout.readline() == b"up\n"

    async def kill(self) -> None:
        """SIGKILL: whatever it has under way is lost."""
        self._process.kill()
        await self._process.wait()


@dataclass(slots=True)
class Answer:
    """What a client got for one request."""

    method: str
    target: str
    status: int
    is_own: bool


@dataclass(slots=True)
class Crowd:
    """The clients' progress.

    Attributes:
        answers: all of them.
        over: no further request shall be sent.
    """

    answers: list[Answer] = field(default_factory=list)
    over: bool = False
    _sent: list[int] = field(default_factory=lambda: [0] * CLIENTS)
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def note(self, client: int, answer: Answer) -> None:
        """Keep an answer."""
        self.answers.append(answer)
        self._sent[client] += 1
        async with self._moved:
            self._moved.notify_all()

    async def have_been_answered(self, times: int) -> None:
        """Wait until every client has so many more answers."""
        goal = [sent + times for sent in self._sent]
        async with self._moved:
            await self._moved.wait_for(
                lambda: all(sent >= wanted for sent, wanted in zip(self._sent, goal, strict=True))
            )


async def keep_asking(crowd: Crowd, number: int, port: int, tls: ssl.SSLContext) -> None:
    """Send one request after the other over a kept connection until the crowd is over."""
    random = Random(SEED + number)
    numbers = count()
    while not crowd.over:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname="localhost", ssl_handshake_timeout=30
        )
        is_kept = True
        while is_kept and not crowd.over:
            method, target = random.choice(METHODS), f"/{number}/{next(numbers)}"
            status, fields, body = await ask(reader, writer, method, target)
            is_own = body == f"{method}{target}".encode()
            await crowd.note(number, Answer(method, target, status, is_own))
            is_kept = b"connection: close" not in fields
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, target: str
) -> tuple[int, bytes, bytes]:
    """Send a request and return status, fields in lower case, and content of the answer."""
    length = {"POST": "Content-Length: 4\r\n", "PUT": "Content-Length: 0\r\n"}.get(method, "")
    content = "text" if method == "POST" else ""
    writer.write(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n{content}".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    return int(head.split(b" ")[1]), head, await reader.readexactly(size)


async def kill_at_random(apps: list[App], crowd: Crowd) -> None:
    """Kill up to all but one, again and again, and start them again.

    Each time everybody gets an answer before the next ones die: a request that meets only servers
    which die under it is lost by right.
    """
    random = Random(SEED)
    for _ in range(KILLINGS):
        victims = random.sample(apps, random.randint(1, SERVERS - 1))
        for victim in victims:
            await victim.kill()
        await crowd.have_been_answered(random.randint(1, 3))
        for victim in victims:
            await victim.start()
        await crowd.have_been_answered(random.randint(1, 3))


async def run(apps: list[App], start: Callable[[], int]) -> list[Answer]:
    """Let the clients ask while the servers die; return all answers."""
    for app in apps:
        await app.start()
    try:
        crowd, tls, port = Crowd(), context("good"), await asyncio.to_thread(start)
        async with asyncio.TaskGroup() as tasks:
            for number in range(CLIENTS):
                tasks.create_task(keep_asking(crowd, number, port, tls))
            await kill_at_random(apps, crowd)
            crowd.over = True
    finally:
        for app in apps:
            await app.kill()
    return crowd.answers


def test_no_request_that_is_safe_to_repeat_is_lost_and_no_other_is_done_twice(
    start_gate: StartGate, tmp_path: Path
):
    """With the default ``health``: a server that was killed a moment ago may be the only one."""
    done = tmp_path / "done"
    done.touch()
    apps = [App(done) for _ in range(SERVERS)]
    servers = [f"http://127.0.0.1:{app.port}" for app in apps]
    gates = []

    def start() -> int:
        gates.append(start_gate(upstream=None, upstreams={"app": {"servers": servers}}))
        return gates[0].port

    answers = asyncio.run(run(apps, start))
    repeatable = [answer for answer in answers if answer.method != "POST"]
    assert [answer for answer in repeatable if answer.status != 200 or not answer.is_own] == []
    assert_posts_are_done_once([answer for answer in answers if answer.method == "POST"], done)
    gates[0].stderr.wait_for("upstream server is down")
    gates[0].stderr.wait_for("upstream server is up")


def assert_posts_are_done_once(posts: list[Answer], done: Path) -> None:
    """One that succeeded was done once, any other once or not at all."""
    times = Counter(done.read_text().split())
    assert {post.status for post in posts} <= {200, 502, 504}
    for post in posts:
        if post.status == 200:
            assert post.is_own
            assert times[post.target] == 1
        else:
            assert times[post.target] <= 1
