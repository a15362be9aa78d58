"""Could ``serve`` listen on an address? Told without its port: the proxy to be reloaded has that.

The answers are in ``serve``'s words; tests compare the two. They are warnings: a configuration may
well be checked by another user, or on another machine, than the ones that it is for.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxy.config.addresses import Address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.config.model import Config
    from proxy.config.source import Place

_REASONS: Final = {
    errno.EACCES: "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.EAFNOSUPPORT: "this machine does not have that kind of address",
}
_UNKNOWN: Final = "the name does not resolve; correct it, or write an address of this machine"
# ip(7): the first port that everybody may bind; 1024 unless somebody changed it.
_FIRST_FREE_PORT: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_STATUS: Final = Path("/proc/self/status")
_CAP_NET_BIND_SERVICE: Final = 10  # <linux/capability.h>


def inspect_addresses(config: Config) -> Iterator[tuple[Place, str]]:
    """Yield the TCP addresses on which nobody could listen, with the reasons."""
    for index, listener in enumerate(config.listen):
        address = listener.address
        reason = address_fault(address) if isinstance(address, Address) else ""
        if reason:
            place = ("listen", index, "address")
            yield place, f"nobody can listen on {address} here and now: {reason}"


def address_fault(address: Address) -> str:
    """Return why nobody could listen there, for this user and as things are now; or nothing."""
    if not address.host:  # a machine has one of the two families
        return _reason(_port_fault(address.port))
    try:
        found = socket.getaddrinfo(
            address.host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror:
        return _UNKNOWN
    # One of several is enough, as for serve.
    codes = [_bind_fault(family, where) for family, *_, where in found]
    return _reason(0 if 0 in codes else codes[0]) or _reason(_port_fault(address.port))


def _reason(code: int) -> str:
    return _REASONS.get(code) or os.strerror(code) if code else ""


def _bind_fault(family: socket.AddressFamily, where: tuple[object, ...]) -> int:
    """Return the number of the error that binding a free port ends with; 0 for none."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(where)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _port_fault(port: int) -> int:
    """Return EACCES for a port that this process may not bind."""
    try:
        is_barred = 0 < port < int(_FIRST_FREE_PORT.read_text()) and not _may_bind_low_ports()
    except OSError:  # a /proc that is shut says nothing: serve will
        return 0
    return errno.EACCES if is_barred else 0


def _may_bind_low_ports() -> bool:
    """Tell whether the process has the capability: root may lack it, and others may have it."""
    fields = dict(line.partition(":")[::2] for line in _STATUS.read_text().splitlines())
    return bool(int(fields["CapEff"], 16) >> _CAP_NET_BIND_SERVICE & 1)
