"""Where a gate is entered, read from its configuration at a glance.

``certgate healthcheck`` runs every few seconds beside a gate that started long ago. To load the
model would take ten times as long as to ask the gate. So only the keys that tell where to ask are
read here, and only as they are mostly written; whatever is odd about them is left to
``proxy.config.load``, which knows every way to write it and every fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from proxy.config.addresses import Address
from proxy.config.environment_names import FILE, LISTEN, PLACES
from proxy.config.listen_addresses import parse_listen_address
from proxy.config.units import parse_flag
from proxy.config.value_tree import read_values
from proxy.config.yaml_tree import YAMLFault, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.config.listen_addresses import ListenAddress
    from proxy.config.model import Config

DEFAULT_ADDRESS: Final = Address("0.0.0.0", 8443)  # noqa: S104 - clients are outside
_LONGEST_FILE: Final = 256 * 1024
_KEYS: Final = frozenset({"address", "proxy_protocol", "redirect_to_port"})


@dataclass(frozen=True, slots=True)
class Door:
    """One listener.

    Attributes:
        address: where it listens.
        proxy_protocol: connections begin with a PROXY header.
        redirects: it speaks plain HTTP, and only redirects.
    """

    address: ListenAddress
    proxy_protocol: bool = False
    redirects: bool = False


@dataclass(frozen=True, slots=True)
class Entrance:
    """All listeners of a gate.

    Attributes:
        doors: the listeners.
        refuses_in_handshake: a client without a good certificate gets an alert, no page.
    """

    doors: tuple[Door, ...]
    refuses_in_handshake: bool

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return what a whole configuration tells."""
        doors = tuple(
            Door(entry.address, entry.proxy_protocol, entry.redirect_to_port is not None)
            for entry in config.listen
        )
        return cls(doors, config.client_auth.reject_with == "alert")


class _OddError(Exception):
    """Something is not as it is mostly written."""


def glance(file: Path | None, environ: Mapping[str, str]) -> Entrance | None:
    """Return where a gate is entered, or None where that takes the whole loader.

    Args:
        file: the configuration; None for what the environment says.
        environ: the variables of the process.
    """
    try:
        return _entrance(_values(file, environ))
    except (OSError, ValueError, YAMLFault, _OddError):
        return None


def _values(file: Path | None, environ: Mapping[str, str]) -> object:
    """Return the values of the keys that matter.

    Raises:
        OSError, ValueError, YAMLFault: the file cannot be read, is no text or no YAML.
        _OddError: they cannot be told.
    """
    if file is None and not environ.get(FILE):
        if not any(environ.get(name) for name in PLACES):
            raise _OddError
        return {"listen": environ[LISTEN]} if environ.get(LISTEN) else {}
    with (file or Path(environ[FILE])).open("rb") as opened:
        raw = opened.read(_LONGEST_FILE + 1)
    if len(raw) > _LONGEST_FILE:
        raise _OddError
    root, faults = parse_yaml(raw.decode("utf-8-sig"))
    values, facts = read_values(root, environ)
    if faults or any(place[:1] in {("listen",), ("client_auth",)} for place in facts.faults):
        raise _OddError
    return values


def _entrance(values: object) -> Entrance:
    keys = _mapping(values)
    listen = keys.get("listen", str(DEFAULT_ADDRESS))
    doors = tuple(map(_door, listen if isinstance(listen, list) else [listen]))
    reject_with = _mapping(keys.get("client_auth", {})).get("reject_with", "page")
    if not doors or reject_with not in {"page", "alert"}:
        raise _OddError
    return Entrance(doors, reject_with == "alert")


def _door(entry: object) -> Door:
    keys = {"address": entry} if isinstance(entry, str) else _mapping(entry)
    if "address" not in keys or not keys.keys() <= _KEYS:
        raise _OddError
    has_header = parse_flag(keys.get("proxy_protocol", False))
    if not isinstance(has_header, bool):
        raise _OddError
    return Door(parse_listen_address(keys["address"]), has_header, "redirect_to_port" in keys)


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _OddError
    return value
