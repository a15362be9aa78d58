"""Files that are either whole or absent: temporary file, fsync, rename.

A key that is half on disk, or a CRL that a running proxy reads in the middle of a write, is
worse than an error. Each write goes to a temporary file in the target's folder, is flushed to
the disk, and then takes the target's name in one step.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SECRET = 0o600
PUBLIC = 0o644
PRIVATE_FOLDER = 0o700
_READABLE_BY_OTHERS = 0o077
_MOST_BYTES = 64 * 1024 * 1024


@contextlib.contextmanager
def explained(action: str, path: Path) -> Iterator[None]:
    """Turn an ``OSError`` inside the block into one line that names the action and the file."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CertgateError(f"{path}: cannot {action}: {reason}") from error


def read_file(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        CertgateError: the file is missing, unreadable, or absurdly large.
    """
    with explained("read", path), path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise CertgateError(f"{path}: larger than 64 MiB, this is not the right file")
    return data


def is_there(path: Path) -> bool:
    """Tell whether the name is taken, by whatever, a dangling link included.

    Unlike ``Path.exists()`` these three never raise: a folder that may not be entered holds
    nothing that we could use, and the attempt to read will say why.
    """
    return os.path.lexists(path)


def is_file(path: Path | str) -> bool:
    """Tell whether there is a file that can be reached."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Tell whether there is a folder that can be reached."""
    return os.path.isdir(path)  # noqa: PTH112


def is_exposed(path: Path) -> bool:
    """Tell whether users other than the owner have any right on the file."""
    with explained("read", path):
        return bool(path.stat().st_mode & _READABLE_BY_OTHERS)


def make_folder(path: Path, mode: int = 0o755) -> None:
    """Make a folder and its parents, unless it is there."""
    with explained("make the folder", path):
        path.mkdir(mode=mode, parents=True, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries: without it a rename may be lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, data: bytes, mode: int = PUBLIC) -> None:
    """Write a whole file or nothing, replacing an older one in one step.

    Raises:
        CertgateError: the folder is missing or read-only, the disk is full.
    """
    with StagedFile.reserve(path, len(data), mode) as staged:
        staged.publish(data)


@dataclass(frozen=True, slots=True)
class StagedFile:
    """Room on the disk for a file that will appear later under its name, whole.

    Reserving comes before a step that cannot be taken back (a certificate enters the store), so
    that a full disk or a read-only folder is met while nothing has happened yet.
    """

    path: Path
    temporary: Path
    descriptor: int

    @classmethod
    def reserve(cls, path: Path, size: int, mode: int = PUBLIC) -> Self:
        """Make the temporary file next to ``path`` and allocate ``size`` bytes for it.

        Raises:
            CertgateError: there is no room, no such folder, or no right to write there.
        """
        temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with explained("write", path):
            descriptor = os.open(temporary, flags, mode)
        staged = cls(path, temporary, descriptor)
        try:
            with explained("write", path):
                _allocate(descriptor, max(size, 1))
        except CertgateError:
            staged.discard()
            raise
        return staged

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.discard()

    def fill(self, data: bytes) -> None:
        """Put the content on the disk, still under the temporary name."""
        with explained("write", self.path):
            os.ftruncate(self.descriptor, 0)
            view = memoryview(data)
            while view:
                view = view[os.write(self.descriptor, view) :]
            os.fsync(self.descriptor)

    def rename(self) -> None:
        """Let the filled file take its name; from now on it is the file."""
        with explained("write", self.path):
            self.temporary.rename(self.path)
            sync_folder(self.path.parent)

    def publish(self, data: bytes) -> None:
        """Fill and rename."""
        self.fill(data)
        self.rename()

    def discard(self) -> None:
        """Close, and remove the temporary file if it never got its name."""
        with contextlib.suppress(OSError):
            os.close(self.descriptor)
        self.temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def writing_together(contents: Mapping[Path, bytes], mode: int) -> Iterator[None]:
    """Put whole files in place after the block; none of them if it, or writing one, fails.

    Raises:
        CertgateError: a folder is missing or read-only, the disk is full; before the block.
    """
    with contextlib.ExitStack() as stack:
        staged = []
        for path, data in contents.items():
            staged.append(stack.enter_context(StagedFile.reserve(path, len(data), mode)))
            staged[-1].fill(data)
        yield
        for file in staged:
            file.rename()


def _allocate(descriptor: int, size: int) -> None:
    """Take room on the disk, where the file system can say so beforehand."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        # Some network file systems, and musl on more of them, cannot; then the write will tell.
        if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:
            raise


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the folder for one process: the lock is the kernel's and dies with its holder."""
    with explained("open the folder", folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
