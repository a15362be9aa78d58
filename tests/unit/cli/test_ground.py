"""What would keep ``serve`` from making its sockets and files."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from proxy.cli import ground
from proxy.cli.ground import inspect_ground
from proxy.config.load import load_config
from tests.gate import settings, write
from tests.privileges import open_folder, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def told(folder: Path, **changes: Any) -> list[tuple[object, str]]:
    """Return what is found, without the folder's name."""
    config = load_config(write(folder, settings(folder, **changes)), {})
    return [(place, text.replace(str(folder), "")) for place, text in inspect_ground(config)]


@pytest.fixture
def shut() -> Iterator[Path]:
    """Give an open folder with a folder in it that nobody may write to."""
    with open_folder() as folder:
        (folder / "shut").mkdir()
        yield folder


def test_nothing_is_wrong_with_what_can_be_made(tmp_path: Path):
    listen = ["127.0.0.1:0", f"unix:{tmp_path}/gate.sock"]
    assert told(tmp_path, listen=listen, access_log="a.log", pid_file="gate.pid") == []
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".sock") == []


def test_a_socket_that_is_there_is_no_fault(tmp_path: Path):
    """It is a running gate's, or one that a dead one left: serve tells the two apart."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"{tmp_path}/gate.sock")
        assert told(tmp_path, listen=f"unix:{tmp_path}/gate.sock") == []


def test_sockets_that_are_passed_are_no_fault(tmp_path: Path):
    assert told(tmp_path, listen=["fd:3", "systemd:web"]) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere/gate.sock", "there is no such folder"),
        ("file", "there is a file that is not a socket"),
        ("file/gate.sock", "Not a directory"),
    ],
)
def test_a_socket_that_cannot_be_made(tmp_path: Path, path: str, reason: str):
    (tmp_path / "file").touch()
    place = ("listen", 1, "address")
    message = f"cannot listen on unix:/{path}: {reason}"
    assert told(tmp_path, listen=["127.0.0.1:0", f"unix:{tmp_path}/{path}"]) == [(place, message)]


def test_folders_and_files_that_this_user_may_not_write_to(shut: Path):
    (shut / "a.log").touch()
    with owner_of(shut):
        changes = {
            "listen": f"unix:{shut}/shut/gate.sock",
            "pid_file": "shut/gate.pid",
            "access_log": "a.log",
        }
        write(shut, settings(shut, **changes))
        (shut / "shut").chmod(0o500)
        (shut / "a.log").chmod(0o400)
        try:
            found = told(shut, **changes)
        finally:
            (shut / "shut").chmod(0o700)
    denied = "permission denied; the folder has to be writable for this user"
    assert found == [
        (("listen", 0, "address"), f"cannot listen on unix:/shut/gate.sock: {denied}"),
        (("access_log", "path"), "/a.log cannot be opened: Permission denied"),
        (("pid_file",), "/shut/gate.pid cannot be opened: Permission denied"),
    ]


def test_a_folder_that_cannot_be_entered(shut: Path):
    (shut / "shut" / "deep").mkdir()
    with owner_of(shut):
        changes = {"listen": f"unix:{shut}/shut/deep/gate.sock"}
        (shut / "shut").chmod(0)
        try:
            found = told(shut, **changes)
        finally:
            (shut / "shut").chmod(0o700)
    assert "permission denied" in found[0][1]


def test_a_file_system_that_nobody_may_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As in a container with a read-only root."""

    class ReadOnly:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(ground.os, "access", lambda *_: False)
    monkeypatch.setattr(ground.os, "statvfs", lambda _: ReadOnly)
    assert ground._folder_fault(tmp_path) == ground.errno.EROFS
