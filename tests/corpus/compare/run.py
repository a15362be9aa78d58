"""All cases through one proxy, many at a time."""

from __future__ import annotations

import contextlib
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.corpus.compare.proxies import PROXIES
from tests.corpus.compare.reading import Reading, read_requests, read_responses
from tests.corpus.compare.upstreams import Answering, Keeping, pieces
from tests.gate import Client, context, head
from tests.upstreams import Scripted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.corpus.cases import Case

_AT_ONCE = 48


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one case led to.

    Attributes:
        sent: every byte that the proxy sent to the client.
        client: what h11 reads there.
        raw: every byte that the app received, by connection.
        app: what h11 reads there.
    """

    sent: bytes
    client: Reading
    raw: tuple[bytes, ...] = ()
    app: tuple[Reading, ...] = ()


def requests(name: str, cases: Sequence[Case], *, in_pieces: bool = False) -> list[Exchange]:
    """Send every case through this proxy to an app that keeps what it gets.

    Args:
        name: of the proxy.
        cases: of the corpus' requests.
        in_pieces: each byte in a TLS record and a segment of its own.
    """
    app = Keeping()
    tls = context("good")

    def send(number: int) -> bytes:
        data = cases[number].data
        return _send(port, tls, _address(number), pieces(data) if in_pieces else [data])

    with (
        TemporaryDirectory(prefix="certgate-corpus-") as folder,
        Scripted(app) as upstream,
        PROXIES[name](Path(folder), upstream.port) as port,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        sent = list(pool.map(send, range(len(cases))))
    assert "" not in app.kept, app.kept[""]
    return [
        Exchange(
            sent[number],
            read_responses(sent[number], _methods(case)),
            tuple(app.kept[_address(number)]),
            tuple(map(read_requests, app.kept[_address(number)])),
        )
        for number, case in enumerate(cases)
    ]


def _address(number: int) -> str:
    """Return an address of the loopback network that is this case's own."""
    return f"127.7.{number // 250}.{number % 250 + 1}"


def _methods(case: Case) -> list[bytes]:
    """Return the methods of the requests that a client meant to send."""
    return [b"HEAD"] if case.data.lstrip(b"\r\n").startswith(b"HEAD ") else []


def _send(port: int, tls: ssl.SSLContext, source: str, parts: list[bytes]) -> bytes:
    with Client(port, tls, source=source) as client:
        # Who is refused in the middle of it may find the connection closed.
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for part in parts:
                client.send(part)
        return client.rest()


def responses(name: str, cases: Sequence[Case], *, in_pieces: bool = False) -> list[Exchange]:
    """Ask this proxy for every case, and for something well on the same connection.

    Args:
        name: of the proxy.
        cases: of the corpus' responses.
        in_pieces: the app writes each byte by itself.
    """
    tls = context("good")

    def ask(number: int) -> Exchange:
        return _ask(port, tls, number, cases[number])

    with (
        TemporaryDirectory(prefix="certgate-corpus-") as folder,
        Scripted(Answering(cases, in_pieces=in_pieces)) as upstream,
        PROXIES[name](Path(folder), upstream.port) as port,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        return list(pool.map(ask, range(len(cases))))


def _ask(port: int, tls: ssl.SSLContext, number: int, case: Case) -> Exchange:
    methods = [case.method, b"GET"]
    upgrade = ["Connection: upgrade", "Upgrade: websocket"] * (b" 101 " in case.data[:13])
    sent = b""
    with Client(port, tls) as client:
        client.send(head(f"{case.method.decode()} /case/{number} HTTP/1.1", "Host: a", *upgrade))
        while not read_responses(sent, methods, ended=False).messages:
            if not (data := _some(client)):
                break
            sent += data
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            client.send(head("GET /well HTTP/1.1", "Host: a", "Connection: close"))
        sent += client.rest()
    return Exchange(sent, read_responses(sent, methods))


def _some(client: Client) -> bytes:
    try:
        return client.sock.recv(65536)
    except (ConnectionError, ssl.SSLError):
        return b""
