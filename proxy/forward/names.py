"""Which client-supplied fields reach the app, and which are the gateway's own to set.

``X_Forwarded_For`` and ``x-forwarded-for`` become one variable in CGI and WSGI, so names are
compared with everything that is not alphanumeric folded to ``-`` (RFC 3875, section 4.1.18).
"""

from __future__ import annotations

from proxy.forward.identity_headers import is_identity_name
from proxy.http1.messages import CONNECTION_FIELDS

# Set anew by the gateway; a client's own would be believed by the app. ``X-Original-URL`` and
# ``X-Rewrite-URL`` make some frameworks serve another path than the one that was decided on.
_REPLACED_PREFIXES = (b"x-forwarded-", b"x-original-", b"x-rewrite-")
_REPLACED_NAMES = frozenset({b"forwarded", b"x-real-ip", b"x-request-id", b"x-forwarded"})
# ``Proxy`` becomes CGI's HTTP_PROXY, which makes an app's own requests go by way of the client
# (httpoxy, CVE-2016-5385). No standard knows the field.
MISTAKEN = frozenset({b"proxy"})
_FOLD = bytes(byte if bytes((byte,)).isalnum() else ord("-") for byte in bytes(range(256)).lower())
# ``Content_Length`` and ``Transfer_Encoding``: CGI's CONTENT_LENGTH has no ``HTTP_`` before it, so
# that a server which folds names takes the client's for the length of the content.
_NEVER = _REPLACED_NAMES | MISTAKEN | CONNECTION_FIELDS
# Looked up first, because nearly every field of nearly every request is one of these.
_COMMON = frozenset(
    b"""accept accept-charset accept-encoding accept-language accept-ranges
    access-control-request-headers access-control-request-method authorization cache-control
    content-disposition content-encoding
    content-language content-type cookie dnt etag from if-match if-modified-since if-none-match
    if-range if-unmodified-since origin pragma priority purpose range referer sec-ch-ua
    sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site
    sec-fetch-user sec-gpc sec-websocket-extensions sec-websocket-key sec-websocket-protocol
    sec-websocket-version traceparent tracestate upgrade-insecure-requests user-agent via
    x-csrf-token x-requested-with""".split()
)


def fold(lower: bytes) -> bytes:
    """Return a lower-case name as CGI and its successors take it: one variable, one form."""
    return lower.translate(_FOLD)


def is_client_field(lower: bytes) -> bool:
    """Tell whether a field of this lower-case name may pass from the client to the app."""
    if lower in _COMMON:
        return True
    if is_identity_name(lower):
        return False
    folded = lower.translate(_FOLD)
    return folded not in _NEVER and not folded.startswith(_REPLACED_PREFIXES)
