"""OpenSSL itself, as pyOpenSSL has it: ``cryptography``'s binding, its errors and its certificates.

A connection is driven here directly. pyOpenSSL's own ``Connection`` costs as much again as all of
certgate's Python in a handshake: an exception at each "want read", and for each step of path
validation a certificate object and a look into a weak dictionary. Every function that this room
calls is one that pyOpenSSL calls as well, so a release of ``cryptography`` that it works with has
them. Contexts are set up with pyOpenSSL's public interface.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL

if TYPE_CHECKING:
    from OpenSSL.crypto import X509

_BINDING = Binding()
LIB: Any = _BINDING.lib
FFI: Any = _BINDING.ffi

UNSPECIFIED = 1
"""``X509_V_ERR_UNSPECIFIED``: an error that has no number of its own."""

MEMORY: Any = LIB.BIO_s_mem()
"""The kind of BIO that is a buffer in memory; a constant of OpenSSL's."""

allocate = FFI.new_allocator(should_clear_after_alloc=False)
"""Allocate memory that OpenSSL fills: ``allocate("char[]", size)``."""


def clear_error_queue() -> None:
    """Empty this thread's OpenSSL error queue.

    A signature that failed in a verification whose callback said "go on" stays in the queue, and
    the next innocent ``SSL_read`` that has nothing to give is then taken for a failure.
    """
    LIB.ERR_clear_error()


def error_queue_is_empty() -> bool:
    """Tell whether nothing is left in this thread's OpenSSL error queue."""
    return bool(LIB.ERR_peek_error() == 0)


def pop_errors() -> list[tuple[str, str]]:
    """Empty this thread's OpenSSL error queue; return (library, reason) of each, oldest first."""
    found = []
    while (code := LIB.ERR_get_error()) != 0:
        found.append(
            (text_of(LIB.ERR_lib_error_string(code)), text_of(LIB.ERR_reason_error_string(code)))
        )
    return found


def encoded(certificate: Any) -> bytes:
    """Return an ``X509 *`` in DER."""
    bio = LIB.BIO_new(MEMORY)
    try:
        if LIB.i2d_X509_bio(bio, certificate) != 1:
            clear_error_queue()
            raise ValueError("OpenSSL cannot write this certificate")
        start = FFI.new("char **")
        size = LIB.BIO_get_mem_data(bio, start)
        return FFI.unpack(start[0], size)  # type: ignore[no-any-return]
    finally:
        LIB.BIO_free(bio)


def pointer_of(held: SSL.Context | X509) -> Any:
    """Return the ``SSL_CTX *`` or ``X509 *`` of pyOpenSSL's object; it lives as long as that."""
    return held._context if isinstance(held, SSL.Context) else held._x509  # noqa: SLF001


def text_of(words: Any) -> str:
    """Return a ``char *`` of OpenSSL's own tables; empty for NULL."""
    return "" if words == FFI.NULL else FFI.string(words).decode("ascii", "replace")


@cache
def verify_error_text(number: int) -> str:
    """Return OpenSSL's words for an ``X509_V_ERR_*`` number; there are fewer than a hundred."""
    return text_of(LIB.X509_verify_cert_error_string(number))
