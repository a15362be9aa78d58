"""Programs beyond Python that a test needs: missing ones skip here and fail in CI."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

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


def missing(reason: str) -> NoReturn:
    """End a test that cannot run here: with a failure in CI, where nothing may be skipped."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
