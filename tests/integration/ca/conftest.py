"""A CA, opened; or a folder, a passphrase in the environment, and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.authorities import make_authority
from tests.authorities.commands import PASSPHRASE, VARIABLE, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proxy.ca.authority import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    """An opened CA, without commands."""
    with make_authority(tmp_path / "ca") as made:
        yield made


@pytest.fixture
def empty_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """A shell in an empty folder."""
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


@pytest.fixture
def shell(empty_shell: Shell) -> Shell:
    """A shell in a folder with a CA."""
    empty_shell.done("init", "--cn", "Test CA", "--key-type", "p256")
    return empty_shell
