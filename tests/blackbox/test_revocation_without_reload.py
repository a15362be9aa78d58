"""A newer revocation list comes into force by itself; a damaged or older one never does."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from tests.gate import Client, connect, context, head, revoke
from tests.pki import crl_pem, impostor, trust
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gate.fixtures import StartGate

UPGRADE = head("GET /ws HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket")
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def test_a_newer_list_counts_on_an_open_connection(start_gate: StartGate, tmp_path: Path):
    """No reload, no signal: the file alone."""
    victim = trust().root.client("victim")
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port, victim) as connection, connect(gate.port) as other:
            assert connection.get().status == 200
            revoke(tmp_path, victim)
            gate.stderr.wait_for("crl taken")
            response = connection.get("/", "Accept: application/problem+json")
            assert response.json()["code"] == "certificate_revoked"
            assert other.get().status == 200


def test_the_tunnel_of_a_revoked_client_is_cut_and_nobody_elses(
    start_gate: StartGate, tmp_path: Path
):
    """An open WebSocket is no way to stay inside."""
    victim = trust().root.client("victim")

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(SWITCHED)
        while data := await connection.reader.read(1024):
            await connection.send(data)

    with Scripted(script) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port, victim) as tunnel, connect(gate.port) as other:
            for one in (tunnel, other):
                one.send(UPGRADE)
                assert one.head().startswith(b"HTTP/1.1 101 ")
            revoke(tmp_path, victim)
            assert tunnel.is_closed()
            other.send(b"hello")
            assert other.read(5) == b"hello"


def test_the_event_stream_of_a_revoked_client_is_cut_and_nobody_elses(
    start_gate: StartGate, tmp_path: Path
):
    """Events would go on for as long as the app sends them."""
    victim = trust().root.client("victim")
    release = threading.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n"
        )
        await asyncio.to_thread(release.wait, 10)
        await connection.send(b"data: last\n\n")

    with Scripted(script) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port, victim) as stream, connect(gate.port) as other:
            for one in (stream, other):
                one.send(head("GET / HTTP/1.1", "Host: localhost", "Connection: close"))
                assert b"text/event-stream" in one.head()
            revoke(tmp_path, victim)
            cut = stream.rest()
            release.set()
            assert b"data: first" in cut
            assert not cut.endswith(b"0\r\n\r\n"), "a cut stream must not look complete"
            assert other.rest().endswith(b"data: last\n\n\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("damage", "event"),
    [
        (lambda path: path.unlink(), "crl not taken"),
        (lambda path: path.write_bytes(b""), "crl not taken"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "crl not taken"),
        (lambda path: path.write_bytes(b"not a list\n"), "crl not taken"),
        (lambda path: path.write_bytes(crl_pem(impostor().crl())), "crl not usable"),
    ],
    ids=["deleted", "emptied", "cut", "garbage", "forged"],
)
def test_a_damaged_list_changes_nothing(
    start_gate: StartGate, tmp_path: Path, damage: Callable[[Path], object], event: str
):
    """The last good list stays: the revoked stay out, the others stay in, and the log tells."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        damage(tmp_path / "crl.pem")
        gate.stderr.wait_for(event)
        with connect(gate.port, "revoked") as stranger:
            assert stranger.get("/", "Accept: application/problem+json").json()["code"] == (
                "certificate_revoked"
            )
        with connect(gate.port) as other:
            assert other.get().status == 200


def test_an_older_list_does_not_bring_a_revoked_client_back(start_gate: StartGate, tmp_path: Path):
    """Somebody puts back the file of yesterday, by mistake or not; a reload changes nothing."""
    victim = trust().root.client("victim")
    file = tmp_path / "crl.pem"
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        yesterday = file.read_bytes()
        revoke(tmp_path, victim)
        gate.stderr.wait_for("crl taken")
        tls = context(victim)
        for put_back in (lambda: file.write_bytes(yesterday), gate.reload):
            put_back()
            with Client(gate.port, tls) as connection:
                response = connection.get("/", "Accept: application/problem+json")
                assert response.json()["code"] == "certificate_revoked"
