"""URLs of the app in the fields of its responses, in the words of the client.

nginx's ``proxy_redirect default`` turns ``http://app/api/x`` into ``/app/x``. Apps write more than
that: the address of the server that was asked, the Host that was sent, a path alone. What names
another site, or a path to which the route does not lead, stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from proxy.forward.path_mapping import PathMapping

# A scheme of ours or none (RFC 3986, section 4.2: a network-path reference), then the authority.
_ABSOLUTE: Final = re.compile(rb"(?:[Hh][Tt][Tt][Pp][Ss]?:)?//([^/?#]*)(.*)", re.DOTALL)
_REFRESH: Final = re.compile(rb"[^;,]*[;,][ \t]*(?i:url)[ \t]*=[ \t]*(['\"]?)")


@dataclass(frozen=True, slots=True)
class LocationMapping:
    """The way back for URLs of one route.

    Attributes:
        paths: the way back for their paths.
        servers: authorities of the upstream's servers, made by ``plain_authority``.
    """

    paths: PathMapping
    servers: frozenset[bytes]

    def location(self, value: bytes, hosts: tuple[bytes, ...]) -> bytes:
        """Return the value of Location or Content-Location for the client.

        Args:
            value: of the app.
            hosts: the values of Host that client and app know.
        """
        match = _ABSOLUTE.match(value)
        if match is not None:
            return self._of_authority(value, match, hosts)
        if value.startswith(b"/") and not value.startswith(b"/\\"):
            return self.paths.returned(value) or value
        return value

    def refresh(self, value: bytes, hosts: tuple[bytes, ...]) -> bytes:
        """Return the value of Refresh (``5; url=/x``) for the client."""
        start = _REFRESH.match(value)
        if start is None:
            return value
        url, rest = value[start.end() :], b""
        if start[1]:
            url, quote, rest = url.partition(start[1])
            rest = quote + rest
        return start[0] + self.location(url, hosts) + rest

    def _of_authority(
        self, value: bytes, match: re.Match[bytes], hosts: tuple[bytes, ...]
    ) -> bytes:
        authority, reference = plain_authority(match[1]), match[2]
        if not reference.startswith(b"/"):
            reference = b"/" + reference
        if authority in self.servers:
            return self.paths.returned(reference) or value
        if authority in map(plain_authority, hosts):
            moved = self.paths.returned(reference)
            # What needs no other path stays absolute, as the app wanted it.
            return value if moved is None or moved == reference else moved
        return value


def plain_authority(authority: bytes) -> bytes:
    """Return ``host[:port]`` in lower case, without a port that goes without saying."""
    return authority.lower().removesuffix(b":80").removesuffix(b":443")
