"""One app configured by the environment alone, as a sidecar's container is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxy.config.environment_names import FILE, PLACES, UPSTREAM
from proxy.config.load import Loaded, load, validate
from proxy.config.source import EnvironmentSource
from proxy.config.wording import nearest_to
from proxy.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.config.model import Config

_PREFIX: Final = "CERTGATE_"
_SOURCE: Final = EnvironmentSource(
    {place: name for name, place in PLACES.items()} | {("upstreams",): UPSTREAM}
)
_OF_OTHER_COMMANDS: Final = frozenset({"CERTGATE_CA_PASSPHRASE"})
# Kubernetes and Docker links give every container of a namespace such variables for a service that
# is named "certgate"; nobody wrote them.
_SERVICE_LINK: Final = re.compile(
    r"CERTGATE_(NAME|SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?|ENV_\w+)"
)


def config_from_environment(environ: Mapping[str, str]) -> Config:
    """Return the configuration that ``CERTGATE_*`` variables describe.

    Either ``CERTGATE_CONFIG`` names a file, or ``CERTGATE_LISTEN``, ``_UPSTREAM``,
    ``_CERTIFICATE``, ``_PRIVATE_KEY``, ``_CLIENT_CA`` and ``_CRL`` are the keys of the short form.
    Relative file names count from the current folder.

    Raises:
        ConfigError: with every problem that was found; ``where`` is the variable's name.
    """
    return load_from_environment(environ).config


def load_from_environment(environ: Mapping[str, str]) -> Loaded:
    """Return the configuration together with its warnings, as ``config_from_environment``.

    Raises:
        ConfigError: with every problem that was found.
    """
    if environ.get(FILE):
        return _load_file(Path(environ[FILE]), environ)
    given = {name: place for name, place in PLACES.items() if environ.get(name)}
    if not given:
        message = f"no configuration; use --config FILE, {FILE} or {', '.join(PLACES)}"
        raise ConfigError([Problem("environment", "", message)])
    sections: dict[str, dict[str, str]] = {"tls": {}, "client_auth": {}}
    values: dict[str, object] = {**sections}
    for name, place in given.items():
        if len(place) == 1:
            values[str(place[0])] = environ[name]
        else:
            sections[str(place[0])][str(place[1])] = environ[name]
    return validate(values, _SOURCE, Path.cwd(), _unknown_variables(environ))


def _load_file(path: Path, environ: Mapping[str, str]) -> Loaded:
    """A file decides alone: a variable that it does not mention would be ignored in silence."""
    loaded = load(path, environ)
    unused = [name for name in PLACES if environ.get(name) and name not in loaded.variables]
    if unused:
        advice = f"has no effect beside {FILE}; unset it, or write ${{%s}} in the file"
        raise ConfigError([Problem(name, "", advice % name) for name in unused])
    return loaded


def _nearest_variable(name: str, known: set[str]) -> str:
    """Return advice; what all names have in common does not make two of them similar."""
    rests = {other.removeprefix(_PREFIX) for other in known}
    near = nearest_to(name.removeprefix(_PREFIX), rests)
    return near.replace("did you mean ", f"did you mean {_PREFIX}") or (
        f"; unset it, or write a file and name it in {FILE}"
    )


def _unknown_variables(environ: Mapping[str, str]) -> list[Problem]:
    """A misspelt ``CERTGATE_CRL`` would switch off the revocation check: refuse to guess."""
    known = {FILE, *PLACES, *_OF_OTHER_COMMANDS}
    return [
        Problem(name, "", "is not a variable of certgate" + _nearest_variable(name, known))
        for name in sorted(environ)
        if name.startswith(_PREFIX) and name not in known and not _SERVICE_LINK.fullmatch(name)
    ]
