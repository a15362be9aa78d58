"""The object between asyncio's or uvloop's TLS protocol and a ``TLSConnection``.

The loops know ``ssl.SSLObject``: they put bytes from the network into one ``ssl.MemoryBIO``, call
methods, and send what appears in another. This object moves bytes between those two and OpenSSL's
own BIOs, and speaks the standard library's errors.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding

from proxy.tls.failure import TLSError
from proxy.tls.openssl import clear_error_queue
from proxy.tls.peer import read_peer
from proxy.tls.peercert import certificate_dict

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from proxy.identity.peer import PeerIdentity
    from proxy.tls.connection import TLSConnection
    from proxy.tls.context import ClientCertContext

_PIECE = 65536  # bytes moved between BIOs at once
_LARGEST_WRITE = 1 << 30  # OpenSSL counts in 31 bits
_Result = TypeVar("_Result")


class ClientCertObject(ssl.SSLObject):
    """One connection's TLS, in the standard library's shape. Made by ``wrap_bio`` only.

    ``getpeercert()`` shows a certificate only when it is verified: it is what other people's code
    looks at to decide. ``peer_identity()`` is this gate's own question and tells all.
    """

    def __init__(
        self,
        context: ClientCertContext,
        connection: TLSConnection,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        self._context = context
        self._connection = connection
        self._incoming = incoming
        self._outgoing = outgoing
        self._established = False
        self._maybe_unread = False
        self._end_told = False
        self._identity: PeerIdentity | None = None

    def do_handshake(self) -> None:
        """Go on with the handshake.

        Raises:
            ssl.SSLWantReadError: more bytes from the client are needed.
            ssl.SSLError: it failed; counted and logged, since both loops drop it in silence.
        """
        try:
            done = self._call(self._connection.handshake)
        except ssl.SSLError as error:
            errors = self._connection.record.errors
            self._context.count_handshake_failure(str(error.strerror), errors)
            raise
        if not done:
            raise _wants_read()
        self._established = True
        self._maybe_unread = True

    def peer_identity(self) -> PeerIdentity:
        """Return who the client is and everything that verification found, good or bad.

        Raises:
            ValueError: the handshake is not done.
        """
        self._require_established()
        if self._identity is None:
            self._identity = read_peer(self._connection)
        return self._identity

    def getpeercert(self, binary_form: bool = False) -> Any:
        """Return the client's certificate if it is verified, else ``{}`` (binary: None).

        Raises:
            ValueError: the handshake is not done.
        """
        identity = self.peer_identity()
        if identity.leaf is None or identity.errors or not identity.judged:
            return None if binary_form else {}
        if binary_form:
            return identity.leaf.public_bytes(Encoding.DER)
        try:
            return certificate_dict(identity.leaf)
        except Exception:  # noqa: BLE001 - extensions are parsed late; the unreadable shows nothing
            return {}

    def get_verified_chain(self) -> list[bytes]:
        """Return the chain in DER, leaf first, if the client is verified, else nothing."""
        verified = self.getpeercert(binary_form=True) is not None
        chain = self.peer_identity().chain if verified else ()
        return [certificate.public_bytes(Encoding.DER) for certificate in chain]

    def get_unverified_chain(self) -> NoReturn:
        """Raise NotImplementedError: ``peer_identity()`` tells what was sent and what is wrong."""
        raise NotImplementedError("use peer_identity()")

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - inherited name
        """Return up to ``len`` bytes, or fill ``buffer`` and return how many; ``b""``/0 is the end.

        Raises:
            ssl.SSLWantReadError: nothing to read yet.
            ssl.SSLEOFError: the client is gone without a close_notify: what came may be cut.
        """
        if buffer is None:
            return self._read(len) if len else b""
        room = memoryview(buffer).cast("B")
        if not room.nbytes:
            return 0
        plaintext = self._read(min(len, room.nbytes) if len > 0 else room.nbytes)
        size = memoryview(plaintext).nbytes
        room[:size] = plaintext
        return size

    def write(self, data: Buffer) -> int:
        """Encrypt data and return how much of it was taken: all, or its first GiB.

        Raises:
            ssl.SSLError: the connection is closed or broken.
        """
        view = memoryview(data).cast("B")[:_LARGEST_WRITE]
        if view.nbytes:
            self._call(self._connection.write, view)
        return view.nbytes

    def pending(self) -> int:
        """Return the bytes that can be read at once, or 1 when there may be some.

        uvloop reads only while this or its incoming BIO is not empty, and all incoming bytes go
        into pyOpenSSL's BIO at once. A request that came with the client's Finished would wait
        there for good. So this stays above 0 until a read has found nothing.
        """
        return self._connection.pending() or int(self._maybe_unread)

    def unwrap(self) -> None:
        """Send close_notify and wait for the client's.

        Raises:
            ssl.SSLWantReadError: ours is out, the client's is not there yet.
            ssl.SSLError: the client closed in another way.
        """
        if not self._call(self._connection.shutdown):
            self._call(self._connection.shutdown)

    def cipher(self) -> tuple[str, str, int] | None:
        """Return the cipher suite's name, its protocol and its secret bits."""
        return self._connection.suite()

    def version(self) -> str | None:
        """Return ``TLSv1.2`` or ``TLSv1.3``; None before the handshake is done."""
        return self._connection.version if self._established else None

    def selected_alpn_protocol(self) -> str | None:
        """Return the protocol chosen by ALPN, if there was one."""
        return self._connection.application_protocol or None

    def selected_npn_protocol(self) -> None:
        """Return None: NPN is gone."""

    def compression(self) -> None:
        """Return None: TLS compression leaks secrets (CRIME) and is off."""

    def shared_ciphers(self) -> None:
        """Return None: what the client offered is not kept."""

    def get_channel_binding(self, cb_type: str = "tls-unique") -> NoReturn:
        """Raise ValueError: no kind of channel binding is supported."""
        raise ValueError(f"{cb_type!r} channel binding is not supported")

    def verify_client_post_handshake(self) -> NoReturn:
        """Raise NotImplementedError: the certificate is asked for once, in the handshake."""
        raise NotImplementedError("the client certificate is asked for in the handshake only")

    @property
    def context(self) -> ClientCertContext:  # type: ignore[override]  # cannot be set
        """The context that this connection came from; it cannot be swapped."""
        return self._context

    @property
    def session(self) -> None:  # type: ignore[override]  # cannot be set
        """None: no session of this context can be resumed."""

    @property
    def session_reused(self) -> bool:
        """False: no session of this context can be resumed."""
        return False

    @property
    def server_side(self) -> bool:
        """True: this context makes servers only."""
        return True

    @property
    def server_hostname(self) -> None:
        """None, as on every server's side."""

    def _read(self, size: int) -> bytes:
        self._maybe_unread = False
        plaintext = self._call(self._connection.read, size)
        if plaintext is None:
            raise _wants_read()
        self._maybe_unread = bool(plaintext)
        return plaintext

    def _call(self, operation: Callable[..., _Result], *arguments: Any) -> _Result:
        """Run one operation between fresh input and flushed output.

        Output leaves also when the operation fails: it is the alert that tells the client why.
        """
        clear_error_queue()
        self._feed()
        try:
            return operation(*arguments)
        except TLSError as error:
            raise _standard_error(error) from None
        finally:
            self._flush()

    def _feed(self) -> None:
        if self._incoming.pending:
            self._connection.feed(self._incoming.read())
        if self._incoming.eof and not self._end_told:
            self._end_told = True
            self._connection.feed_end()  # or a cut connection looks like a quiet one

    def _flush(self) -> None:
        while piece := self._connection.drain(_PIECE):
            self._outgoing.write(piece)

    def _require_established(self) -> None:
        if not self._established:
            raise ValueError("handshake not done yet")


_STANDARD_ERRORS: dict[int, type[ssl.SSLError]] = {
    ssl.SSL_ERROR_WANT_READ: ssl.SSLWantReadError,
    ssl.SSL_ERROR_WANT_WRITE: ssl.SSLWantWriteError,
    ssl.SSL_ERROR_ZERO_RETURN: ssl.SSLZeroReturnError,
    ssl.SSL_ERROR_SYSCALL: ssl.SSLEOFError,
}


def _standard_error(error: TLSError) -> ssl.SSLError:
    kind = _STANDARD_ERRORS.get(error.number, ssl.SSLError)
    number = ssl.SSL_ERROR_EOF if kind is ssl.SSLEOFError else error.number
    return kind(number, error.reason)


def _wants_read() -> ssl.SSLWantReadError:
    return ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "more of the client's bytes are needed")
