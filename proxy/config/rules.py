"""What single keys and whole lists have to obey beyond their types.

A rule that looks at a list reports every entry that breaks it, each with its own place, so that
all problems of a file come out in one pass.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from proxy.config.addresses import Address, parse_host
from proxy.config.findings import raise_any, repetitions
from proxy.config.listen_addresses import SocketPath, overlaps
from proxy.config.units import quoted, refuse_switch
from proxy.config.wording import nearest_to
from proxy.errors import CertgateError
from proxy.observe.access_format import parse_access_format
from proxy.observe.request_variables import request_variable

if TYPE_CHECKING:
    from pydantic import ValidationInfo

    from proxy.config.listen_addresses import ListenAddress
    from proxy.config.model import (
        Limits,
        Listener,
        RequestLimit,
        ServerName,
        Upstream,
        UpstreamServer,
    )

R = TypeVar("R", bound="RequestLimit")
BALANCES: Final = ("round_robin", "least_conn", "ip_hash", "random_two")
HASH: Final = "hash:"
# A unit of weight is 160 points on the ring: so many take a second to compute.
_MAX_HASHED_WEIGHT: Final = 5000
_TARGET: Final = re.compile(r"/[!\"$-~]*")  # no #: a fragment never reaches a server
_AUTHORITY: Final = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(:[0-9]{1,5})?")

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def check_listeners(listeners: tuple[Listener, ...]) -> tuple[Listener, ...]:
    """Refuse to listen twice on one address, and to redirect everybody to nowhere."""
    raise_any(overlaps([listener.address for listener in listeners]))
    raise_any(
        repetitions(
            listeners,
            lambda entry: id(entry) if _is_chosen_by_system(entry.address) else entry.address,
            "this address is given twice",
            "address",
        )
    )
    if all(listener.redirect_to_port for listener in listeners):
        raise ValueError("all redirect; at least one has to speak TLS")
    return listeners


def _is_chosen_by_system(address: ListenAddress) -> bool:
    """Port 0 is another one each time."""
    return isinstance(address, Address) and not address.port


def check_trusted_proxies(trusted: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Refuse listeners that would close every connection."""
    raise_any(repetitions(trusted, str, "is named twice"))
    for listener in info.data.get("listen", ()):
        if not listener.proxy_protocol:
            continue
        if isinstance(listener.address, SocketPath) and "unix:" not in trusted:
            raise ValueError(
                f"has to name unix: because {listener.address} has proxy_protocol: true"
            )
        if not trusted:
            raise ValueError(
                "has to name the proxies that connect to a listener with proxy_protocol: true"
            )
    return trusted


def check_server_names(names: tuple[ServerName, ...]) -> tuple[ServerName, ...]:
    """Refuse two certificates for one name."""
    raise_any(repetitions(names, lambda entry: entry.name, "this name is given twice", "name"))
    return names


def check_request_limits(limits: tuple[R, ...]) -> tuple[R, ...]:
    """Refuse the same rate for the same visitors twice: the lower burst alone would count."""
    raise_any(
        repetitions(
            limits,
            lambda entry: (entry.per, entry.rate),
            "this rate is given above; keep one of the two",
            "rate",
        )
    )
    return limits


def check_identity_headers(families: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a family that is named twice."""
    raise_any(repetitions(families, str, "is named twice"))
    return families


def check_host_pattern(text: str) -> str:
    """Return a host name or ``*.example.com`` in lower case."""
    refuse_switch(text, "write a host name such as app.example.com, or remove the key")
    wildcard = "*." if text.startswith("*.") else ""
    name = text.removeprefix(wildcard)
    if "*" in name:
        raise ValueError(
            f"{quoted(text)}: a * stands only for the whole first label: *.example.com"
        )
    if name.startswith("[") or (name.count(":") == 1):
        raise ValueError(f"{quoted(text)}: write the host alone, without port and brackets")
    return wildcard + parse_host(name)


def check_server_name(text: str) -> str:
    """Return the name of a server's certificate in lower case; empty stands for the URL's host."""
    if not text:
        return text
    return parse_host(refuse_switch(text, "write the name in the server's certificate"))


def check_servers(servers: tuple[UpstreamServer, ...]) -> tuple[UpstreamServer, ...]:
    """Refuse backups of nothing."""
    if all(server.backup for server in servers):
        raise ValueError("all are backups; at least one has to be in use")
    return servers


def check_balance(balance: str, info: ValidationInfo) -> str:
    """Refuse a rule that does not exist, and what it cannot be had together with."""
    servers = info.data.get("servers", ())
    if balance.startswith(HASH):
        _check_hash(balance.removeprefix(HASH), servers)
    elif balance not in BALANCES:
        words = (*BALANCES, f"{HASH}$variable")
        raise ValueError(
            f"{quoted(balance)} is none of {', '.join(words)}" + nearest_to(balance, words)
        )
    hashes = balance == "ip_hash" or balance.startswith(HASH)
    # As in nginx: a client whose servers are all down would move, and move back.
    if hashes and any(server.backup for server in servers):
        name = balance.partition(":")[0]
        raise ValueError(f"{name} cannot be had with a backup server; remove one of the two")
    return balance


def _check_hash(variable: str, servers: tuple[UpstreamServer, ...]) -> None:
    try:
        request_variable(variable)
    except CertgateError as error:
        raise ValueError(f"{quoted(HASH + variable)}: {error}") from None
    weights = sum(server.weight for server in servers)
    if weights > _MAX_HASHED_WEIGHT:
        raise ValueError(
            f"the weights of hashed servers may add up to {_MAX_HASHED_WEIGHT}, here it is"
            f" {weights}; divide them"
        )


def check_probe_path(text: str) -> str:
    """Refuse what cannot stand in a request line; empty stands for no probes."""
    if text and not _TARGET.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no path such as /healthz: printable, without blanks")
    return text


def check_probe_host(text: str) -> str:
    """Refuse what cannot be a Host field; empty stands for the server's address."""
    refuse_switch(text, "write a host such as app.example.com, or remove the key")
    if text and not _AUTHORITY.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no host such as app.example.com or app:3000")
    return text


def check_stored(upstreams: dict[str, Upstream], limits: Limits | None) -> dict[str, Upstream]:
    """Refuse to store what has no bound: one request could fill the disk."""
    if limits is not None and not limits.body:  # None: they were refused, and are reported
        message = "stores what has no limit; set limits.body, e.g. 100MiB"
        raise_any(
            ((name, "buffering", "requests"), message)
            for name, upstream in upstreams.items()
            if upstream.buffering.requests
        )
    return upstreams


def check_upstream_name(text: str) -> str:
    """Refuse a name that could not stand in a log line or a metric's label as it is."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"{quoted(text)}: a name is made of letters, digits, _, - and .")
    return text


def check_route_host(text: str) -> str:
    """As ``check_host_pattern``; empty stands for every host."""
    return check_host_pattern(text) if text else text


def parse_workers(value: object) -> object:
    """Refuse any number of processes but one."""
    if value == 1 or value == "1":  # noqa: PLR1714 - a list has no hash
        return 1
    raise ValueError("more than one worker, and auto, are not in this version; write 1")


def check_log_format(value: str) -> str:
    """Accept ``combined``, ``json``, or a template whose variables all exist.

    Raises:
        ValueError: with a message for the operator.
    """
    try:
        parse_access_format(value)
    except CertgateError as error:
        raise ValueError(str(error).removeprefix("access log format: ")) from None
    return value
