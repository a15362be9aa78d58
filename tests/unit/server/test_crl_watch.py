"""Newer lists come into force by themselves; broken ones, and races, never take one away."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from proxy.server import crl_watch
from proxy.server.crl_watch import watch_crls
from proxy.snapshot import build_snapshot
from tests.gate import revoke
from tests.pki import client, crl_pem, impostor
from tests.unit.server.world import World, snapshot_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from proxy.snapshot import Snapshot

ALICE = client("good").leaf.serial_number


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(snapshot_of(tmp_path))


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look a hundred times a second."""
    monkeypatch.setattr(crl_watch, "_INTERVAL", 0.01)


@contextlib.asynccontextmanager
async def watch(world: World) -> AsyncIterator[None]:
    task = asyncio.ensure_future(watch_crls(world.state))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def watching(world: World) -> AsyncIterator[None]:
    async with watch(world):
        yield


def revokes_alice(snapshot: Snapshot) -> bool:
    return any(
        crl.get_revoked_certificate_by_serial_number(ALICE) is not None
        for crl in snapshot.revocation.crls
    )


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def looked_again() -> None:
    """Wait for long enough to look at the files several times."""
    await asyncio.sleep(0.1)


@pytest.mark.usefixtures("watching")
async def test_a_newer_list_counts(world: World, tmp_path: Path):
    assert not revokes_alice(world.state.snapshot)
    with capture_logs() as logs:
        revoke(tmp_path, client("good"))
        await until(lambda: revokes_alice(world.state.snapshot))
    assert [log["event"] for log in logs] == ["crl taken"]


async def test_a_list_that_changed_while_the_gate_started_counts(world: World, tmp_path: Path):
    """After the files were read and before they were first looked at."""
    revoke(tmp_path, client("good"))
    async with watch(world):
        await until(lambda: revokes_alice(world.state.snapshot))


@pytest.mark.usefixtures("watching")
async def test_a_list_is_not_lost_to_a_reload_that_read_the_files_before(
    world: World, tmp_path: Path
):
    config = world.state.snapshot.config
    stale = build_snapshot(config, world.state.snapshot)
    revoke(tmp_path, client("good"))
    await until(lambda: revokes_alice(world.state.snapshot))
    world.state.snapshot = stale
    await until(lambda: revokes_alice(world.state.snapshot))


async def test_a_reload_in_the_midst_of_reading_wins_and_is_looked_at_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    snapshots = [build_snapshot(world.state.snapshot.config)]
    fresh = crl_watch.with_fresh_crls

    def slowly(before: Snapshot) -> Snapshot:
        made = fresh(before)
        if snapshots:
            world.state.snapshot = snapshots.pop()
        return made

    monkeypatch.setattr(crl_watch, "with_fresh_crls", slowly)
    revoke(tmp_path, client("good"))
    async with watch(world):
        await until(lambda: not snapshots and revokes_alice(world.state.snapshot))


@pytest.mark.usefixtures("watching")
@pytest.mark.parametrize("content", [None, b"", b"half", b"-----BEGIN X509 CRL-----\nMIIB"])
async def test_a_broken_file_changes_nothing_loudly_and_once(
    world: World, tmp_path: Path, content: bytes | None
):
    old = (tmp_path / "crl.pem").read_bytes()
    revoke(tmp_path, client("good"))
    await until(lambda: revokes_alice(world.state.snapshot))
    before = world.state.snapshot
    with capture_logs() as logs:
        if content is None:
            (tmp_path / "crl.pem").unlink()
        else:
            (tmp_path / "crl.pem").write_bytes(content)
        await until(lambda: logs)
        await looked_again()
    assert world.state.snapshot is before
    assert [log["event"] for log in logs] == ["crl not taken: the lists in force stay"]
    with capture_logs() as logs:
        (tmp_path / "crl.pem").write_bytes(old)
        await until(lambda: logs)
        await looked_again()
    assert [log["event"] for log in logs] == ["crl kept"]
    assert revokes_alice(world.state.snapshot)  # the older list does not let her in again


@pytest.mark.usefixtures("watching")
async def test_a_forged_list_is_reported_and_changes_nothing(world: World, tmp_path: Path):
    with capture_logs() as logs, (tmp_path / "crl.pem").open("ab") as file:
        file.write(crl_pem(impostor().crl()))
        file.flush()
        await until(lambda: logs)
        await looked_again()
    assert [log["event"] for log in logs] == ["crl not usable"]


@pytest.mark.usefixtures("watching")
async def test_the_lists_are_reported_once_a_day(world: World, monkeypatch: pytest.MonkeyPatch):
    reports: list[float] = []
    monkeypatch.setattr(crl_watch, "report_lists", lambda _, now: reports.append(now))
    await looked_again()
    for _ in range(2):
        world.wall += 86_400
        await looked_again()
    assert reports == [world.wall - 86_400, world.wall]


@pytest.mark.usefixtures("watching")
async def test_an_error_of_our_own_does_not_end_the_watch(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: Snapshot) -> Snapshot:
        raise RuntimeError("surprise")

    await looked_again()
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(crl_watch, "with_fresh_crls", fail)
        revoke(tmp_path)
        await until(lambda: logs)
    revoke(tmp_path, client("good"))
    await until(lambda: revokes_alice(world.state.snapshot))


@pytest.mark.usefixtures("watching")
async def test_files_that_stay_as_they_are_are_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await looked_again()
    before = world.state.snapshot
    monkeypatch.delattr(crl_watch, "with_fresh_crls")
    await looked_again()
    assert world.state.snapshot is before


async def test_without_lists_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    world = World(snapshot_of(tmp_path, client_auth={"ca": "ca.crt"}))
    monkeypatch.delattr(crl_watch, "with_fresh_crls")
    async with watch(world):
        await looked_again()
