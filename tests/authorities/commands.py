"""``certgate ca`` as a user types it, without the price of a process for each command."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from proxy.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "CERTGATE_CA_PASSPHRASE"
PASSPHRASE = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Return standard output as JSON."""
        return json.loads(self.stdout)

    @property
    def reason(self) -> str:
        """Return the one line of a refusal."""
        assert self.code == 1, self
        lines = [line for line in self.stderr.splitlines() if "warning:" not in line]
        assert lines, self
        assert lines[-1].startswith("certgate: ")
        assert "Traceback" not in self.stderr
        return lines[-1].removeprefix("certgate: ")


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs ``certgate ca`` commands for the CA in one folder."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def ca(self, verb: str, *arguments: object) -> Outcome:
        """Run one verb with ``--dir``; return what it did."""
        line = ["ca", verb, "--dir", str(self.folder / "ca"), *map(str, arguments)]
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main(line)
        printed = self.capsys.readouterr()
        code = exited.value.code
        return Outcome(code if isinstance(code, int) else 0, printed.out, printed.err)

    def done(self, verb: str, *arguments: object) -> Outcome:
        """Run one verb that must succeed."""
        outcome = self.ca(verb, *arguments)
        assert outcome.code == 0, outcome
        return outcome
