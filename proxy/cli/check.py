"""``certgate check``: everything that is wrong with a configuration, before it matters."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from proxy.cli.config_option import ConfiguredCommand, config_option
from proxy.cli.configuration import compile_configuration, load_configuration
from proxy.cli.ground import inspect_ground
from proxy.cli.inspection import inspect
from proxy.cli.listening_ground import inspect_addresses
from proxy.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from proxy.config.model import Config, Listener
    from proxy.snapshot import Snapshot


@click.command(cls=ConfiguredCommand)
@config_option
@click.pass_context
def check(context: click.Context, config_file: Path | None) -> None:
    """Check a configuration: keys, files, certificates, dates, revocation lists, apps.

    Files and folders are looked at as the user who runs this; run it as the proxy's.

    Each problem is one line on stderr, `file:line: key: message`; exit 1 if there is one.
    What works but should not stay is a warning, and does not change the exit code.
    """
    try:
        loaded = load_configuration(config_file)
        snapshot = compile_configuration(loaded)
    except ConfigError as error:
        _tell(error.problems)
        context.exit(1)
    faults = [loaded.source.problem(*fault) for fault in inspect_ground(loaded.config)]
    _tell(faults)
    findings = [*inspect_addresses(loaded.config), *inspect(snapshot, datetime.now(UTC))]
    warnings = loaded.warnings + [loaded.source.problem(*finding) for finding in findings]
    _tell(Problem(one.where, one.key, f"warning: {one.message}") for one in warnings)
    if faults:
        context.exit(1)
    click.echo(f"OK: {_summary(loaded.config, snapshot)}")


def _tell(problems: Iterable[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem), err=True)


def _summary(config: Config, snapshot: Snapshot) -> str:
    addresses = _listed(one for one in config.listen if not one.redirect_to_port)
    redirected = _listed(one for one in config.listen if one.redirect_to_port)
    redirects = f"; redirects on {redirected}" if redirected else ""
    access = Counter(route.access for route in config.routes)
    routes = ", ".join(f"{access[kind]} {kind}" for kind in sorted(access, reverse=True))
    authorities = _counted(len(snapshot.trust.anchors), "CA")
    served = _served(config)
    return f"https on {addresses}{redirects}; clients of {authorities}; {served}; routes: {routes}"


def _served(config: Config) -> str:
    folders = {route.static for route in config.routes} - {None}
    numbers = {"app": len(config.upstreams), "folder": len(folders)}
    return ", ".join(_counted(number, what) for what, number in numbers.items() if number)


def _listed(listeners: Iterable[Listener]) -> str:
    return ", ".join(str(listener.address) for listener in listeners)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
