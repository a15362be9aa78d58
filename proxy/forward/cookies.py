"""Cookies of the app, limited to the paths and hosts by which clients know it.

As nginx's ``proxy_cookie_path`` and ``proxy_cookie_domain``. A cookie is taken apart at its
semicolons, as browsers do it (RFC 6265, section 5.2); all but the value of the attribute that
changes stays byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.forward.path_mapping import PathMapping

# Browsers refuse such a cookie unless its path is the root (RFC 6265bis, section 4.1.3.2).
_OF_HOST: Final = b"__host-"


@dataclass(frozen=True, slots=True)
class CookieMapping:
    """The way back for cookies of one route.

    Attributes:
        paths: for ``Path``; None leaves it.
        domains: for ``Domain``: the app's, in lower case and without a leading dot, to the
            clients'.
    """

    paths: PathMapping | None
    domains: Mapping[bytes, bytes]

    def cookie(self, value: bytes) -> bytes:
        """Return the value of Set-Cookie for the client."""
        pair, *attributes = value.split(b";")
        paths = None if pair.lstrip().lower().startswith(_OF_HOST) else self.paths
        return b";".join([pair, *(self._attribute(one, paths) for one in attributes)])

    def _attribute(self, attribute: bytes, paths: PathMapping | None) -> bytes:
        name, equals, written = attribute.partition(b"=")
        key, value = name.strip().lower(), written.strip()
        wanted = None
        if key == b"domain":
            wanted = self.domains.get(value.lower().removeprefix(b"."))
        elif key == b"path" and paths is not None and value.startswith(b"/"):
            wanted = paths.returned(value)
        return attribute if wanted is None else name + equals + wanted
