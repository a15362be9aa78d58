"""A command that takes long says so on a terminal, and nowhere else."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.authorities.shells import PASSPHRASE, ca, on_a_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENVIRONMENT = {"CERTGATE_CA_PASSPHRASE": PASSPHRASE, "TERM": "xterm"}
MESSAGE = "signing the list"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ca(tmp_path, "init", "--key-type", "p256")
    ca(tmp_path, "issue", "alice", "-o", "out")
    return tmp_path


@contextmanager
def held_store(folder: Path) -> Iterator[None]:
    """Write to the store from outside, so that every other writer has to wait."""
    with closing(sqlite3.connect(folder / "certs" / "ca" / "ca.db", isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")
        yield
        held.execute("ROLLBACK")


@pytest.mark.parametrize("line", ["crl", "revoke alice"])
def test_who_waits_at_a_terminal_sees_why_and_the_line_goes_away(folder: Path, line: str):
    with held_store(folder):
        terminal = on_a_terminal(folder, *line.split(), env=ENVIRONMENT)
        terminal.expect(MESSAGE)
    assert terminal.end() == 0
    after = terminal.text.rpartition(MESSAGE)[2]
    assert "\x1b[2K" in after  # erase the line
    assert "\x1b[?25h" in after  # show the cursor again


def test_a_pipe_and_a_program_see_nothing_of_it(folder: Path):
    """``--json`` at a terminal; and a standard output that is a file, with the sign beside it."""
    with held_store(folder):
        terminal = on_a_terminal(folder, "crl", "--json", env=ENVIRONMENT)
        other = on_a_terminal(folder, "crl", env=ENVIRONMENT)
        with (folder / "output").open("wb") as file:
            third = on_a_terminal(folder, "crl", env=ENVIRONMENT, stdout=file.fileno())
        other.expect(MESSAGE)
        third.expect(MESSAGE)
    assert [terminal.end(), other.end(), third.end()] == [0, 0, 0]
    assert MESSAGE not in terminal.text
    printed = (folder / "output").read_text()
    assert printed.startswith("issuer ")
    assert "\x1b" not in printed
