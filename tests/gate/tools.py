"""Programs beyond Python that a test needs: missing ones skip here and fail in CI."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGES = {
    "certutil": "libnss3-tools",
    "pk12util": "libnss3-tools",
    "cc": "gcc libssl-dev",
    "keytool": "default-jre-headless",
    "nginx": "nginx-light",
}


def require(tool: str) -> str:
    """Return the path of a program, or end the test: skipped, but failed where CI is set."""
    # Debian keeps daemons in /usr/sbin, which an ordinary user's PATH leaves out.
    path = shutil.which(tool, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if path is None:
        missing(f"{tool} is not installed: sudo apt-get install {_PACKAGES.get(tool, tool)}")
    return path


@contextlib.contextmanager
def many_open_files(number: int) -> Iterator[None]:
    """Let this process and its children open so many files; end the test where it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < number:
        missing(f"the hard limit of open files, {hard}, is too low for this machine")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def missing(reason: str) -> NoReturn:
    """End a test that cannot run here: with a failure in CI, where nothing may be skipped."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
