"""Names of servers are looked up while the gate runs: with the system's resolver, and a file."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, require
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate

# A mount that only the gate sees: /etc/hosts is what we say, for the real resolver.
_MOUNT = 'mount --bind "$0" /etc/hosts && exec "$@"'


class Closing(Scripted):
    """An app that says where it is, and closes, so that each request needs a connection."""

    def __init__(self, host: str, port: int = 0) -> None:
        async def script(connection: Connection) -> None:
            await connection.request()
            answer = f"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{host}"
            await connection.send(answer.encode())

        super().__init__(script, host=host, port=port)


class Hosts:
    """The gate's /etc/hosts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set()
        program = require("unshare")
        self.launcher = [
            *(program, "--map-root-user", "--mount", "sh", "-c"),
            *(_MOUNT, str(path)),
        ]

    def set(self, *addresses: str) -> None:
        """Give ``app.test`` these addresses; written in place: the mount is of this very file."""
        lines = [f"{address} app.test\n" for address in addresses]
        self._path.write_text("127.0.0.1 localhost\n" + "".join(lines), encoding="ascii")


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    made = Hosts(tmp_path / "hosts")
    allowed = subprocess.run([*made.launcher, "true"], capture_output=True, check=False)
    if allowed.returncode:
        pytest.skip(f"no mount of our own here: {allowed.stderr.decode()}")
    return made


def test_a_name_that_moved_is_followed_without_a_reload(start_gate: StartGate, hosts: Hosts):
    hosts.set("127.0.0.2")
    with Closing("127.0.0.2") as old, Closing("127.0.0.3", old.port):
        gate = start_gate(f"http://app.test:{old.port}", launcher=hosts.launcher)
        with connect(gate.port) as connection:
            assert connection.get().body == b"127.0.0.2"
            hosts.set("127.0.0.3")
            assert connection.get().body == b"127.0.0.3"


def test_of_several_addresses_one_that_answers_is_found(start_gate: StartGate, hosts: Hosts):
    hosts.set("127.0.0.3", "127.0.0.2")  # nobody listens at the former
    with Closing("127.0.0.2") as app:
        gate = start_gate(f"http://app.test:{app.port}", launcher=hosts.launcher)
        with connect(gate.port) as connection:
            assert [connection.get().body for _ in range(3)] == [b"127.0.0.2"] * 3


def test_a_name_that_begins_to_resolve_is_used_and_before_that_the_page_says_why(
    start_gate: StartGate, hosts: Hosts
):
    with Closing("127.0.0.2") as app:
        gate = start_gate(f"http://app.test:{app.port}", launcher=hosts.launcher)
        with connect(gate.port) as connection:
            response = connection.get("/", "Accept: application/problem+json")
            assert (response.status, response.json()["code"]) == (502, "upstream_unresolved")
            gate.stderr.wait_for(r"upstream_unresolved.*app\.test.*does not resolve")
            hosts.set("127.0.0.2")
            assert connection.get().status == 200
