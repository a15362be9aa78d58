"""Can the app be reached past the gate? Then the gate is decoration.

The kernel's table of listening sockets is read; nothing is connected to.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.config.addresses import Server

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENING = "0A"

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def open_addresses(server: Server) -> list[str]:
    """Return the addresses other than loopback on which an app of this machine listens.

    Args:
        server: as the configuration names it; one on another machine gives an empty list.
    """
    if not is_loopback(server.host):
        return []
    found = {
        str(address)
        for address, port in _listening_sockets()
        if port == server.port and not address.is_loopback
    }
    return sorted(found)


def is_listening(server: Server) -> bool:
    """Tell whether anything listens at a loopback address; True where that cannot be told."""
    if not is_loopback(server.host) or not any(table.exists() for table in _TABLES):
        return True
    return any(port == server.port for _, port in _listening_sockets())


def exposure_warning(server: Server) -> str:
    """Return what to tell the operator, or nothing."""
    addresses = open_addresses(server)
    if not addresses:
        return ""
    shown = ", ".join("every address" if one in ("0.0.0.0", "::") else one for one in addresses)  # noqa: S104 -- compared, not bound
    return (
        f"the app on port {server.port} listens on {shown}: whoever reaches that port goes past "
        "the gate; let the app listen on 127.0.0.1"
    )


def is_loopback(host: str) -> bool:
    """Tell whether a host, as written, is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening_sockets() -> Iterator[tuple[_Address, int]]:
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENING:
                address, _, port = fields[1].partition(":")
                yield _parse_address(address), int(port, 16)


def _parse_address(text: str) -> _Address:
    """Read the kernel's form: 32-bit words in host byte order, in hexadecimal."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(packed) == 4:  # noqa: PLR2004 -- octets of an IPv4 address
        return ipaddress.IPv4Address(packed)
    address = ipaddress.IPv6Address(packed)
    return address.ipv4_mapped or address


def own_names() -> list[str]:
    """Return names and addresses under which this machine can be reached, loopback first."""
    names = ["localhost", "127.0.0.1", "::1"]
    host = socket.gethostname().rstrip(".").lower()
    if host.isascii() and host not in names:
        names.append(host)
    return [*names, *(str(one) for one in _own_addresses())]


def _own_addresses() -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses of the interfaces, from the kernel's routing trie."""
    try:
        lines = Path("/proc/net/fib_trie").read_text().splitlines()
    except OSError:
        return []
    found = {
        ipaddress.IPv4Address(before.rpartition(" ")[2])
        for before, line in pairwise(lines)
        if "/32 host LOCAL" in line
    }
    return sorted(address for address in found if not address.is_loopback)
