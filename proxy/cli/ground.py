"""What ``serve`` makes when it starts: can it? ``check`` tells it beforehand, and makes nothing.

A socket that is in use is left out: the proxy that uses it may be the one that is to be reloaded.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxy.config.listen_addresses import SocketPath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.config.model import Config
    from proxy.config.source import Place

# As ``serve`` says it; a test compares the two.
_SOCKET_REASONS: Final = {
    errno.EACCES: "permission denied; the folder has to be writable for this user",
    errno.ENOENT: "there is no such folder",
    errno.ENOTSOCK: "there is a file that is not a socket",
}


def inspect_ground(config: Config) -> Iterator[tuple[Place, str]]:
    """Yield what would keep ``serve`` from starting, for this user and as things are now."""
    for index, listener in enumerate(config.listen):
        address = listener.address
        code = _socket_fault(Path(address.path)) if isinstance(address, SocketPath) else 0
        if code:
            reason = _SOCKET_REASONS.get(code) or os.strerror(code)
            yield ("listen", index, "address"), f"cannot listen on {address}: {reason}"
    files: list[tuple[Place, object]] = [
        (("access_log", "path"), config.access_log.path),
        (("pid_file",), config.pid_file),
    ]
    for place, path in files:
        code = _file_fault(path) if isinstance(path, Path) else 0
        if code:
            yield place, f"{path} cannot be opened: {os.strerror(code)}"


def _socket_fault(path: Path) -> int:
    """Return the number of the error that binding would end with; 0 for none."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return errno.ENOTSOCK
    except FileNotFoundError:
        pass
    except OSError as error:
        return error.errno or errno.EIO
    return _folder_fault(path.parent)


def _file_fault(path: Path) -> int:
    """Return the number of the error that opening for writing would end with; 0 for none."""
    try:
        path.stat()
    except FileNotFoundError:
        return _folder_fault(path.parent)
    except OSError as error:
        return error.errno or errno.EIO
    return 0 if os.access(path, os.W_OK) else _refusal(path)


def _folder_fault(folder: Path) -> int:
    """Return the number of the error that making something in it would end with; 0 for none."""
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            return errno.ENOTDIR
    except OSError as error:
        return error.errno or errno.EIO
    return 0 if os.access(folder, os.W_OK | os.X_OK) else _refusal(folder)


def _refusal(path: Path) -> int:
    """Tell a file system that nobody may write to from one that this user may not write to."""
    return errno.EROFS if os.statvfs(path).f_flag & os.ST_RDONLY else errno.EACCES
