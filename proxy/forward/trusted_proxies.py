"""The proxies in front of this one that may speak for other clients."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

UNIX: Final = "unix:"
"""The address of a peer that has none, as nginx writes it: it came over a Unix socket."""


# ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255; what is longer is not even remembered.
_LONGEST: Final = 45


class TrustedProxies:
    """A set of addresses; an empty one is false.

    Networks are kept by the length of their prefixes, so that a list of all of a CDN's networks
    costs one look-up for each length and not one for each network.
    """

    __slots__ = ("_has_unix", "_networks")

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """Read the entries.

        Args:
            entries: addresses, networks in CIDR form, ``unix:`` for peers on Unix sockets.

        Raises:
            ValueError: for anything else.
        """
        self._has_unix = False
        # By the width of the address and the bits behind the prefix.
        self._networks: dict[tuple[int, int], set[int]] = {}
        for entry in entries:
            if entry == UNIX:
                self._has_unix = True
                continue
            network = ip_network(entry)
            shift = network.max_prefixlen - network.prefixlen
            prefixes = self._networks.setdefault((network.max_prefixlen, shift), set())
            prefixes.add(int(network.network_address) >> shift)

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return self._has_unix or bool(self._networks)

    def __contains__(self, address: str) -> bool:
        """Tell whether this is one of them; what is no address never is."""
        if address == UNIX:
            return self._has_unix
        parsed = _parsed(address)
        return parsed is not None and any(
            parsed.number >> shift in prefixes
            for (width, shift), prefixes in self._networks.items()
            if width == parsed.width
        )


def canonical_address(text: str) -> str:
    """Return an IP address in the one form in which it is compared, logged and forwarded.

    An IPv4 address inside an IPv6 one (``::ffff:192.0.2.1``, from sockets for both) is the IPv4
    address: a rule for ``192.0.2.0/24`` would miss it else.

    Returns:
        An empty text where there is no address; one with a zone (``fe80::1%eth0``) is none, because
        it means something on one machine only.
    """
    parsed = _parsed(text)
    return "" if parsed is None else parsed.text


class _Parsed(NamedTuple):
    text: str
    width: int
    number: int


def _parsed(text: str) -> _Parsed | None:
    return _parse(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _parse(text: str) -> _Parsed | None:
    """Read an address; the same few come with nearly every request of a trusted proxy."""
    address: IPv4Address | IPv6Address
    try:
        if ":" in text:
            address = IPv6Address(text)
            if address.scope_id:
                return None
            address = address.ipv4_mapped or address
        else:
            address = IPv4Address(text)
    except AddressValueError:
        return None
    return _Parsed(str(address), address.max_prefixlen, int(address))
