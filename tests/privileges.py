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
    """Make a folder that belongs to the ordinary user; pytest's own let nobody else in."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        yield folder


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Be, inside the block, somebody whom file modes stop."""
    if os.geteuid() != 0:
        yield
        return
    # The real user as well: access(2) asks for that one. The saved one leads back.
    os.setresuid(_NOBODY, _NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@contextlib.contextmanager
def forbidden_file() -> Iterator[Path]:
    """Make a file of mode 0 and be, inside the block, somebody who may not read it."""
    with open_folder() as folder, ordinary_user():
        path = folder / "forbidden"
        path.write_text("x")
        path.chmod(0)
        yield path
