"""What a child process prints, line by line, and waiting for a line of it."""

from __future__ import annotations

import re
import threading
import time
from typing import IO


class Output:
    """The lines of one stream, read by a thread of its own until the stream ends."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,), name=name, daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    self._lines.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def lines(self) -> list[str]:
        """All lines so far."""
        with self._changed:
            return list(self._lines)

    @property
    def text(self) -> str:
        """All lines so far, as one text."""
        return "\n".join(self.lines)

    def wait_for(self, pattern: str, *, after: int = 0, timeout: float = 20) -> re.Match[str]:
        """Return the first match among the lines from ``after`` on, waiting for it.

        Raises:
            AssertionError: the stream ended, or the time passed, without such a line.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for line in self._lines[after:]:
                    if found := re.search(pattern, line):
                        return found
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the process closed it" if self._ended else f"{timeout} s passed"
                    got = "\n".join(self._lines[-40:])
                    raise AssertionError(f"no line matched {pattern!r} ({why}); got:\n{got}")
                self._changed.wait(left)

    def join(self, timeout: float = 5) -> None:
        """Wait until the stream has ended and every line is here."""
        self._thread.join(timeout)
