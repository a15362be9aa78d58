"""The few things that pyOpenSSL does not offer in public, taken from its own binding, once.

pyOpenSSL is itself written against ``cryptography.hazmat.bindings.openssl``: same library, same
error queue. Everything else in this room uses pyOpenSSL's public interface.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.bindings.openssl.binding import Binding

if TYPE_CHECKING:
    from OpenSSL.crypto import X509

_BINDING = Binding()
_LIB: Any = _BINDING.lib
_FFI: Any = _BINDING.ffi

UNSPECIFIED = 1
"""``X509_V_ERR_UNSPECIFIED``: an error that has no number of its own."""


def clear_error_queue() -> None:
    """Empty this thread's OpenSSL error queue.

    A signature that failed in a verification whose callback said "go on" stays in the queue, and
    the next innocent ``SSL_read`` that has nothing to give is then taken for a failure.
    """
    _LIB.ERR_clear_error()


def error_queue_is_empty() -> bool:
    """Tell whether nothing is left in this thread's OpenSSL error queue."""
    return bool(_LIB.ERR_peek_error() == 0)


def address_of(certificate: X509) -> int:
    """Return where OpenSSL keeps this certificate.

    The same address means the same certificate for as long as one of its objects is held. Writing
    it out in DER to compare takes four times as long.
    """
    return int(_FFI.cast("uintptr_t", certificate._x509))  # noqa: SLF001 - see above


@cache
def verify_error_text(number: int) -> str:
    """Return OpenSSL's words for an ``X509_V_ERR_*`` number; there are fewer than a hundred."""
    text: bytes = _FFI.string(_LIB.X509_verify_cert_error_string(number))
    return text.decode("ascii", "replace")
