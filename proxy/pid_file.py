"""The pid file: written and locked by the running proxy, read by ``reload`` and ``stop``.

The lock tells a running proxy from a number that was left behind and now belongs to somebody else.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

from proxy.errors import CertgateError

if TYPE_CHECKING:
    from pathlib import Path


class PidFile:
    """Holds the file and its lock for as long as the process runs."""

    def __init__(self, path: Path) -> None:
        """Take the file.

        Raises:
            CertgateError: it cannot be written, or another proxy holds it.
        """
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise CertgateError(f"pid_file {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise CertgateError(
                f"pid_file {path}: another certgate with this pid_file is running; "
                "stop it (certgate stop) or give this one a pid_file of its own"
            ) from error
        try:
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"{os.getpid()}\n".encode())
        except OSError as error:
            os.close(self._descriptor)
            raise CertgateError(f"pid_file {path}: {error.strerror}") from error

    def __enter__(self) -> Self:
        """Return the file, which is held already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file and let go of the lock."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def read_running_pid(path: Path) -> int:
    """Return the number of the proxy that holds this file.

    Raises:
        CertgateError: no proxy does.
    """
    try:
        with path.open("rb") as file:
            if _is_locked(file.fileno()):
                return int(file.read())
    except FileNotFoundError:
        pass
    except IsADirectoryError as error:
        raise CertgateError(f"pid_file {path}: is a folder; name the file in it") from error
    except OSError as error:
        raise CertgateError(f"pid_file {path}: {error.strerror}") from error
    except ValueError as error:
        raise CertgateError(f"pid_file {path}: holds no number of a process") from error
    raise CertgateError(f"no proxy is running with pid_file {path}")


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
