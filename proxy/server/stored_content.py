"""The content of one request, stored until an app takes it: in memory, then in a nameless file.

Written and read on the event loop, in pieces of at most 256 KiB, as nginx does without ``aio``: a
piece goes to the page cache and costs 50 to 100 µs there, about what handing it to a thread and
back would cost. A disk that cannot keep up delays everybody; ``folder`` may be a tmpfs.
"""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO

    from proxy.snapshot import Buffering

_PIECE = 256 * 1024


class Budget:
    """Memory that all stored contents of a process may have together.

    Without it, ``buffering.memory`` times the number of uploaders would be the bound.
    """

    __slots__ = ("free",)

    def __init__(self, size: int) -> None:
        self.free = size

    def take(self, size: int) -> bool:
        """Take so many bytes, if there are as many."""
        if size > self.free:
            return False
        self.free -= size
        return True

    def give(self, size: int) -> None:
        """Give so many bytes back."""
        self.free += size


class StoredContent:
    """Bytes that are written once, in order, and read as often as servers are asked.

    Attributes:
        folder: where the file is, if there is one.
        completed_at: the event loop's time at which they were complete.
        size: how many there are.
    """

    __slots__ = (
        "_budget",
        "_file",
        "_held",
        "_memory",
        "_taken",
        "completed_at",
        "folder",
        "size",
    )

    def __init__(self, settings: Buffering, budget: Budget) -> None:
        self._memory = settings.memory
        self.folder = settings.folder
        self._budget = budget
        self._taken = 0  # of the budget
        self._held = bytearray()
        self._file: FileIO | None = None
        self.completed_at = 0.0
        self.size = 0

    @property
    def is_in_memory(self) -> bool:
        """No file was needed."""
        return self._file is None

    def write(self, data: bytes) -> None:
        """Store more.

        Raises:
            OSError: the file cannot be made, or the disk is full.
        """
        if self._file is None and self._has_room_for(len(data)):
            self._held += data
        else:
            self._write_to_file(data)
        self.size += len(data)

    def _has_room_for(self, more: int) -> bool:
        if len(self._held) + more > self._memory or not self._budget.take(more):
            return False
        self._taken += more
        return True

    def _write_to_file(self, data: bytes) -> None:
        if self._file is None:
            # O_TMPFILE, 0600: it never has a name, so nothing is left behind, whatever happens.
            self._file = TemporaryFile(dir=self.folder, buffering=0)  # noqa: SIM115 -- see close
            self._write_all(self._held)
            self._free_memory()
        self._write_all(data)

    def _write_all(self, data: bytes | bytearray) -> None:
        assert self._file is not None  # noqa: S101 -- for the type checker
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def read(self, start: int) -> bytes:
        """Return a piece; nothing at the end.

        Raises:
            OSError: the disk failed.
        """
        if self._file is None:
            return bytes(self._held[start : start + _PIECE])
        self._file.seek(start)
        return self._file.read(_PIECE)

    def close(self) -> None:
        """Forget everything; may be called twice."""
        self._free_memory()
        if self._file is not None:
            self._file.close()

    def _free_memory(self) -> None:
        self._held = bytearray()
        self._budget.give(self._taken)
        self._taken = 0
