"""One command line in, one exit code out, and never a traceback for what a user can cause."""

from __future__ import annotations

import os
import sys

import click
import pytest

from proxy import __version__
from proxy.cli import main as module
from proxy.cli.main import certgate, main
from proxy.errors import CertgateError


def code_of(*arguments: str) -> object:
    with pytest.raises(SystemExit) as exited:
        main(list(arguments))
    return exited.value.code


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let every command fail so."""

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(certgate, "main", fail)


def test_every_command_is_there(capsys: pytest.CaptureFixture[str]):
    assert code_of("--help") == 0
    shown = capsys.readouterr().out
    context = click.Context(certgate)
    for name in certgate.list_commands(context):
        command = certgate.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert f"  {name} " in shown


def test_the_version(capsys: pytest.CaptureFixture[str]):
    assert code_of("--version") == 0
    assert capsys.readouterr().out == f"certgate, version {__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["serve", "--nonsense"], ["serve", "extra"]])
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert code_of(*arguments) == 2
    assert "Usage: certgate" in capsys.readouterr().err


def test_a_failure_is_1_with_its_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    failing(monkeypatch, CertgateError("first\nsecond"))
    assert code_of() == 1
    assert capsys.readouterr().err == "certgate: first\ncertgate: second\n"


def test_a_failure_without_words_names_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    failing(monkeypatch, CertgateError())
    assert code_of() == 1
    assert capsys.readouterr().err == "certgate: CertgateError\n"


def test_an_interrupted_command_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    failing(monkeypatch, click.exceptions.Abort())
    assert code_of() == 1
    assert capsys.readouterr().err == "certgate: stopped\n"


def test_a_reader_that_went_away_is_no_reason_to_complain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    replaced: list[int] = []
    monkeypatch.setattr(os, "dup2", lambda _, target: replaced.append(target))
    failing(monkeypatch, BrokenPipeError())
    assert code_of() == 1
    assert capsys.readouterr().err == ""
    assert replaced == [1]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "certgate: no space left on device\n"),
        (
            PermissionError(13, "Permission denied", "ca.crt"),
            "certgate: ca.crt: permission denied\n",
        ),
        (OSError("odd"), "certgate: odd\n"),
    ],
)
def test_what_the_system_refused_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError, said: str
):
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    failing(monkeypatch, error)
    assert code_of() == 1
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("command", ["check", "serve", "healthcheck", "reload", "stop"])
def test_a_configuration_without_its_option_is_explained(
    command: str, capsys: pytest.CaptureFixture[str]
):
    assert code_of(command, "gate.yaml") == 2
    assert "(gate.yaml); a configuration is named with -c FILE" in capsys.readouterr().err


@pytest.mark.parametrize(("outcome", "code"), [(None, 0), (3, 3), ("text", 0)])
def test_a_number_that_a_command_returns_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, outcome: object, code: int
):
    monkeypatch.setattr(certgate, "main", lambda **_: outcome)
    assert code_of() == code


def test_structlog_is_loaded_without_rich_which_can_be_loaded_later(
    monkeypatch: pytest.MonkeyPatch,
):
    loaded: list[tuple[str, bool]] = []
    monkeypatch.delitem(sys.modules, "rich", raising=False)
    monkeypatch.setattr(
        module.importlib,
        "import_module",
        lambda name: loaded.append((name, "rich" in sys.modules and sys.modules["rich"] is None)),
    )
    module._import_structlog()
    assert loaded == [("structlog", True)]
    assert "rich" not in sys.modules
    monkeypatch.setitem(sys.modules, "rich", sys)
    module._import_structlog()
    assert len(loaded) == 1


def test_a_command_that_does_not_exist_imports_nothing():
    assert certgate.get_command(click.Context(certgate), "nonsense") is None
    assert "nonsense" not in module._COMMANDS


@pytest.mark.parametrize("word", ["doctor", "explain", "import"])
@pytest.mark.parametrize("more", [[], ["--help"], ["-c", "gate.yaml"]])
def test_a_command_of_a_later_version_is_refused_by_name(
    word: str, more: list[str], capsys: pytest.CaptureFixture[str]
):
    assert code_of(word, *more) == 2
    assert f"certgate {word} is not in this version" in capsys.readouterr().err
    assert code_of("--help") == 0
    assert f"  {word} " not in capsys.readouterr().out
