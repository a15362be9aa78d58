"""What ``up`` says once the gate is open: the address, a line to try, what to do next."""

from __future__ import annotations

import ipaddress
import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509

from proxy.ca.delivery import BUNDLE, CERTIFICATE, KEY
from proxy.tls.files import load_certificates

if TYPE_CHECKING:
    from proxy.cli.up.provision import Provisions

_DEFAULT_CA = Path("certs/ca")  # of `certgate ca`, where --dir can be left out


@dataclass(frozen=True, slots=True)
class Announcement:
    """What to say.

    Attributes:
        provisions: the files that the gate runs with.
        hosts: names by which people will reach it.
        what: what is behind the gate, e.g. ``Your app``.
    """

    provisions: Provisions
    hosts: tuple[str, ...]
    what: str

    def lines(self, listening: str) -> list[str]:
        """Return the lines.

        Args:
            listening: the URL at which this machine reaches the gate.
        """
        name = self._public_name()
        url = listening if name is None else _with_host(listening, name)
        return [
            "",
            f"{self.what} is at {url}, only for people with a certificate. Try it:",
            "",
            self._curl_line(listening, name),
            "",
            *self._next_steps(),
        ]

    def _public_name(self) -> str | None:
        """Return the name that people will use, as far as it is known and can be visited."""
        names = list(self.hosts)
        if not names and self.provisions.is_own_server:
            names = _names_of(self.provisions.certificate)
        return next((name for name in names if not name.startswith("*.")), None)

    def _curl_line(self, listening: str, name: str | None) -> str:
        words, url = ["curl"], listening
        if name is not None and not is_address(name):
            # Works although the name may not lead here yet.
            url, here = _with_host(listening, name), urlsplit(listening)
            words += ["--resolve", f"{name}:{here.port}:{_bracketed(here.hostname or '')}"]
        if not self.provisions.is_own_server:
            words += ["--cacert", str(self.provisions.ca)]
        words += ["--cert", str(self.provisions.client.path(CERTIFICATE))]
        words += ["--key", str(self.provisions.client.path(KEY)), url]
        return shlex.join(words)

    def _next_steps(self) -> list[str]:
        bundle = self.provisions.client.path(BUNDLE)
        command, folder = f"{_own_command()} ca", self._folder_option()
        options = folder + self._passphrase_option()
        if bundle.exists():
            browser = f"install {bundle} (docs/browsers.md says where), then restart the browser."
        else:
            made_by = shlex.join(["export", bundle.stem, "--format", "p12", "-o", str(bundle)])
            browser = f"{command} {made_by}{folder} makes the file to install."
        steps = [f"In a browser: {browser}"]
        if not self.provisions.is_own_server:
            ca = self.provisions.ca
            steps.append(f"So that it trusts this server: install {ca} as an authority.")
        return [
            *steps,
            f"One more person:  {command} issue bob{options}",
            f"Shut one out:     {command} revoke bob{options}",
            "Stop with Ctrl-C. A second run uses the same certificates.",
        ]

    def _folder_option(self) -> str:
        folder = self.provisions.ca.parent
        return "" if folder == _DEFAULT_CA else f" --dir {shlex.quote(str(folder))}"

    def _passphrase_option(self) -> str:
        secret = self.provisions.passphrase_file
        return "" if secret is None else f" --passphrase-file {shlex.quote(str(secret))}"


def _own_command() -> str:
    """Return how to call certgate once more: ``make run`` installs it where PATH does not look."""
    called, found = sys.argv[0], shutil.which("certgate")
    is_path = os.sep in called and Path(called).name == "certgate"
    if not is_path or (found is not None and Path(found).samefile(called)):
        return "certgate"
    return shlex.quote(called)


def _with_host(url: str, name: str) -> str:
    return f"https://{_bracketed(name)}:{urlsplit(url).port}/"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def is_address(text: str) -> bool:
    """Tell whether a host is an IP address, without brackets."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _names_of(certificate: Path) -> list[str]:
    leaf = load_certificates(certificate)[0]
    try:
        entries = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return entries.get_values_for_type(x509.DNSName)
