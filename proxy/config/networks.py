"""Whose word counts: addresses and networks, as people write them."""

from __future__ import annotations

import re
from ipaddress import IPv6Interface, ip_interface
from typing import Final

from proxy.config.units import quoted

_UNIX: Final = "unix:"
_WRITTEN: Final = re.compile(r"[0-9A-Fa-f:.]+(?:/(?:0|[1-9][0-9]{0,2}))?")


def parse_network(value: object) -> str:
    """Read an address, a network in CIDR form, or ``unix:``; return it in its usual form.

    Raises:
        ValueError: with a message for the operator.
    """
    if not isinstance(value, str):
        raise ValueError("expects a network such as 10.0.0.0/8")  # noqa: TRY004 - pydantic reports ValueErrors
    if value == _UNIX:
        return value
    try:
        interface = ip_interface(value)
    except ValueError:
        interface = None
    # Python also takes a netmask behind the slash, and a zone; one way to write it is enough.
    if interface is None or not _WRITTEN.fullmatch(value):
        raise ValueError(
            f"{quoted(value)} is not a network; write 10.0.0.0/8, 192.0.2.1, 2001:db8::/32 or unix:"
        )
    network = interface.network
    if network.network_address != interface.ip:
        raise ValueError(f"{quoted(value)} has bits behind its prefix; write {network}")
    if isinstance(interface, IPv6Interface) and interface.ip.ipv4_mapped:
        raise ValueError(f"{quoted(value)}: write IPv4 networks as such, e.g. 10.0.0.0/8")
    return str(network) if "/" in value else str(interface.ip)
