"""Which fields of a response name the app's own paths and hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.forward.cookies import CookieMapping
    from proxy.forward.location import LocationMapping
    from proxy.http1.messages import Field


@dataclass(frozen=True, slots=True)
class ResponseMapping:
    """What is changed in the responses of one route; None leaves these fields alone."""

    locations: LocationMapping | None
    cookies: CookieMapping | None

    def fields(self, fields: list[Field], hosts: tuple[bytes, ...]) -> list[Field]:
        """Return the fields as the client has to read them.

        Args:
            fields: of the app's response.
            hosts: the values of Host that client and app know.
        """
        return [(lower, name, self._value(lower, value, hosts)) for lower, name, value in fields]

    def _value(self, lower: bytes, value: bytes, hosts: tuple[bytes, ...]) -> bytes:
        if self.locations is not None:
            if lower in {b"location", b"content-location"}:
                return self.locations.location(value, hosts)
            if lower == b"refresh":
                return self.locations.refresh(value, hosts)
        if self.cookies is not None and lower == b"set-cookie":
            return self.cookies.cookie(value)
        return value
