"""``certgate serve`` reads, warns, compiles and hands over to the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from proxy import app
from proxy.cli.serve import serve
from proxy.errors import ConfigError
from tests.gate import settings, write

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.app import Build
    from proxy.snapshot import Snapshot


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """The snapshots of a start and of one reload."""
    snapshots: list[Snapshot] = []

    def start(build: Build, ready: object) -> None:
        assert ready is app.announce
        snapshots.append(build(None))
        snapshots.append(build(snapshots[0]))

    monkeypatch.setattr(app, "serve", start)
    return snapshots


@pytest.fixture(autouse=True)
def levels(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The levels that the error log was set to."""
    chosen: list[str] = []
    monkeypatch.setattr("proxy.cli.serve.configure_logging", chosen.append)
    return chosen


def test_it_builds_from_the_file_at_the_start_and_at_each_reload(
    tmp_path: Path, built: list[Snapshot], levels: list[str]
):
    path = write(tmp_path, settings(tmp_path))
    result = CliRunner().invoke(serve, ["-c", str(path)])
    assert result.exception is None
    first, second = built
    assert first is not second
    assert first.config == second.config
    assert levels == ["info"]


def test_the_level_of_the_log_can_be_chosen(
    tmp_path: Path, built: list[Snapshot], levels: list[str]
):
    path = write(tmp_path, settings(tmp_path))
    CliRunner().invoke(serve, ["-c", str(path), "--log-level", "debug"])
    assert built
    assert levels == ["debug"]


def test_warnings_go_to_the_log(tmp_path: Path, built: list[Snapshot]):
    path = write(tmp_path, settings(tmp_path, routes=[{"path": "/", "access": "public"}]))
    with capture_logs() as logs:
        CliRunner().invoke(serve, ["-c", str(path)])
    assert len(built) == 2
    warnings = [log for log in logs if log["event"] == "configuration"]
    assert len(warnings) == 2
    assert "every route is public" in warnings[0]["problem"]


def test_a_file_that_is_wrong_does_not_start(tmp_path: Path, built: list[Snapshot]):
    path = write(tmp_path, settings(tmp_path, upstream=None))
    result = CliRunner().invoke(serve, ["-c", str(path)])
    assert isinstance(result.exception, ConfigError)
    assert built == []
