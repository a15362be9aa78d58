"""SIGHUP: a good file is in force at once, a broken one changes nothing and is reported."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.gate import Client, connect, context, head, settings, write
from tests.pki import stranger, trust
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate

BROKEN: dict[str, str] = {
    "YAML typo": "listen: [127.0.0.1:0\n",
    "unknown key": "lisen: 127.0.0.1:0\n",
    "empty file": "",
    "missing key file": "tls: {certificate: server.crt, private_key: nowhere.key}\n",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_changes_nothing(start_gate: StartGate, tmp_path: Path, fault: str):
    """Open and new connections are served as before, and one line tells what is wrong."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            assert connection.get().status == 200
            (tmp_path / "gate.yaml").write_text(BROKEN[fault], encoding="utf-8")
            gate.reload(expect="(?i)reload.*(fail|refus|not|keep|unchanged|error)")
            assert connection.get().status == 200
        with connect(gate.port) as connection:
            assert connection.get().status == 200
        with connect(gate.port, "none") as connection:
            assert connection.get().status == 403


def test_an_emptied_ca_file_admits_nobody_new(start_gate: StartGate, tmp_path: Path):
    """A half-written CA file must not open the gate."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        (tmp_path / "ca.crt").write_bytes(b"")
        gate.reload(expect="(?i)reload.*(fail|refus|not|keep|unchanged|error)")
        for who, status in (("good", 200), ("none", 403), ("unknown_ca", 403)):
            with connect(gate.port, who) as connection:
                assert connection.get().status == status


def test_a_new_upstream_and_ca_are_in_force_for_new_connections(
    start_gate: StartGate, tmp_path: Path
):
    """The listener stays the same: no port changes, no connection is refused."""
    with Recorder(b"old") as old, Recorder(b"new") as new:
        gate = start_gate(old.url)
        with connect(gate.port) as connection:
            assert connection.get().body == b"old"
        write(tmp_path, settings(tmp_path, new.url, client_auth={"ca": "ca.crt"}))
        (tmp_path / "ca.crt").write_bytes(stranger().pem)
        gate.reload()
        with connect(gate.port, "unknown_ca") as connection:
            assert connection.get().body == b"new"
        with connect(gate.port, "good") as connection:
            assert connection.get().status == 403


def test_a_ca_that_a_reload_takes_away_no_longer_vouches_for_open_connections(
    start_gate: StartGate, tmp_path: Path
):
    """Its clients are refused at their next request, as the revoked are."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url, client_auth={"ca": "ca.crt"})
        with connect(gate.port) as connection:
            assert connection.get().status == 200
            (tmp_path / "ca.crt").write_bytes(stranger().pem)
            gate.reload()
            assert connection.get().status == 403
            assert connection.is_closed()


def test_a_new_server_certificate_is_shown_to_new_connections(
    start_gate: StartGate, tmp_path: Path
):
    """Renewal of the gate's own certificate needs no restart."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        renewed = trust().web.server()
        renewed.write(tmp_path, "server")
        gate.reload()
        with connect(gate.port) as connection:
            from cryptography.hazmat.primitives.serialization import Encoding

            shown = connection.tls.getpeercert(binary_form=True)
            assert shown == renewed.leaf.public_bytes(Encoding.DER)


def test_a_request_under_way_ends_as_it_began(start_gate: StartGate, tmp_path: Path):
    """It keeps the upstream it started with, and its body is whole."""
    go = threading.Event()

    async def answer_when_told(connection: Connection) -> None:
        import asyncio

        await connection.head()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf-")
        await asyncio.to_thread(go.wait, 20)
        await connection.send(b"half")

    with Scripted(answer_when_told) as old, Recorder(b"new") as new:
        gate = start_gate(old.url)
        with connect(gate.port) as connection:
            connection.send(head("GET / HTTP/1.1", "Host: localhost"))
            old.received()
            write(tmp_path, settings(tmp_path, new.url))
            gate.reload()
            go.set()
            response = connection.response()
            assert (response.body, response.complete) == (b"half-half", True)
        with connect(gate.port) as connection:
            assert connection.get().body == b"new"


def test_no_connection_is_refused_while_reloading(start_gate: StartGate):
    """Eight reloads under a stream of connections."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        tls = context("good")
        for _ in range(8):
            seen = len(gate.stderr.lines)
            gate.send_signal(signal.SIGHUP)
            for _ in range(5):
                with Client(gate.port, tls) as connection:
                    assert connection.get().status == 200
            gate.stderr.wait_for("(?i)reloaded", after=seen)
