"""File modes stop everybody but root, and tests often run as root."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOBODY = 65534


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that everybody can enter; pytest's own let nobody else in."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextlib.contextmanager
def owner_of(folder: Path) -> Iterator[None]:
    """Own a folder and be, inside the block, somebody whom file modes stop.

    Modules may lie where only root can read: what the block needs must have been imported.
    """
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY)
    # The real user as well: access(2) asks for that one. The saved one leads back.
    os.setresuid(_NOBODY, _NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@contextlib.contextmanager
def forbidden_file() -> Iterator[Path]:
    """Make a file of mode 0 and be, inside the block, somebody who may not read it."""
    with open_folder() as folder:
        path = folder / "forbidden"
        path.write_text("x")
        path.chmod(0)
        with owner_of(folder):
            yield path
