"""A CA for each test, with a clock that can be turned."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from proxy.ca.authority import Authority
from tests.authorities import PASSPHRASE, Clock, make_authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Clock]:
    """A new CA and the time of its birth; copied for each test, because a copy is quick."""
    clock = Clock()
    directory = tmp_path_factory.mktemp("template") / "ca"
    make_authority(directory, clock).close()
    return directory, clock


@pytest.fixture
def clock(template: tuple[Path, Clock]) -> Clock:
    return Clock(template[1].moment)


@pytest.fixture
def authority(template: tuple[Path, Clock], tmp_path: Path, clock: Clock) -> Iterator[Authority]:
    shutil.copytree(template[0], tmp_path / "ca")
    with Authority.open(tmp_path / "ca", PASSPHRASE, clock) as opened:
        yield opened
