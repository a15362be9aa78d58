"""A connection whose peer speaks for other clients: who is there is another one each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.forward.relayed import Relayed, read_relayed

if TYPE_CHECKING:
    from proxy.http1.messages import RequestHead
    from proxy.server.arrival import Arrival
    from proxy.snapshot import Snapshot


class TrustedHop:
    """The last proxy in front of this one, on one connection."""

    __slots__ = ("_arrival",)

    def __init__(self, arrival: Arrival) -> None:
        self._arrival = arrival

    @classmethod
    def of(cls, arrival: Arrival, snapshot: Snapshot) -> TrustedHop | None:
        """Return the hop that this peer is, or None for a client that speaks for itself."""
        trusted = snapshot.trusted_proxies
        if trusted and arrival.is_known and arrival.address in trusted:
            return cls(arrival)
        return None

    @property
    def address(self) -> str:
        """The proxy's own address."""
        return self._arrival.address

    def read(self, request: RequestHead, snapshot: Snapshot) -> Relayed:
        """Return what the proxy says of a request.

        Args:
            request: as it came.
            snapshot: the one in force: a proxy that a reload took out of the list is believed no
                more, although its connection goes on.
        """
        arrival, section = self._arrival, request.section
        trusted = snapshot.trusted_proxies
        fields = section.fields if arrival.address in trusted else ()
        return read_relayed(fields, section.host, arrival.address, arrival.port, trusted)
