"""The fixtures of the black-box tests; a conftest.py imports those that it offers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.gate.haproxy import Haproxy
from tests.gate.nginx import Nginx
from tests.gate.process import Gate
from tests.gate.settings import running_gate, settings, write
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


class StartGate(Protocol):
    """Starts a gate in front of an upstream; keyword arguments replace configuration keys.

    ``launcher`` is the beginning of a command that runs the gate's.
    """

    def __call__(
        self, upstream: str = ..., *, launcher: Sequence[str] = ..., **changes: Any
    ) -> Gate: ...


@pytest.fixture
def start_gate(tmp_path: Path) -> Iterator[StartGate]:
    """Start gates whose files are in ``tmp_path``; all end with the test, with exit code 0."""
    started: list[Gate] = []
    numbers = itertools.count()

    def start(
        upstream: str = "http://127.0.0.1:9", *, launcher: Sequence[str] = (), **changes: Any
    ) -> Gate:
        values = settings(tmp_path, upstream, **changes)
        path = write(tmp_path, values, f"gate{next(numbers) or ''}.yaml")
        listeners = len(values["listen"]) if isinstance(values["listen"], list) else 1
        started.append(Gate(["serve", "-c", path], listeners=listeners, launcher=launcher))
        return started[-1]

    yield start
    _close_all(started)


def _close_all(things: list[Any]) -> None:
    """Close everything although one fails, then fail with the first failure."""
    failures = []
    for thing in things:
        try:
            thing.close()
        except AssertionError as error:
            failures.append(error)
    if failures:
        raise failures[0]


@pytest.fixture(scope="module")
def shared_recorder() -> Iterator[Recorder]:
    """The upstream behind ``recorder``; shared by a module."""
    with Recorder() as upstream:
        yield upstream


@pytest.fixture
def recorder(shared_recorder: Recorder) -> Recorder:
    """An upstream that answers 200 and keeps every request that it got during this test."""
    shared_recorder.forget()
    return shared_recorder


@pytest.fixture(scope="module")
def gate(shared_recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate with the short configuration in front of ``recorder``; shared by a module."""
    folder = tmp_path_factory.mktemp("gate")
    with running_gate(folder, shared_recorder.url) as running:
        yield running


@pytest.fixture
def start_balancer(tmp_path: Path) -> Iterator[Callable[[str], Haproxy]]:
    """Start an HAProxy that passes connections on to this server; it ends with the test."""
    started: list[Haproxy] = []

    def start(server: str) -> Haproxy:
        started.append(Haproxy.balancer(tmp_path, server))
        return started[-1]

    yield start
    _close_all(started)


@pytest.fixture
def start_nginx(tmp_path: Path) -> Iterator[Callable[[str], Nginx]]:
    """Start an nginx with this ``http`` block; it ends with the test."""
    started: list[Nginx] = []

    def start(http: str) -> Nginx:
        folder = tmp_path / f"nginx{len(started)}"
        folder.mkdir()
        started.append(Nginx(folder, http))
        return started[-1]

    yield start
    _close_all(started)
