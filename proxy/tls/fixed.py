"""What ``ssl.SSLContext`` offers and this gate does not: each raises, none is a silent no-op.

A setting that is accepted and ignored is how gates are left open. So every inherited name that
has no effect here either keeps its one true value or says why it cannot be used.
"""

from __future__ import annotations

import ssl
from typing import Any, NoReturn


def _never(name: str, why: str) -> Any:
    def method(_self: ssl.SSLContext, *_arguments: Any, **_options: Any) -> NoReturn:
        raise NotImplementedError(f"ClientCertContext.{name}: {why}")

    method.__name__ = name
    method.__doc__ = f"Raise NotImplementedError: {why}."
    return method


def _always(value: Any, name: str, why: str) -> Any:
    def get(_self: ssl.SSLContext) -> Any:
        return value

    def set_(_self: ssl.SSLContext, wanted: Any) -> None:
        if wanted != value:
            raise ValueError(f"ClientCertContext.{name} is always {value!r}: {why}")

    return property(get, set_, doc=f"Always {value!r}: {why}.")


_NO_PSK = "pre-shared keys would authenticate a client without a certificate"


class FixedSettings(ssl.SSLContext):
    """The part of the standard context that has one value, or none, behind a client-auth gate."""

    check_hostname = _always(False, "check_hostname", "clients have no host name to check")
    hostname_checks_common_name = _always(
        False,
        "hostname_checks_common_name",
        "clients have no host name to check",
    )
    keylog_filename = _always(None, "keylog_filename", "session keys are not written to files")
    num_tickets = _always(
        2, "num_tickets", "TLS 1.3 clients get two tickets, for sessions that nobody keeps"
    )
    post_handshake_auth = _always(
        False,
        "post_handshake_auth",
        "the certificate is asked for once, in the handshake",
    )
    security_level = _always(2, "security_level", "RSA below 2048 bits and SHA-1 are refused")
    sni_callback = _always(
        None,
        "sni_callback",
        "use load_server_name(); swapping contexts would swap the trust in clients, too",
    )
    _msg_callback = _always(None, "_msg_callback", "not available over pyOpenSSL")

    wrap_socket = _never(
        "wrap_socket",
        "blocking sockets would run on the standard library's TLS, which aborts the handshake on"
        " every bad certificate; use wrap_bio, asyncio or uvloop",
    )
    load_default_certs = _never(
        "load_default_certs",
        "the web's CAs issue no client certificates of yours; use load_verify_locations",
    )
    set_default_verify_paths = _never(
        "set_default_verify_paths",
        "the web's CAs issue no client certificates of yours; use load_verify_locations",
    )
    load_dh_params = _never("load_dh_params", "only elliptic-curve key exchange is on")
    set_ecdh_curve = _never("set_ecdh_curve", "the groups are OpenSSL's own choice")
    set_npn_protocols = _never("set_npn_protocols", "NPN is gone; use set_alpn_protocols")
    set_servername_callback = _never("set_servername_callback", "use load_server_name()")
    set_psk_client_callback = _never("set_psk_client_callback", _NO_PSK)
    set_psk_server_callback = _never("set_psk_server_callback", _NO_PSK)
    session_stats = _never("session_stats", "there are no sessions to resume, hence no statistics")
