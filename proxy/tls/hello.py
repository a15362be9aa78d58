"""What a client's first message decides: the server certificate (SNI) and the protocol (ALPN)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from proxy.tls.openssl import FFI, LIB, pointer_of

if TYPE_CHECKING:
    from OpenSSL import SSL

    from proxy.tls.names import ServerNames

_FATAL = LIB.SSL_TLSEXT_ERR_ALERT_FATAL
_SNI_CALLBACK = "int (*)(SSL *, int *, void *)"
_ALPN_CALLBACK = (
    "int (*)(SSL *, unsigned char **, unsigned char *, unsigned char *, unsigned int, void *)"
)


def certificate_callback(by_name: ServerNames[SSL.Context]) -> Any:
    """Return the callback of ``SSL_CTX_set_tlsext_servername_callback`` (RFC 6066, section 3).

    Whoever sets it must hold it for as long as its context is used.
    """

    def choose(connection: Any, _alert: Any, _argument: Any) -> int:
        name = LIB.SSL_get_servername(connection, LIB.TLSEXT_NAMETYPE_host_name)
        if name != FFI.NULL:
            context = by_name.find(FFI.string(name))
            if context is not None:
                LIB.SSL_set_SSL_CTX(connection, pointer_of(context))
        return int(LIB.SSL_TLSEXT_ERR_OK)

    return FFI.callback(_SNI_CALLBACK, choose, error=_FATAL)


@cache
def protocol_callback(preferred: tuple[bytes, ...]) -> Any:
    """Return the callback of ``SSL_CTX_set_alpn_select_cb`` (RFC 7301).

    Without a common protocol it ends the handshake with no_application_protocol, as section 3.2
    demands. That also keeps a client that believes to speak SMTP or FTP from being answered in
    HTTP (the ALPACA attack). It lives for ever, as OpenSSL does not hold it; there are very few.
    """
    answers = {protocol: FFI.new("unsigned char[]", protocol) for protocol in preferred}

    def choose(
        _connection: Any, answer: Any, length: Any, offer: Any, size: int, _argument: Any
    ) -> int:
        offered = _names(FFI.buffer(offer, size)[:])
        for protocol in preferred:
            if protocol in offered:
                answer[0], length[0] = answers[protocol], len(protocol)
                return int(LIB.SSL_TLSEXT_ERR_OK)
        return int(_FATAL)

    return FFI.callback(_ALPN_CALLBACK, choose, error=_FATAL)


def _names(listed: bytes) -> list[bytes]:
    """Return the names of a list, each behind a byte with its length; OpenSSL has checked it."""
    names, at = [], 0
    while at < len(listed):
        end = at + 1 + listed[at]
        names.append(listed[at + 1 : end])
        at = end
    return names
