"""One TLS connection, the server's side, between two buffers of bytes.

Ciphertext from the socket is fed, plaintext is read; plaintext is written, and ciphertext for the
socket is drained. Nothing waits and nothing is sent from here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from proxy.tls.failure import failure_of
from proxy.tls.openssl import FFI, LIB, MEMORY, allocate, encoded, text_of
from proxy.tls.verification import VerificationRecord, current

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from proxy.tls.compiled import CompiledContext

_WANT_READ = LIB.SSL_ERROR_WANT_READ
_ZERO_RETURN = LIB.SSL_ERROR_ZERO_RETURN
_TLS_1_3 = 0x0304
# Looked up once: an attribute of cffi's library is found in a dictionary, at each call.
_bio_read, _bio_write = LIB.BIO_read, LIB.BIO_write
_ssl_read, _ssl_write = LIB.SSL_read, LIB.SSL_write
_ssl_get_error, _unpack, _from_buffer = LIB.SSL_get_error, FFI.unpack, FFI.from_buffer


class TLSConnection:
    """Made by ``ClientCertContext.new_connection``.

    Attributes:
        context: what it was made from; it holds the callbacks that OpenSSL calls.
        record: what its handshake has seen of the client; ``read_peer`` reads it.
    """

    __slots__ = ("__weakref__", "_incoming", "_outgoing", "_ssl", "context", "record")

    def __init__(self, context: CompiledContext) -> None:
        """Begin in accept state.

        Raises:
            MemoryError: OpenSSL has none.
        """
        self.context = context
        self.record = VerificationRecord()
        ssl = LIB.SSL_new(context.pointer)
        if ssl == FFI.NULL:
            raise MemoryError
        self._ssl = FFI.gc(ssl, LIB.SSL_free)
        self._incoming = LIB.BIO_new(MEMORY)
        self._outgoing = LIB.BIO_new(MEMORY)
        LIB.SSL_set_bio(ssl, self._incoming, self._outgoing)  # SSL_free frees them as well
        LIB.SSL_set_accept_state(ssl)

    # Between the socket and TLS

    def feed(self, ciphertext: bytes) -> None:
        """Take what came from the client."""
        if _bio_write(self._incoming, ciphertext, len(ciphertext)) != len(ciphertext):
            raise MemoryError

    def feed_end(self) -> None:
        """Take the end of what the client sends; without it, a cut connection looks quiet."""
        LIB.BIO_set_mem_eof_return(self._incoming, 0)

    def drain(self, size: int) -> bytes:
        """Return up to ``size`` bytes that are for the client; none if there are none."""
        piece = allocate("char[]", size)
        drained = _bio_read(self._outgoing, piece, size)
        return _unpack(piece, drained) if drained > 0 else b""

    # Between TLS and what speaks above it

    def handshake(self) -> bool:
        """Go on with the handshake; tell whether it is done, else it waits for the client.

        Raises:
            TLSError: it failed; an alert is to be drained.
        """
        outer, current.record = current.record, self.record
        try:
            result = LIB.SSL_do_handshake(self._ssl)
        finally:
            current.record = outer
        if result != 1:
            return self._waits(result)
        self.record.finished = True
        return True

    def read(self, size: int) -> bytes | None:
        """Return up to ``size`` bytes; None if more ciphertext is needed, ``b""`` is the end.

        ``size`` is at least one: to OpenSSL, a read of nothing is an error. The end is the client's
        close_notify. An end without one is an error: what came before may be cut (RFC 8446,
        section 6.1).

        Raises:
            TLSError: a record does not decrypt, or the connection is cut.
        """
        piece = allocate("char[]", size)
        got = _ssl_read(self._ssl, piece, size)
        if got > 0:
            return _unpack(piece, got)  # type: ignore[no-any-return]
        number = _ssl_get_error(self._ssl, got)
        if number == _WANT_READ:
            return None
        if number == _ZERO_RETURN:
            return b""
        raise failure_of(number)

    def write(self, plaintext: Buffer) -> None:
        """Encrypt all of it: at least one byte, and less than 2 GiB.

        Raises:
            TLSError: the connection is closed or broken, or waits for the rest of a KeyUpdate that
                the client has cut in two. Nothing of it is written.
        """
        data = plaintext if isinstance(plaintext, bytes) else _from_buffer(plaintext)
        result = _ssl_write(self._ssl, data, len(data))
        if result <= 0:
            del data  # the traceback would keep a bytearray from changing its size
            raise failure_of(_ssl_get_error(self._ssl, result))

    def pending(self) -> int:
        """Return how many bytes are decrypted and not read."""
        return int(LIB.SSL_pending(self._ssl))

    def shutdown(self) -> bool:
        """Write a close_notify, once; tell whether the client's has come as well.

        Raises:
            TLSError: the connection is broken: there is nobody to tell.
        """
        result = LIB.SSL_shutdown(self._ssl)
        if result < 0:
            raise failure_of(_ssl_get_error(self._ssl, result))
        return bool(result)

    # What was agreed upon

    @property
    def is_tls_1_3(self) -> bool:
        """Whether it is TLS 1.3 and not TLS 1.2."""
        return bool(LIB.SSL_version(self._ssl) == _TLS_1_3)

    @property
    def version(self) -> str:
        """``TLSv1.2`` or ``TLSv1.3``: no others are spoken."""
        return "TLSv1.3" if self.is_tls_1_3 else "TLSv1.2"

    @property
    def cipher(self) -> str:
        """OpenSSL's name of the cipher suite; empty before there is one."""
        return _suite_name(LIB.SSL_get_current_cipher(self._ssl))

    def suite(self) -> tuple[str, str, int] | None:
        """Return the cipher suite's name, the protocol that it is of, and its secret bits."""
        suite = LIB.SSL_get_current_cipher(self._ssl)
        if suite == FFI.NULL:
            return None
        version, bits = LIB.SSL_CIPHER_get_version(suite), LIB.SSL_CIPHER_get_bits(suite, FFI.NULL)
        return self.cipher, text_of(version), bits

    @property
    def application_protocol(self) -> str:
        """The protocol that ALPN has chosen, if any."""
        name, size = FFI.new("unsigned char **"), FFI.new("unsigned int *")
        LIB.SSL_get0_alpn_selected(self._ssl, name, size)
        return FFI.buffer(name[0], size[0])[:].decode("ascii") if size[0] else ""

    def path(self) -> list[Any]:
        """Return the certification path as OpenSSL built it, leaf first, each an ``X509 *``.

        They are OpenSSL's, and live as long as this connection.
        """
        stack = LIB.SSL_get0_verified_chain(self._ssl)
        if stack == FFI.NULL:
            return []
        return [LIB.sk_X509_value(stack, index) for index in range(LIB.sk_X509_num(stack))]

    def presented(self) -> tuple[bytes, ...]:
        """Return all that the client sent, in DER, its own certificate first; or nothing."""
        leaf = LIB.SSL_get_peer_certificate(self._ssl)
        if leaf == FFI.NULL:
            return ()
        try:
            own = encoded(leaf)
        finally:
            LIB.X509_free(leaf)
        others = LIB.SSL_get_peer_cert_chain(self._ssl)  # on a server's side without the first
        count = LIB.sk_X509_num(others)  # -1 for no stack at all
        if count <= 0:
            return (own,)
        return (own, *[encoded(LIB.sk_X509_value(others, at)) for at in range(count)])

    def leaf(self) -> Any:
        """Return the client's certificate as an ``X509 *`` of the caller's, or None."""
        leaf = LIB.SSL_get_peer_certificate(self._ssl)
        return None if leaf == FFI.NULL else FFI.gc(leaf, LIB.X509_free)

    def _waits(self, result: int) -> bool:
        """Return False for an operation that waits for the client; raise what it failed with."""
        number = _ssl_get_error(self._ssl, result)
        if number == _WANT_READ:
            return False
        raise failure_of(number)


@cache
def _suite_name(suite: Any) -> str:
    """Return the name of one of OpenSSL's ``SSL_CIPHER *``: they are few, and never move."""
    return "" if suite == FFI.NULL else text_of(LIB.SSL_CIPHER_get_name(suite))
