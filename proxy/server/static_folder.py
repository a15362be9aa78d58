"""Finding a file in a folder that is served, for whatever path and whoever changes the folder.

To check a path and to open it afterwards leaves a moment in which a link can be put in its place.
So here a descriptor comes first: one that only names a thing (``O_PATH``; no device is stirred, no
FIFO waited for). Then the kernel says what *that* thing is and where it lies, and the very same
thing is opened for reading, by its descriptor.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from proxy.forward.representation import Representation
from proxy.http1.messages import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxy.snapshot import StaticFiles

# A decoded segment with a separator in it is another path to whoever splits again.
_NOT_IN_NAME: Final = re.compile(rb"[/\\\x00]")
# .git, .env, .htpasswd: hidden things are not meant for everybody. RFC 8615 needs the one.
_HIDDEN: Final = b"."
_WELL_KNOWN: Final = b".well-known"

# Where there is no O_PATH there is no /proc either, and nothing is served.
_NAME: Final = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK) | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})
_DENIED: Final = frozenset({errno.EACCES, errno.EPERM})
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class OpenFile(NamedTuple):
    """A regular file that may be sent.

    Attributes:
        descriptor: open for reading; whoever gets it has to close it.
        found: what is known about it.
    """

    descriptor: int
    found: Representation


def open_file(files: StaticFiles, segments: Sequence[bytes]) -> OpenFile | None:
    """Open the file that a path means.

    Links are followed where they end inside the folder, by whatever way.

    Args:
        files: the folder, and what stands for a folder in it.
        segments: of the path below the folder, decoded once, without ``.``, ``..`` and empty ones;
            the last is empty for a path that ends in a slash.

    Returns:
        None for a folder that was named without its slash.

    Raises:
        ProtocolError: 404 for what is not there, is hidden, lies outside or is no regular file; 403
            for what may not be read, and for a folder without an index; 500 and 503.
    """
    names = [name for name in segments if name]
    _require_plain(names)
    wants_folder = len(names) < len(segments)
    held: list[int] = []
    try:
        root = _open_folder(files, held)
        home = _place_of(root)
        found = _name(b"/".join(names) or b".", root, home, held)
        status = os.fstat(found)
        if stat.S_ISDIR(status.st_mode):
            return _open_index(files, found, home, held) if wants_folder else None
        if wants_folder:
            raise _not_found("a file is no folder")
        return _open_regular(found, names[-1], status)
    except OSError as error:
        raise _failure(error) from None
    finally:
        for descriptor in held:
            os.close(descriptor)


def _require_plain(names: Sequence[bytes]) -> None:
    for depth, name in enumerate(names):
        if _NOT_IN_NAME.search(name):
            raise _not_found("a name contains a separator")
        if name.startswith(_HIDDEN) and (depth or name != _WELL_KNOWN):
            raise _not_found("names with a dot first are hidden")


def _open_folder(files: StaticFiles, held: list[int]) -> int:
    """Open the folder itself, anew each time: a release may have been put in its place."""
    try:
        held.append(os.open(files.folder, _NAME | os.O_DIRECTORY))
    except OSError as error:
        if error.errno in _EXHAUSTED:
            raise
        where = os.fsdecode(files.folder)
        reason = f"the folder {where} cannot be opened: {error.strerror}"
        raise ProtocolError(500, "internal_error", reason) from None
    return held[-1]


def _place_of(descriptor: int) -> bytes:
    """Return where the thing behind a descriptor lies now, links resolved, with a slash last."""
    try:
        place = os.readlink(b"/proc/self/fd/%d" % descriptor)  # noqa: PTH115 -- names are bytes
    except FileNotFoundError:
        reason = "without /proc nobody can tell where a file lies; mount it"
        raise ProtocolError(500, "internal_error", reason) from None
    return place.removesuffix(b"/") + b"/"


def _name(path: bytes, folder: int, home: bytes, held: list[int]) -> int:
    """Return a descriptor that names what ``path`` leads to, if that lies below ``home``."""
    descriptor = os.open(path, _NAME, dir_fd=folder)
    held.append(descriptor)
    if not _place_of(descriptor).startswith(home):
        raise _not_found("a link leads out of the folder")
    return descriptor


def _open_index(files: StaticFiles, folder: int, home: bytes, held: list[int]) -> OpenFile:
    for name in files.index:
        try:
            found = _name(name, folder, home, held)
        except FileNotFoundError:
            continue
        return _open_regular(found, name, os.fstat(found))
    raise ProtocolError(403, "not_readable", "a folder without an index is not listed")


def _open_regular(found: int, name: bytes, status: os.stat_result) -> OpenFile:
    if not stat.S_ISREG(status.st_mode):
        raise _not_found("this is no regular file")
    descriptor = os.open(b"/proc/self/fd/%d" % found, _READ)
    return OpenFile(descriptor, Representation(name, status.st_size, status.st_mtime_ns))


def _not_found(reason: str) -> ProtocolError:
    return ProtocolError(404, "not_found", reason)


def _failure(error: OSError) -> ProtocolError:
    reason = error.strerror or "unknown"
    if error.errno in _ABSENT:
        return _not_found(reason)
    if error.errno in _DENIED:
        return ProtocolError(403, "not_readable", reason)
    if error.errno in _EXHAUSTED:
        return ProtocolError(503, "overloaded", reason)
    return ProtocolError(500, "internal_error", reason)
