"""The line on the terminal: when it appears, what it counts, when it goes away."""

from __future__ import annotations

import os
import pty
import select
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from proxy.cli.ca import progress
from proxy.cli.ca.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 10


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)


@contextmanager
def a_screen() -> Iterator[int]:
    """Make standard error a terminal; give the side that shows what is on it."""
    # Not as a fixture: pytest puts its own standard error back when a test begins.
    master, slave = pty.openpty()
    with pytest.MonkeyPatch.context() as patch, os.fdopen(slave, "w") as terminal:
        patch.setenv("TERM", "xterm")
        patch.setattr("sys.stderr", terminal)
        yield master
    os.close(master)


def read(screen: int, words: str) -> str:
    """Read until the words are there."""
    text = ""
    while words not in text:
        ready, _, _ = select.select([screen], [], [], _SECONDS)
        assert ready, text
        text += os.read(screen, 65536).decode()
    return text


def is_blank(screen: int) -> bool:
    ready, _, _ = select.select([screen], [], [], 0)
    return not ready


def test_what_is_through_is_counted():
    with a_screen() as screen, Progress("reading the store", quiet=False) as shown:
        items = shown.counting(range(5000))
        assert next(items) == 0
        assert len(list(islice(items, 1233))) == 1233
        read(screen, "reading the store  1,234")
        shown.stop()
        read(screen, "\x1b[?25h")
        assert len(list(items)) == 5000 - 1234
        assert is_blank(screen)


def test_what_is_quick_shows_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progress, "_PATIENCE", 60.0)
    with a_screen() as screen:
        with Progress("signing the list", quiet=False):
            pass
        assert is_blank(screen)


def test_what_is_for_programs_shows_nothing():
    with a_screen() as screen, Progress("signing the list", quiet=True) as shown:
        shown._over.wait(0.5)
        assert is_blank(screen)


def test_without_a_terminal_nothing_is_shown(capfd: pytest.CaptureFixture[str]):
    with Progress("signing the list", quiet=False) as shown:
        shown._over.wait(0.5)
    assert capfd.readouterr().err == ""


def test_an_error_ends_it_and_comes_through():
    with a_screen() as screen:
        with pytest.raises(KeyError), Progress("signing the list", quiet=False):  # noqa: PT012
            read(screen, "signing")
            raise KeyError
        read(screen, "\x1b[?25h")
