"""Files are whole or absent."""

from __future__ import annotations

import errno
import os
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from proxy.ca.files import (
    SECRET,
    StagedFile,
    is_exposed,
    locked_folder,
    make_folder,
    read_file,
    write_file,
)
from proxy.errors import CertgateError
from tests.authorities import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Let no file grow beyond 1 KiB, which is what a full disk looks like to a process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_written_file_has_its_content_and_its_mode(tmp_path: Path):
    """A secret is never readable by others, whatever the umask."""
    old = os.umask(0)
    try:
        write_file(tmp_path / "key", b"secret", SECRET)
    finally:
        os.umask(old)
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert (tmp_path / "key").stat().st_mode & 0o777 == SECRET
    assert names_in(tmp_path) == {"key"}


def test_an_older_file_is_replaced(tmp_path: Path):
    write_file(tmp_path / "crl", b"a long first version")
    write_file(tmp_path / "crl", b"second")
    assert (tmp_path / "crl").read_bytes() == b"second"


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_the_older_file_and_no_rest(tmp_path: Path):
    """A CRL that cannot be written must not destroy the one in force."""
    write_file(tmp_path / "crl", b"first")
    with pytest.raises(CertgateError, match="crl: cannot write: "):
        write_file(tmp_path / "crl", b"x" * 4096)
    assert (tmp_path / "crl").read_bytes() == b"first"
    assert names_in(tmp_path) == {"crl"}


def test_a_file_system_that_cannot_reserve_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """This is how the libc of Alpine answers where the glibc of Debian helps itself."""

    def unsupported(*_arguments: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    write_file(tmp_path / "crl", b"content")
    assert (tmp_path / "crl").read_bytes() == b"content"


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(CertgateError, match="none/key: cannot write: no such file"):
        write_file(tmp_path / "none" / "key", b"")


def test_a_reserved_file_that_is_not_published_leaves_nothing(tmp_path: Path):
    with StagedFile.reserve(tmp_path / "later", 100) as staged:
        staged.fill(b"content")
    assert names_in(tmp_path) == set()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CertgateError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "folder")


def test_reading_explains_what_is_missing(tmp_path: Path):
    with pytest.raises(CertgateError, match="gone: cannot read: no such file"):
        read_file(tmp_path / "gone")


def test_an_absurdly_large_file_is_not_read(tmp_path: Path):
    """Somebody names /dev/zero, or a disk image."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(CertgateError, match="larger than 64 MiB"):
        read_file(tmp_path / "large")


def test_a_file_with_rights_for_others_is_exposed(tmp_path: Path):
    path = tmp_path / "key"
    write_file(path, b"", SECRET)
    assert not is_exposed(path)
    path.chmod(0o640)
    assert is_exposed(path)


def test_a_locked_folder_is_held_by_one(tmp_path: Path):
    """A second holder has to wait until the first is done."""
    import fcntl

    with locked_folder(tmp_path):
        other = os.open(tmp_path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_a_missing_folder_cannot_be_locked(tmp_path: Path):
    with (
        pytest.raises(CertgateError, match="cannot open the folder"),
        locked_folder(tmp_path / "x"),
    ):
        pass
