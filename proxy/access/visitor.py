"""Who counts as one visitor."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv6Address
from typing import Final

_NETWORK_BITS: Final = 64


def address_key(address: str) -> str:
    """Return what an IP address is counted under.

    An IPv6 host has a whole /64 of addresses to come from (RFC 6177, RFC 8981), so the network
    counts. An IPv4 address that is written as IPv6 (RFC 4291, section 2.5.5.2) is that address.
    What is neither stands for itself.
    """
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address)
    except AddressValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    network = int(parsed) >> _NETWORK_BITS << _NETWORK_BITS
    return f"{IPv6Address(network)}/{_NETWORK_BITS}"
