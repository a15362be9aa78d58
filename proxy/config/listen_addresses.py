"""Where the proxy listens, as people write it: an address, a Unix socket, or one that is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from proxy.config.addresses import Address, parse_address, parse_socket_path
from proxy.config.units import WHOLE_NUMBER, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from proxy.config.findings import Finding

_FIRST_INHERITED: Final = 3  # after the three standard streams; sd_listen_fds(3) begins here, too
_MAX_DESCRIPTOR: Final = 2**20
# What systemd lets stand in FileDescriptorName=, bounded as it is there.
_NAME: Final = re.compile(r"[!-9;-~]{1,255}")


@dataclass(frozen=True, slots=True)
class SocketPath:
    """A Unix socket that the proxy makes."""

    path: str

    def __str__(self) -> str:
        """Return the form in which it is written."""
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A listening socket that the process is started with."""

    number: int

    def __str__(self) -> str:
        """Return the form in which it is written."""
        return f"fd:{self.number}"


@dataclass(frozen=True, slots=True)
class SystemdSocket:
    """All listening sockets that systemd passes under this name."""

    name: str

    def __str__(self) -> str:
        """Return the form in which it is written."""
        return f"systemd:{self.name}"


ListenAddress = Address | SocketPath | Descriptor | SystemdSocket


def parse_listen_address(value: object) -> ListenAddress:
    """Read ``unix:/path``, ``fd:N``, ``systemd:NAME``, or what ``parse_address`` reads.

    Raises:
        ValueError: with a message for the operator.
    """
    if isinstance(value, SocketPath | Descriptor | SystemdSocket):
        return value
    if isinstance(value, str):
        kind, _, rest = value.partition(":")
        if kind in _KINDS:
            return _KINDS[kind](rest)
    return parse_address(value)


def _parse_descriptor(text: str) -> Descriptor:
    if not WHOLE_NUMBER.fullmatch(text) or not _FIRST_INHERITED <= int(text) <= _MAX_DESCRIPTOR:
        raise ValueError(
            f"{quoted(text)} is not the number of a socket that the process is started with; "
            f"the first one is {_FIRST_INHERITED}"
        )
    return Descriptor(int(text))


def _parse_systemd_name(text: str) -> SystemdSocket:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{quoted(text)} is not a name of systemd's sockets; write what stands in "
            "FileDescriptorName=, or the name of the unit, such as certgate.socket"
        )
    return SystemdSocket(text)


def overlaps(addresses: Sequence[ListenAddress]) -> Iterator[Finding]:
    """Yield what is wrong with each address that an earlier one takes as well.

    The kernel would refuse the second one as "in use", without saying that it is our own.
    """
    for index, address in enumerate(addresses):
        for other in addresses[:index]:
            if address != other and _overlap(address, other):
                yield (index, "address"), f"{address} and {other} overlap; keep one of the two"


def _overlap(one: ListenAddress, other: ListenAddress) -> bool:
    if not isinstance(one, Address) or not isinstance(other, Address):
        return False
    if one.port != other.port or not one.port:
        return False
    both = _families(one.host) & _families(other.host)
    return bool(both) and not {one.host, other.host}.isdisjoint(_EVERY_ADDRESS)


def _families(host: str) -> frozenset[int]:
    """Return the IP versions in which an address is bound; of a name nobody knows it yet."""
    if host in _EVERY_ADDRESS:
        return _EVERY_ADDRESS[host]
    try:
        return frozenset({ip_address(host).version})
    except ValueError:
        return frozenset()


_EVERY_ADDRESS: Final = {
    "": frozenset({4, 6}),
    "0.0.0.0": frozenset({4}),  # noqa: S104 - compared, not bound
    "::": frozenset({6}),
}

_KINDS: Final[dict[str, Callable[[str], ListenAddress]]] = {
    "unix": lambda text: SocketPath(parse_socket_path(text)),
    "fd": _parse_descriptor,
    "systemd": _parse_systemd_name,
}
