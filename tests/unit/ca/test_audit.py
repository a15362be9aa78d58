"""Who is at the keyboard."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from proxy.ca.audit import operator

if TYPE_CHECKING:
    import pytest


def test_the_user_is_the_kernels_and_not_the_environments(monkeypatch: pytest.MonkeyPatch):
    """Anybody can set LOGNAME."""
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert operator() == pwd.getpwuid(os.getuid()).pw_name


def test_behind_sudo_the_caller_is_named_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "alice")
    assert operator() == "root (sudo by alice)"
    monkeypatch.setenv("SUDO_USER", "ali\nce")
    assert operator() == "root"


def test_an_ordinary_user_cannot_claim_to_be_behind_sudo(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    monkeypatch.setenv("SUDO_USER", "alice")
    assert operator() == "uid 54321"
