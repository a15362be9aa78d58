"""The access log's file: buffered, reopenable, and never a danger to the data path.

A log that cannot be written (disk full, reader of the pipe gone or asleep) must cost neither a
request nor memory nor time: what cannot be written stays in a bounded buffer and is tried again at
each flush; what no longer fits is dropped and counted; one warning says so, one line says when it
is over.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from proxy.errors import CertgateError

if TYPE_CHECKING:
    from proxy.observe.access_format import AccessFormat
    from proxy.observe.access_record import AccessRecord

FLUSH_BYTES: Final = 64 * 1024
MAX_BUFFER_BYTES: Final = 1024 * 1024
STDOUT: Final = "-"
OFF: Final = "off"

# A pipe that polls writable takes this much without blocking, in one piece (POSIX, write()).
_PIPE_BYTES: Final = select.PIPE_BUF

_log = structlog.stdlib.get_logger()


class AccessLog(Protocol):
    """Where records go. None of these ever raises."""

    dropped: int
    """Records that were lost because they could not be written."""

    def write(self, record: AccessRecord) -> None:
        """Take one record; it may stay in memory until the next flush."""

    def flush(self) -> None:
        """Write what is buffered, as far as that is possible without waiting."""

    def reopen(self) -> None:
        """Open the file anew by its name, after a rotation moved it away."""

    def close(self) -> None:
        """Flush and let go of the file."""


def open_access_log(path: str, line_format: AccessFormat) -> AccessLog:
    """Open the access log that the configuration names.

    Args:
        path: a file (appended to, made with mode 0640), ``-`` for stdout or ``off`` for none.
        line_format: how a record becomes a line.

    Raises:
        CertgateError: the file cannot be opened.
    """
    if path == OFF:
        return NoAccessLog()
    try:
        return FileAccessLog(path, line_format)
    except OSError as error:
        raise CertgateError(f"access log {path}: cannot be opened: {error.strerror}") from error


class NoAccessLog:
    """The access log that is switched off."""

    __slots__ = ("dropped",)

    def __init__(self) -> None:
        self.dropped = 0

    def write(self, record: AccessRecord) -> None:
        """Forget the record."""

    def flush(self) -> None:
        """Do nothing."""

    def reopen(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class FileAccessLog:
    """An access log in a file or on stdout; see ``open_access_log``."""

    __slots__ = ("_fd", "_flush_at", "_format", "_lines", "_path", "_size", "_troubled", "dropped")

    def __init__(self, path: str, line_format: AccessFormat) -> None:
        self._path = path
        self._format = line_format
        self._fd = _open(path)
        self._lines: list[bytes] = []
        self._size = 0
        self._flush_at = FLUSH_BYTES
        self._troubled = False
        self.dropped = 0

    def write(self, record: AccessRecord) -> None:
        """Take one record; it may stay in memory until the next flush."""
        line = self._format(record)
        size = self._size + len(line)
        if size > MAX_BUFFER_BYTES:
            self.dropped += 1
            return
        self._lines.append(line)
        self._size = size
        if size >= self._flush_at:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered, as far as that is possible without waiting."""
        if not self._lines:
            return
        data = b"".join(self._lines)
        written, trouble = _write_ready(self._fd, data)
        # The rest stays in front, so that no line is torn when writing works again.
        self._lines = [data[written:]] if written < len(data) else []
        self._size = len(data) - written
        # While writing fails, not every record may cost a system call.
        self._flush_at = self._size + FLUSH_BYTES
        self._tell(trouble)

    def reopen(self) -> None:
        """Open the file anew by its name, after a rotation moved it away."""
        self.flush()
        try:
            fd = _open(self._path)
        except OSError as error:
            _log.warning("access log not reopened", path=self._path, reason=error.strerror)
            return
        os.close(self._fd)
        self._fd = fd

    def close(self) -> None:
        """Flush and let go of the file."""
        self.flush()
        os.close(self._fd)

    def _tell(self, trouble: str) -> None:
        """Log the start and the end of a time without a log, once each."""
        if trouble and not self._troubled:
            _log.warning("access log not written", path=self._path, reason=trouble)
        elif self._troubled and not self._lines:
            _log.warning("access log written again", path=self._path, dropped=self.dropped)
        self._troubled = bool(trouble) or (self._troubled and bool(self._lines))


def _open(path: str) -> int:
    """Return a descriptor of our own to write to.

    A process may be started without a stdout; descriptor 1 then soon belongs to something else,
    perhaps to a client's socket, and must not be taken for the log.
    """
    if path != STDOUT:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    if sys.__stdout__ is None:
        raise OSError(errno.EBADF, "stdout is closed; name a file, or off")
    return os.dup(1)


def _write_ready(fd: int, data: bytes) -> tuple[int, str]:
    """Write as much as the descriptor takes now.

    Returns:
        The number of bytes written, and what was wrong ("" for nothing).
    """
    written = 0
    try:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return os.write(fd, data), ""
        while written < len(data):
            written += _write_now(fd, data[written : _piece_end(data, written)])
    except BlockingIOError:
        return written, "the reader is too slow"
    except OSError as error:
        return written, error.strerror or type(error).__name__
    return written, ""


def _write_now(fd: int, piece: bytes) -> int:
    """Write to a pipe or terminal, or raise BlockingIOError where that would stop the event loop.

    The descriptor is not made non-blocking: stdout is shared with whoever started us.
    """
    try:
        return os.pwritev(fd, [piece], -1, os.RWF_NOWAIT)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
    # Terminals, and pipes before Linux 6.4. Between the question and the write another worker may
    # take the room, so the way above is the better one.
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    if not poll.poll(0):
        raise BlockingIOError(errno.EAGAIN, "would block")
    return os.write(fd, piece)


def _piece_end(data: bytes, start: int) -> int:
    """Return where a piece ends that a pipe takes whole, at a line's end where there is one.

    Several workers share one pipe; pieces of whole lines do not get mixed up.
    """
    limit = start + _PIPE_BYTES
    if limit >= len(data):
        return len(data)
    return data.rfind(b"\n", start, limit) + 1 or limit
