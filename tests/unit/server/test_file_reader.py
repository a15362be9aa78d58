"""What the kernel has in memory is read at once; for the rest a thread is asked for."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from proxy.server import file_reader
from proxy.server.file_reader import read_cached

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    """A file that was just written, and so is in memory."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    opened = os.open(path, os.O_RDONLY)
    yield opened
    os.close(opened)


@pytest.fixture
def cached(descriptor: int) -> int:
    """The same, or no test where the file system does not tell."""
    if read_cached(descriptor, 1, 0) is None:
        pytest.skip("this file system has no RWF_NOWAIT")
    return descriptor


def test_what_is_there_is_read(cached: int):
    assert read_cached(cached, 4, 3) == b"3456"


def test_the_end_cuts_short(cached: int):
    assert read_cached(cached, 100, 8) == b"89"
    assert read_cached(cached, 100, 10) == b""


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EOPNOTSUPP])
def test_what_is_on_a_disk_is_for_a_thread(
    descriptor: int, monkeypatch: pytest.MonkeyPatch, number: int
):
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(file_reader.os, "preadv", fail)
    assert read_cached(descriptor, 4, 0) is None


def test_where_the_kernel_cannot_tell_threads_read_everything(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(file_reader, "_NOWAIT", None)
    assert read_cached(descriptor, 4, 0) is None


def test_a_broken_file_is_an_error(descriptor: int, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(file_reader.os, "preadv", fail)
    with pytest.raises(OSError, match="Input/output"):
        read_cached(descriptor, 4, 0)
