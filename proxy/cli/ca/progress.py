"""A sign of life on the terminal, for work that takes longer than a second."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_Item = TypeVar("_Item")

_PATIENCE = 1.0  # seconds; what is quicker needs no sign, nor the 60 ms that rich takes to load
_INTERVAL = 0.2


class Progress:
    """Shows what is being done, how many items are through, and for how long.

    It writes to standard error and only when that is a terminal, so that pipes and files never
    hold any of it, and wipes its line out when it ends.
    """

    def __init__(self, what: str, *, quiet: bool) -> None:
        """Begin.

        Args:
            what: the work, e.g. ``signing the list``.
            quiet: show nothing at all; for ``--json``.
        """
        self._what = what
        self._count = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)
        if not quiet and sys.stderr.isatty():
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def counting(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Yield the items, counting them."""
        for item in items:
            self._count += 1
            yield item

    def stop(self) -> None:
        """Wipe the line out; output for the same terminal may follow."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _show(self) -> None:
        if self._over.wait(_PATIENCE):
            return
        from rich.console import Console  # noqa: PLC0415 - see _PATIENCE
        from rich.progress import Progress as Line  # noqa: PLC0415
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        line = Line(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            # rich would send to the terminal what is meant for the pipe.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with line:
            task = line.add_task(self._what, total=None)
            while not self._over.wait(_INTERVAL):
                number = f"  {self._count:,}" if self._count else ""
                line.update(task, description=f"{self._what}{number}")
