"""Where a redirect leads: a template that cannot become a way to another site.

``$request_uri`` may begin with two slashes, and a browser takes ``//evil.example/x`` for a host; it
takes a backslash for a slash as well. So the host is the operator's or the request's own, whatever
the client writes into path and query.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from proxy.errors import CertgateError
from proxy.observe.scope import REQUEST
from proxy.observe.template import Template, header_safe

if TYPE_CHECKING:
    from proxy.observe.access_record import AccessRecord


def _one_of(*names: str) -> str:
    choice = "|".join(names)
    return rf"\$(?:(?:{choice})(?!\w)|\{{(?:{choice})\}})"


_ABSOLUTE: Final = re.compile(
    rf"""
    (?P<origin> (?:https?|{_one_of("scheme")}) :// (?P<authority>
        (?: [A-Za-z0-9._:\[\]-] | {_one_of("host", "http_host", "server_port")} )+
    ))
    (?P<rest> (?: [/?\#] | {_one_of("request_uri", "uri")} ) .* )?
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ABSOLUTE_PATH: Final = re.compile(
    rf"/(?![/\\]).* | {_one_of('request_uri', 'uri')}.*", re.VERBOSE | re.DOTALL | re.ASCII
)
_STARTS: Final = (b"/", b"?", b"#")


class RedirectTarget:
    """A redirect's target with ``$variables``."""

    __slots__ = ("_origin", "_rest")

    def __init__(self, text: str) -> None:
        """Compile a target.

        Raises:
            CertgateError: it is none, has an unknown variable, or its host would be the client's
                choice.
        """
        if not text.isascii() or not text.isprintable():
            raise CertgateError("a URL is made of printable ASCII characters")
        absolute = _ABSOLUTE.fullmatch(text)
        if absolute is None and not _ABSOLUTE_PATH.fullmatch(text):
            raise CertgateError(
                "write https://host/path, https://$host/path or /path; a variable may stand in"
                " path and query, as the host only $host or $http_host"
            )
        origin, rest = (absolute["origin"], absolute["rest"]) if absolute else ("", text)
        self._origin = Template(origin, REQUEST)
        self._rest = Template(rest or "", REQUEST)

    def __call__(self, record: AccessRecord) -> bytes:
        """Return the value for Location; empty if the request has no Host that it needs."""
        origin = self._origin.render(record, header_safe)
        rest = self._rest.render(record, header_safe).replace(b" ", b"%20")
        if not origin:
            return b"/" + rest.lstrip(b"/\\")
        # HTTP/1.0 without Host: a browser would take https:///x for the host x.
        if not all(self._origin.values(record)):
            return b""
        return origin + (rest if not rest or rest.startswith(_STARTS) else b"/" + rest)
