"""Where every command finds its configuration, and how its problems get their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.cli.configuration import compile_configuration, load_configuration, read_config
from proxy.errors import ConfigError
from tests.gate import settings, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "LISTEN", "UPSTREAM", "CERTIFICATE", "PRIVATE_KEY", "CLIENT_CA", "CRL"):
        monkeypatch.delenv(f"CERTGATE_{name}", raising=False)


def test_the_option_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CERTGATE_CONFIG", str(tmp_path / "nothing.yaml"))
    path = write(tmp_path, settings(tmp_path, listen="127.0.0.1:1"))
    assert read_config(path).listen[0].address.port == 1


def test_the_environment_is_asked_without_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = write(tmp_path, settings(tmp_path, listen="127.0.0.1:2"))
    monkeypatch.setenv("CERTGATE_CONFIG", str(path))
    assert load_configuration(None).config.listen[0].address.port == 2


def test_without_anything_it_says_what_to_do():
    with pytest.raises(ConfigError, match="-c"):
        read_config(None)


def test_problems_of_the_files_get_the_line_of_their_key(tmp_path: Path):
    path = write(tmp_path, settings(tmp_path))
    (tmp_path / "ca.crt").write_text("rubbish")
    with pytest.raises(ConfigError) as caught:
        compile_configuration(load_configuration(path))
    [problem] = caught.value.problems
    assert problem.where.startswith(f"{path}:")
    assert problem.where.removeprefix(f"{path}:").isdecimal()


def test_problems_that_have_a_place_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from proxy.errors import Problem

    placed = Problem("elsewhere:1", "key", "message")

    def fail(*_: object) -> None:
        raise ConfigError([placed])

    monkeypatch.setattr("proxy.cli.configuration.build_snapshot", fail)
    with pytest.raises(ConfigError) as caught:
        compile_configuration(load_configuration(write(tmp_path, settings(tmp_path))))
    assert caught.value.problems == [placed]
