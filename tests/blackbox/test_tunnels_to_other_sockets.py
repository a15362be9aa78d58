"""A tunnel to an app over TLS or a Unix socket is a tunnel: echo, timeout, and no false end."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import connect
from tests.pki import server, trust
from tests.upstreams import Connection, Scripted
from tests.upstreams.tunnels import switched, upgrade

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate

MANY = bytes(range(256)) * 8192  # 2 MiB


def over_tls(folder: Path) -> dict[str, Any]:
    """Return where an app listens that speaks TLS."""
    (folder / "app-ca.crt").write_bytes(trust().web.pem)
    files = server().write(folder, "app")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return {"tls": context}


def over_unix(folder: Path) -> dict[str, Any]:
    """Return where an app listens on a Unix socket."""
    return {"path": folder / "app.sock"}


@pytest.mark.parametrize("where", [over_tls, over_unix])
def test_bytes_pass_both_ways_until_the_tunnel_is_silent(
    start_gate: StartGate, tmp_path: Path, where: Any
):
    """Then the app's connection ends, and so does the client's, without a close_notify."""
    over = threading.Event()

    async def echo(connection: Connection) -> None:
        await connection.head()
        await connection.send(switched())
        try:
            while data := await connection.reader.read(1 << 16):
                await connection.send(data)
        finally:
            over.set()

    with Scripted(echo, **where(tmp_path)) as app:
        tls = {"ca": "app-ca.crt"} if where is over_tls else {}
        upstreams = {"app": {"servers": [app.url], "tls": tls}}
        timeouts = {"tunnel": 2, "shutdown": 5}
        gate = start_gate(upstream=None, upstreams=upstreams, timeouts=timeouts)
        with connect(gate.port) as connection:
            connection.send(upgrade())
            assert connection.head().startswith(b"HTTP/1.1 101 ")
            for start in range(0, len(MANY), 1 << 16):
                piece = MANY[start : start + (1 << 16)]
                connection.send(piece)
                assert connection.read(len(piece)) == piece
            with pytest.raises(ssl.SSLEOFError):
                connection.sock.recv(1)
        assert over.wait(10)
