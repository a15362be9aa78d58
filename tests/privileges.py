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
def forbidden_file(content: str = "x") -> Iterator[Path]:
    """Make a file of mode 0 and be, inside the block, somebody who may not read it."""
    # Not in pytest's own folder, which only its owner can enter: the file is to be the obstacle.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "forbidden")
        path.write_text(content)
        path.chmod(0)
        with _ordinary_user():
            yield path


@contextlib.contextmanager
def _ordinary_user() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    # The real user as well: access(2) asks for that one. The saved one leads back.
    os.setresuid(_NOBODY, _NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
