"""The pid file tells a running proxy from a number that was left behind."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from proxy.errors import CertgateError
from proxy.pid_file import PidFile, read_running_pid

if TYPE_CHECKING:
    from pathlib import Path


def test_it_holds_the_number_while_the_proxy_runs(tmp_path: Path):
    path = tmp_path / "pid"
    with PidFile(path):
        assert path.read_text() == f"{os.getpid()}\n"
        assert read_running_pid(path) == os.getpid()
    assert not path.exists()


def test_a_number_that_was_left_behind_is_replaced(tmp_path: Path):
    path = tmp_path / "pid"
    path.write_text("123456789012345\n")
    with pytest.raises(CertgateError, match="no proxy is running with pid_file "):
        read_running_pid(path)
    with PidFile(path):
        assert read_running_pid(path) == os.getpid()


def test_two_proxies_cannot_hold_one_file(tmp_path: Path):
    path = tmp_path / "pid"
    with PidFile(path), pytest.raises(CertgateError, match="another certgate with this pid_file"):
        PidFile(path)
    assert not path.exists()


def test_a_file_that_is_gone_already_is_no_fault(tmp_path: Path):
    path = tmp_path / "pid"
    with PidFile(path):
        path.unlink()


def test_nothing_runs_where_there_is_no_file(tmp_path: Path):
    with pytest.raises(CertgateError, match="no proxy is running"):
        read_running_pid(tmp_path / "pid")


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path):
    with pytest.raises(CertgateError, match=r"pid_file .*/no/pid: No such file or directory"):
        PidFile(tmp_path / "no" / "pid")


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path):
    """A device, or a full disk."""
    path = tmp_path / "pid"
    path.symlink_to("/dev/full")
    with pytest.raises(CertgateError, match=r"pid_file .*/pid: "):
        PidFile(path)


def test_a_locked_file_without_a_number_is_told(tmp_path: Path):
    path = tmp_path / "pid"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(CertgateError, match=r"pid_file .*/pid: holds no number of a process"):
            read_running_pid(path)


def test_a_folder_is_no_pid_file(tmp_path: Path):
    with pytest.raises(CertgateError, match=r"pid_file .*: is a folder; name the file in it"):
        read_running_pid(tmp_path)


def test_a_file_in_something_that_is_no_folder_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(CertgateError, match=r"pid_file .*/file/pid: Not a directory$"):
        read_running_pid(tmp_path / "file" / "pid")
