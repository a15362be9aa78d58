"""Worlds for the tests of the data path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.unit.server.world import World, snapshot_of

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.snapshot import Snapshot


class MakeWorld(Protocol):
    """Makes a world; keyword arguments replace keys of the configuration."""

    def __call__(self, **changes: Any) -> World: ...


@pytest.fixture(scope="session")
def plain_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The snapshot of the short configuration."""
    return snapshot_of(tmp_path_factory.mktemp("world"))


@pytest.fixture
def make_world(plain_snapshot: Snapshot, tmp_path: Path) -> MakeWorld:
    """Make worlds."""

    def make(**changes: Any) -> World:
        return World(snapshot_of(tmp_path, **changes) if changes else plain_snapshot)

    return make


@pytest.fixture
def world(plain_snapshot: Snapshot) -> World:
    """A world with the short configuration."""
    return World(plain_snapshot)
