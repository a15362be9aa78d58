"""Probes follow each other until they are told to stop, whatever goes wrong in one of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from proxy.config.addresses import parse_server
from proxy.server import health_check as health_check_module
from proxy.server.health_check import HealthCheck
from proxy.snapshot import Endpoint
from tests.unit.server.test_probe import check
from tests.upstreams.health import Checked

if TYPE_CHECKING:
    import pytest

    from proxy.server.state import ServerState
    from proxy.server.upstream_failure import UpstreamFailure
    from tests.unit.server.world import World


class Results:
    """What the probes showed, to be waited for."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self._more = asyncio.Event()

    def __call__(self, failure: UpstreamFailure | None) -> None:
        self.codes.append(failure.code if failure is not None else "")
        self._more.set()

    async def reach(self, count: int) -> list[str]:
        """Wait until there are so many."""
        while len(self.codes) < count:
            self._more.clear()
            await asyncio.wait_for(self._more.wait(), 10)
        return self.codes


def begin(state: ServerState, url: str, results: Results) -> HealthCheck:
    return HealthCheck(state, Endpoint(parse_server(url)), check(interval=0.1), 32768, results)


async def test_results_follow_the_server(world: World):
    results = Results()
    with Checked(b"one") as app:
        checking = begin(world.state, app.url, results)
        assert set(await results.reach(2)) == {""}
        app.is_well = False
        while (await results.reach(len(results.codes) + 1))[-1] != "upstream_unwell":
            pass
        checking.stop()


async def test_nothing_comes_after_the_end(world: World):
    results = Results()
    with Checked(b"one") as app:
        checking = begin(world.state, app.url, results)
        await results.reach(1)
        checking.stop()
        seen = len(results.codes)
        await asyncio.sleep(0.3)
        assert len(results.codes) == seen


async def test_an_error_of_our_own_is_a_failure_and_not_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_: object) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(health_check_module, "probe", broken)
    results = Results()
    with capture_logs() as told:  # to draw three tracebacks takes seconds on a busy machine
        checking = begin(world.state, "http://127.0.0.1:9", results)
        assert await results.reach(3) == ["internal_error"] * 3
        checking.stop()
    assert told[0]["event"] == "an error of certgate itself, in a health check"
    assert told[0]["exc_info"]
