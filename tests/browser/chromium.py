"""Debian's Chromium as a person has it: a certificate store of its own, and a policy.

The certificate comes from a real NSS database in a temporary home, and the managed policy
AutoSelectCertificateForUrls takes the place of the person who clicks on "OK".
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.gate import missing, require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext

POLICIES = Path("/etc/chromium/policies/managed")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--proxy-server=direct://",
)


class Home:
    """A home folder whose NSS database trusts a CA and, perhaps, holds a certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store = folder / ".pki" / "nssdb"
        self._store.mkdir(parents=True)
        self._certutil("-N", "--empty-password")

    def _certutil(self, *arguments: str) -> None:
        command = [require("certutil"), "-d", f"sql:{self._store}", *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def trust(self, ca: Path) -> None:
        """Trust this CA for web sites."""
        self._certutil("-A", "-n", "certgate", "-t", "C,,", "-i", str(ca))

    def install(self, bundle: Path, password: str) -> None:
        """Install a .p12 as a person does."""
        command = [require("pk12util"), "-d", f"sql:{self._store}", "-i", str(bundle)]
        subprocess.run([*command, "-W", password], check=True, capture_output=True)


@contextlib.contextmanager
def choosing_certificates_for(url: str) -> Iterator[None]:
    """Let Chromium show a certificate to this site without asking; take the policy back after.

    Policies are one place for the whole machine, so only one test at a time may write there.
    """
    if os.geteuid() != 0:
        missing(f"only root can write a policy of Chromium to {POLICIES}")
    with (Path(tempfile.gettempdir()) / "certgate-chromium-policy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = [folder for folder in (POLICIES.parent, POLICIES) if not folder.exists()]
        POLICIES.mkdir(parents=True, exist_ok=True)
        policy = POLICIES / "certgate-test.json"
        choice = json.dumps({"pattern": url, "filter": {}})
        policy.write_text(json.dumps({"AutoSelectCertificateForUrls": [choice]}), encoding="utf-8")
        try:
            yield
        finally:
            policy.unlink()
            for folder in reversed(made):
                folder.rmdir()


@contextlib.contextmanager
def chromium(home: Home, *, dark: bool = False, phone: bool = False) -> Iterator[BrowserContext]:
    """Start Chromium with this home and a fresh profile in it."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            home.folder / "profile",
            executable_path=require("chromium"),
            args=list(_FLAGS),
            env={**os.environ, "HOME": str(home.folder)},
            color_scheme="dark" if dark else "light",
            viewport={"width": 390, "height": 844} if phone else {"width": 1100, "height": 760},
        )
        try:
            yield context
        finally:
            context.close()
