"""The command ``certgate up``."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from proxy import app
from proxy.ca.delivery import BUNDLE, CERTIFICATE, KEY
from proxy.cli.exposure import exposure_warning, is_listening, own_names
from proxy.cli.up.demo import DemoThread
from proxy.cli.up.provision import Provisioner, Provisions, Wishes, check_pair
from proxy.config.addresses import Server, parse_address, parse_server
from proxy.config.model import Config
from proxy.config.paths import Folder
from proxy.errors import CertgateError
from proxy.observe.error_log import configure_logging
from proxy.snapshot import build_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command()
@click.argument("upstream", required=False)
@click.option(
    "--listen",
    default="0.0.0.0:8443",
    show_default=True,
    help="Where clients connect.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default="certs",
    show_default=True,
    help="Where the CA and all certificates are kept.",
)
@click.option("--host", "hosts", multiple=True, help="A name or address that clients will use.")
@click.option("--client", default="", help="Name of the first client.  [default: your user name]")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path),
    help="Your own server certificate (PEM, with its chain) instead of one made here.",
)
@click.option("--private-key", type=click.Path(path_type=Path), help="Its private key.")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="The CA's passphrase, up to the first line end.",
)
def up(
    *,
    upstream: str | None,
    listen: str,
    folder: Path,
    hosts: tuple[str, ...],
    client: str,
    certificate: Path | None,
    private_key: Path | None,
    passphrase_file: Path | None,
) -> None:
    """Put the app at UPSTREAM behind client certificates, making whatever is missing.

    UPSTREAM is a port (3000 or :3000), host:port, or a URL. Without it a small demo app is started
    that shows who you are. A second run uses what the first one made.

    \b
    certgate up 3000
    certgate up http://127.0.0.1:3000 --host gate.example.com
    """  # noqa: D301 - click reads \b as "do not wrap"
    check_pair(certificate, private_key)
    server = _parse_upstream(upstream) if upstream is not None else None
    names = hosts or ("localhost", "127.0.0.1")
    wishes = Wishes(
        folder=folder,
        names=names,
        found=tuple(own_names()),
        client=client,
        certificate=certificate,
        private_key=private_key,
        passphrase_file=passphrase_file,
    )
    _check_listen(listen)
    provisions = Provisioner(wishes).run()
    configure_logging("info")
    with contextlib.ExitStack() as stack:
        url = str(server) if server is not None else stack.enter_context(DemoThread()).url
        config = _configuration(listen, url, provisions)
        app.serve(
            lambda previous: build_snapshot(config, previous),
            _announcement(provisions, hosts, server),
        )


def _parse_upstream(text: str) -> Server:
    try:
        return parse_server(text.removeprefix(":"))
    except ValueError as error:
        raise CertgateError(f"UPSTREAM: {error}") from error


def _check_listen(text: str) -> None:
    try:
        parse_address(text)
    except ValueError as error:
        raise CertgateError(f"--listen: {error}") from error


def _configuration(listen: str, upstream: str, provisions: Provisions) -> Config:
    values = {
        "listen": listen,
        "tls": {
            "certificate": str(provisions.certificate.absolute()),
            "private_key": str(provisions.private_key.absolute()),
        },
        "client_auth": {
            "ca": str(provisions.ca.absolute()),
            "crl": str(provisions.crl.absolute()),
        },
        "upstream": upstream,
    }
    try:
        return Config.model_validate(values, context=Folder(Path.cwd()))
    except ValidationError as error:
        details = "; ".join(str(one["msg"]) for one in error.errors(include_url=False))
        raise CertgateError(f"cannot start with these files: {details}") from error


def _announcement(
    provisions: Provisions, hosts: tuple[str, ...], server: Server | None
) -> Callable[[list[str]], None]:
    def announce(urls: list[str]) -> None:
        app.announce(urls)
        for note in provisions.notes:
            _say(note)
        if server is not None:
            for warning in _warnings(server):
                print(f"certgate: warning: {warning}", file=sys.stderr, flush=True)
        url = urls[0]
        if hosts:
            url = url.replace("127.0.0.1", hosts[0], 1)
        _say("", f"Your app is at {url}, only for people with a certificate. Try it:", "")
        _say(_curl_line(provisions, url), "")
        _say(*_next_steps(provisions))

    return announce


def _warnings(server: Server) -> list[str]:
    found = [exposure_warning(server)]
    if not is_listening(server):
        found.append(f"nothing listens on {server} yet; until the app is up, visitors get a 502")
    return [one for one in found if one]


def _curl_line(provisions: Provisions, url: str) -> str:
    words = ["curl"]
    if not provisions.is_own_server:
        words += ["--cacert", str(provisions.ca)]
    words += ["--cert", str(provisions.client.path(CERTIFICATE))]
    words += ["--key", str(provisions.client.path(KEY)), url]
    return shlex.join(words)


def _next_steps(provisions: Provisions) -> list[str]:
    bundle = provisions.client.path(BUNDLE)
    steps = [
        f"In a browser: install {bundle} (docs/browsers.md says where), then restart the browser.",
    ]
    if not provisions.is_own_server:
        steps.append(f"So that it trusts this server: install {provisions.ca} as an authority.")
    where = f"--dir {shlex.quote(str(provisions.ca.parent))}"
    if provisions.passphrase_file is not None:
        where += f" --passphrase-file {shlex.quote(str(provisions.passphrase_file))}"
    steps += [
        f"One more person:  certgate ca issue bob {where}",
        f"Shut one out:     certgate ca revoke bob {where}",
        "Stop with Ctrl-C. A second run uses the same certificates.",
    ]
    return steps


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)
