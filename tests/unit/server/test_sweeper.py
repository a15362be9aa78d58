"""The one timer behind all deadlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from proxy.server.sweeper import Sweeper

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.server.world import World


class Patient:
    """Something with deadlines."""

    def __init__(self, read: float, write: float, act: Callable[[], object] = int) -> None:
        self.read_deadline = read
        self.write_deadline = write
        self.calls = 0
        self._act = act

    def on_deadline(self) -> None:
        self.calls += 1
        self._act()


def sweeping(world: World, *late: Patient, chore: Callable[[], object] = int) -> Sweeper:
    return Sweeper(world.state, (set(late[:1]), set(late[1:])), (chore,))  # type: ignore[arg-type]


def test_whoever_is_late_is_told_and_nobody_else(world: World):
    now = world.loop.now
    reads, writes = Patient(now + 1, now + 9), Patient(now + 9, now + 1)
    sweeping(world, reads, writes)
    world.tick(0.9)
    assert (reads.calls, writes.calls) == (0, 0)
    world.tick(0.1)
    assert (reads.calls, writes.calls) == (1, 1)


def test_deadlines_count_from_the_last_sweep(world: World):
    sweeping(world)
    world.loop.now += 5
    assert world.state.tick == world.loop.now - 5
    world.tick(0)
    assert world.state.tick == world.loop.now


def test_one_that_fails_does_not_stop_the_others(world: World):
    def fail() -> None:
        raise RuntimeError("surprise")

    now = world.loop.now
    broken, other = Patient(now, now, fail), Patient(now, now)
    sweeping(world, broken, other, chore=fail)
    with capture_logs() as logs:
        world.tick()
        world.tick()
    assert (broken.calls, other.calls) == (2, 2)
    assert len(logs) == 4


def test_a_population_may_change_while_it_is_swept(world: World):
    now = world.loop.now
    population: set[Patient] = set()
    for _ in range(3):
        population.add(Patient(now, now, population.clear))
    Sweeper(world.state, (population,), ())
    world.tick()
    assert not population


def test_it_can_be_stopped(world: World):
    sweeper = sweeping(world)
    timer = world.loop.timer
    assert timer is not None
    sweeper.stop()
    assert timer.is_cancelled
