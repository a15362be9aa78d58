"""An app that can be reached past the gate is found in the kernel's own tables."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from proxy.cli import exposure
from proxy.cli.exposure import exposure_warning, is_listening, open_addresses, own_names
from proxy.config.addresses import Server

_HEAD = "  sl  local_address rem_address   st\n"


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Both tables of the kernel, empty."""
    paths = tmp_path / "tcp", tmp_path / "tcp6"
    for path in paths:
        path.write_text(_HEAD)
    monkeypatch.setattr(exposure, "_TABLES", paths)
    return paths


def listening(table: Path, address: str, port: int, state: str = "0A") -> None:
    line = f"   0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000\n"
    table.write_text(table.read_text() + line)


LOOPBACK, EVERY, OTHER = "0100007F", "00000000", "0A02000A"  # as a little-endian kernel writes
LOOPBACK_6, EVERY_6 = "0" * 24 + "01000000", "0" * 32
MAPPED_LOOPBACK = "0000000000000000FFFF00000100007F"


@pytest.mark.parametrize(
    ("address", "found"),
    [(LOOPBACK, []), (EVERY, ["0.0.0.0"]), (OTHER, ["10.0.2.10"])],
)
def test_ipv4(tables: tuple[Path, Path], address: str, found: list[str]):
    listening(tables[0], address, 3000)
    assert open_addresses(Server("127.0.0.1", 3000)) == found
    assert is_listening(Server("127.0.0.1", 3000))


@pytest.mark.parametrize(
    ("address", "found"), [(LOOPBACK_6, []), (EVERY_6, ["::"]), (MAPPED_LOOPBACK, [])]
)
def test_ipv6(tables: tuple[Path, Path], address: str, found: list[str]):
    listening(tables[1], address, 3000)
    assert open_addresses(Server("::1", 3000)) == found


def test_other_ports_and_other_states_do_not_count(tables: tuple[Path, Path]):
    listening(tables[0], EVERY, 3001)
    listening(tables[0], EVERY, 3000, state="01")
    assert open_addresses(Server("localhost", 3000)) == []
    assert not is_listening(Server("localhost", 3000))


@pytest.mark.parametrize("host", ["10.1.2.3", "app.example.com", "app"])
def test_another_machine_is_not_looked_at(tables: tuple[Path, Path], host: str):
    listening(tables[0], EVERY, 3000)
    assert open_addresses(Server(host, 3000)) == []
    assert is_listening(Server(host, 9))
    assert exposure_warning(Server(host, 3000)) == ""


def test_without_tables_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exposure, "_TABLES", (tmp_path / "none",))
    assert open_addresses(Server("127.0.0.1", 3000)) == []
    assert is_listening(Server("127.0.0.1", 3000))


def test_the_warning_says_where_and_what_to_do(tables: tuple[Path, Path]):
    server = Server("127.0.0.1", 3000)
    assert exposure_warning(server) == ""
    listening(tables[0], OTHER, 3000)
    listening(tables[1], EVERY_6, 3000)
    assert exposure_warning(server) == (
        "the app on port 3000 listens on 10.0.2.10, every address: whoever reaches that port goes "
        "past the gate; let the app listen on 127.0.0.1"
    )


def test_this_machines_own_tables_are_read():
    with socket.create_server(("0.0.0.0", 0)) as app:
        server = Server("127.0.0.1", app.getsockname()[1])
        assert open_addresses(server) == ["0.0.0.0"]
        assert is_listening(server)


def test_own_names_begin_with_loopback(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Box.example.")
    names = own_names()
    assert names[:4] == ["localhost", "127.0.0.1", "::1", "box.example"]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["localhost", "bücher"])
def test_a_host_name_that_adds_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    monkeypatch.setattr(exposure, "_own_addresses", list)
    assert own_names() == ["localhost", "127.0.0.1", "::1"]


def test_a_machine_without_a_routing_table_has_its_names(monkeypatch: pytest.MonkeyPatch):
    def fail(_: Path) -> str:
        raise OSError

    monkeypatch.setattr(Path, "read_text", fail)
    assert exposure._own_addresses() == []
