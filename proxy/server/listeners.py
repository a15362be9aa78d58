"""All listeners of the process, from one configuration to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.config.addresses import Address
from proxy.errors import CertgateError
from proxy.server.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.config import model
    from proxy.config.listen_addresses import ListenAddress
    from proxy.server.inherited import InheritedSockets
    from proxy.server.state import ServerState

Spot = tuple["ListenAddress", int]
"""An address, and which of its listeners: port 0 may be given several times."""


class Listeners:
    """What accepts. A reload leaves a socket alone whose address stays, so that nobody notices."""

    __slots__ = ("_inherited", "_listeners")

    def __init__(self, inherited: InheritedSockets) -> None:
        self._inherited = inherited
        self._listeners: dict[Spot, Listener] = {}

    def __iter__(self) -> Iterator[Listener]:
        """Iterate over those that accept."""
        return iter(self._listeners.values())

    @property
    def urls(self) -> list[str]:
        """What to tell people, in the order of the configuration."""
        return [url for listener in self for url in listener.urls]

    async def open(self, state: ServerState, config: model.Config) -> None:
        """Open what is not open yet.

        Raises:
            CertgateError: an address cannot be used; what this call opened is closed again.
        """
        opened: dict[Spot, Listener] = {}
        try:
            for spot, entry in _spots(config).items():
                if spot not in self._listeners:
                    opened[spot] = await self._open(state, entry)
        except CertgateError:
            for listener in opened.values():
                listener.close()
            raise
        self._listeners |= opened

    def end_of_start(self) -> list[str]:
        """Take no more sockets over; return the names of those that systemd passed for nothing."""
        return self._inherited.end_of_start()

    def settle(self, config: model.Config) -> None:
        """Close what is not wanted any more, and let the others speak what they should now."""
        wanted = _spots(config)
        for spot in self._listeners.keys() - wanted.keys():
            self._listeners.pop(spot).close()
        for spot, listener in self._listeners.items():
            listener.entry = wanted[spot]

    async def _open(self, state: ServerState, entry: model.Listener) -> Listener:
        try:
            return await Listener.open(state, entry, self._inherited)
        except CertgateError as error:
            own = self._in_the_way(entry.address)
            if own is None:
                raise
            raise CertgateError(
                f"cannot listen on {entry.address} while certgate listens on {own}: restart it"
            ) from error

    def _in_the_way(self, address: ListenAddress) -> Address | None:
        """Return our own address with the same port: 0.0.0.0:8443 where :8443 is wanted."""
        if not isinstance(address, Address) or not address.port:
            return None
        others = (other for other, _ in self._listeners if isinstance(other, Address))
        return next((other for other in others if other.port == address.port), None)


def _spots(config: model.Config) -> dict[Spot, model.Listener]:
    """Return the listeners by what stays the same when a reload changes their other keys."""
    spots: dict[Spot, model.Listener] = {}
    for entry in config.listen:
        number = sum(address == entry.address for address, _ in spots)
        spots[entry.address, number] = entry
    return spots
