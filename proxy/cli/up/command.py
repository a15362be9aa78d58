"""The command ``certgate up``."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog
from pydantic import ValidationError

from proxy import app
from proxy.ca.names import host_name
from proxy.cli.config_option import PATH
from proxy.cli.exposure import exposure_warning, is_listening, is_loopback, own_names
from proxy.cli.inspection import inspect_certificates
from proxy.cli.up.announcement import Announcement, is_address
from proxy.cli.up.provision import Provisioner, Provisions, Wishes
from proxy.config.addresses import Address, Server, parse_address, parse_server
from proxy.config.model import Config
from proxy.config.paths import Folder
from proxy.config.units import quoted
from proxy.config.wording import message_of
from proxy.errors import CertgateError
from proxy.observe.error_log import configure_logging
from proxy.snapshot import build_snapshot
from proxy.tls.files import WrongFileError, load_server_certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.cli.up.demo import DemoThread
    from proxy.snapshot import Snapshot

_log = structlog.stdlib.get_logger()

_EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 -- compared, not bound


@click.command()
@click.argument("upstream", required=False)
@click.option(
    "--listen",
    metavar="ADDRESS",
    default="0.0.0.0:8443",
    show_default=True,
    help="Where clients connect.",
)
@click.option(
    "--dir",
    "folder",
    type=PATH,
    default="certs",
    show_default=True,
    help="Where the CA and all certificates are kept.",
)
@click.option(
    "--host",
    "hosts",
    metavar="NAME",
    multiple=True,
    help="A name or address that clients will use; may be repeated.",
)
@click.option(
    "--client",
    metavar="NAME",
    default="",
    help="Name of the first client.  [default: your user name]",
)
@click.option(
    "--certificate",
    type=PATH,
    help="Your own server certificate (PEM, with its chain) instead of one made here.",
)
@click.option("--private-key", type=PATH, help="Its private key.")
@click.option(
    "--passphrase-file",
    type=PATH,
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
    _check_pair(certificate, private_key)
    for host in hosts:
        _check_host(host)
    address = _parse_listen(listen)
    server = _parse_upstream(upstream, address) if upstream is not None else None
    wishes = Wishes(
        folder=folder,
        names=_wanted_names(hosts, address),
        found=tuple(own_names()),
        client=client,
        certificate=certificate,
        private_key=private_key,
        passphrase_file=passphrase_file,
    )
    provisions = Provisioner(wishes, _say, datetime.now(UTC)).run()
    configure_logging("info")
    with contextlib.ExitStack() as stack:
        url = str(server) if server is not None else stack.enter_context(_demo()).url
        config = _configuration(listen, url, provisions)
        what = "Your app" if server is not None else "A demo app"
        app.serve(
            lambda previous: _build(config, previous),
            _announce(Announcement(provisions, hosts, what), server),
        )


def _demo() -> DemoThread:
    from proxy.cli.up.demo import DemoThread  # noqa: PLC0415 -- aiohttp is for the demo alone

    return DemoThread()


def _check_pair(certificate: Path | None, private_key: Path | None) -> None:
    if (certificate is None) != (private_key is None):
        raise CertgateError("--certificate and --private-key go together: give both or neither")
    if certificate is not None and private_key is not None:
        try:
            load_server_certificate(certificate, private_key)
        except WrongFileError as error:
            raise CertgateError(f"--{error.given_as.replace('_', '-')}: {error}") from error


def _check_host(text: str) -> None:
    try:
        host_name(text)
    except CertgateError:
        is_name = False
    else:
        # 256.1.1.1 is nobody's name: no top-level domain is a number (RFC 3696, section 2).
        is_name = not text.rpartition(".")[2].isdecimal() or is_address(text)
    if not is_name:
        raise CertgateError(
            f"--host: {quoted(text)} is neither a host name nor an IP address; "
            "write it without https:// and port, e.g. gate.example.com"
        )


def _parse_upstream(text: str, listen: Address) -> Server:
    try:
        server = parse_server(text.removeprefix(":") if text[1:].isdecimal() else text)
    except ValueError as error:
        raise CertgateError(f"UPSTREAM: {error}") from error
    if server.port == listen.port and is_loopback(server.host):
        raise CertgateError(
            f"UPSTREAM: {server} is where certgate listens itself; give the port of the app, "
            "or another --listen"
        )
    return server


def _parse_listen(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise CertgateError(f"--listen: {error}") from error


def _wanted_names(hosts: tuple[str, ...], listen: Address) -> tuple[str, ...]:
    """Return what the server certificate must be valid for: names, and where it is tried."""
    here = ("127.0.0.1",) if listen.host in _EVERY_ADDRESS else (listen.host,)
    return tuple(dict.fromkeys((*(hosts or ("localhost", "127.0.0.1")), *here)))


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
        # The first: a file that cannot be used leaves an empty list behind, which is another.
        first = error.errors(include_url=False)[0]
        raise CertgateError(f"cannot start: {message_of(first, Config)}") from error


def _build(config: Config, previous: Snapshot | None) -> Snapshot:
    snapshot = build_snapshot(config, previous)
    for place, message in inspect_certificates(snapshot, datetime.now(UTC)):
        _log.warning("configuration", problem=f"{'.'.join(map(str, place))}: {message}")
    return snapshot


def _announce(announcement: Announcement, server: Server | None) -> Callable[[list[str]], None]:
    def announce(urls: list[str]) -> None:
        app.announce(urls)
        if server is not None:
            for warning in _warnings(server):
                print(f"certgate: warning: {warning}", file=sys.stderr, flush=True)
        for line in announcement.lines(urls[0]):
            _say(line)

    return announce


def _warnings(server: Server) -> list[str]:
    found = [exposure_warning(server)]
    if not is_listening(server):
        found.append(f"nothing listens on {server} yet; until the app is up, visitors get a 502")
    return [one for one in found if one]


def _say(line: str) -> None:
    print(line, flush=True)
