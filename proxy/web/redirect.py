"""The answer to plain HTTP where a redirect to https is configured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from proxy.web.page import Page

if TYPE_CHECKING:
    from proxy.http1.messages import RequestHead

_HTTPS: Final = 443
_TEXT: Final = b"text/plain; charset=utf-8"
_PORT: Final = re.compile(rb":[0-9]+\Z")
# Methods whose repetition as GET, which 301 lets browsers do, changes nothing.
_UNCHANGED: Final = frozenset({b"GET", b"HEAD"})


def redirect(request: RequestHead, port: int) -> tuple[int, Page]:
    """Return status and page: 301 for GET and HEAD, 308 for methods that may not become GET.

    The host is the client's own, checked by ``http1`` and without its port; nothing else in the
    address can be chosen by whoever made it, and the target has no byte that ends a line.

    Args:
        request: one with a host.
        port: where https is.
    """
    host = _PORT.sub(b"", request.section.host)
    authority = host if port == _HTTPS else b"%b:%d" % (host, port)
    # RFC 9112, section 3.2.4: OPTIONS * is a URI without a path.
    target = b"" if request.target == b"*" else request.target
    location = b"https://" + authority + target
    status = 301 if request.method in _UNCHANGED else 308
    fields = ((b"Location", location), (b"Content-Type", _TEXT))
    return status, Page(_TEXT, b"This site speaks https only.\n", fields)
