"""``ClientCertContext``: an ``ssl.SSLContext`` that lets bad client certificates reach HTTP.

The standard library has no verify callback: a client certificate that fails verification aborts the
handshake, and the client sees a reset connection in place of a page that tells it what to do. Here
TLS is pyOpenSSL's. Settings are collected until the first connection and then compiled, once.
"""

from __future__ import annotations

import logging
import ssl
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL

from proxy.errors import CertgateError
from proxy.tls.authorities import Authorities
from proxy.tls.compiled import CompiledContext, compile_context, openssl_context
from proxy.tls.connection import TLSConnection
from proxy.tls.material import CertificateSettings
from proxy.tls.names import ServerNames
from proxy.tls.settings import DEFAULT_OPTIONS, USABLE_OPTIONS, ProtocolSettings
from proxy.tls.sslobject import ClientCertObject
from proxy.tls.validation import PathValidator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.identity.peer import VerifyError

_LOG = logging.getLogger(__name__)
_MAXIMUM_PROTOCOL_NAME = 255  # RFC 7301, section 3.1


class ClientCertContext(CertificateSettings):
    """A server-side TLS context for asyncio, uvloop, aiohttp.web and certgate's own listener.

    ``verify_mode`` is ``CERT_OPTIONAL``: every client certificate that can be parsed completes the
    handshake, and what verification found is told afterwards: ``getpeercert()`` shows verified
    certificates only, ``peer_identity()`` shows all with their errors. ``CERT_REQUIRED`` refuses in
    the handshake.

    Each setting of ``ssl.SSLContext`` takes effect or raises. After the first connection the
    context is frozen and setters raise RuntimeError: to change certificates, make a new context
    for the connections to come.

    Attributes:
        handshake_failures: how many handshakes failed, by reason (OpenSSL's words).
    """

    def __new__(cls) -> ClientCertContext:  # noqa: PYI034 - the base class wants a protocol
        """Make the standard context, whose own OpenSSL context is never used."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self) -> None:
        super().__init__()
        self._protocol = ProtocolSettings()
        self.handshake_failures: Counter[str] = Counter()

    @property  # type: ignore[override]  # as in typeshed's SSLContext
    def minimum_version(self) -> ssl.TLSVersion:
        """The lowest TLS version: 1.2 (default) or 1.3."""
        return self._protocol.minimum

    @minimum_version.setter
    def minimum_version(self, value: ssl.TLSVersion) -> None:
        self._set_versions(_version(value), self._protocol.maximum)

    @property  # type: ignore[override]  # as in typeshed's SSLContext
    def maximum_version(self) -> ssl.TLSVersion:
        """The highest TLS version: 1.3 (default) or 1.2."""
        return self._protocol.maximum

    @maximum_version.setter
    def maximum_version(self, value: ssl.TLSVersion) -> None:
        if value == ssl.TLSVersion.MAXIMUM_SUPPORTED:
            value = ssl.TLSVersion.TLSv1_3
        self._set_versions(self._protocol.minimum, _version(value))

    @property  # type: ignore[override]  # as in typeshed's SSLContext
    def options(self) -> ssl.Options:
        """OpenSSL's options. No tickets, renegotiation or compression: these bits stay set."""
        return ssl.Options(DEFAULT_OPTIONS | self._protocol.options)

    @options.setter
    def options(self, value: ssl.Options) -> None:
        wanted = int(value)  # an IntFlag's ~ forgets the bits that it has no name for
        missing = DEFAULT_OPTIONS & ~wanted
        if missing:
            raise ValueError(
                f"{ssl.Options(missing)!r} cannot be cleared: resumed sessions have no verdict"
            )
        refused = wanted & ~DEFAULT_OPTIONS & ~USABLE_OPTIONS
        if refused:
            raise ValueError(f"{ssl.Options(refused)!r} has no effect here, or is not safe")
        self._replace_protocol(options=wanted & ~DEFAULT_OPTIONS)

    def set_ciphers(self, ciphers: str) -> None:
        """Choose the TLS 1.2 cipher suites in OpenSSL's notation; TLS 1.3 suites are fixed.

        Raises:
            ssl.SSLError: no suite is left.
            ValueError: it tries to change the security level.
        """
        if "@" in ciphers:
            raise ValueError("the security level stays 2: no @ commands in the cipher list")
        try:
            SSL.Context(SSL.TLS_SERVER_METHOD).set_cipher_list(f"{ciphers}:@SECLEVEL=2".encode())
        except SSL.Error:
            raise ssl.SSLError(f"no cipher suite can be selected from {ciphers!r}") from None
        self._replace_protocol(ciphers=ciphers)

    def get_ciphers(self) -> Any:
        """Return the cipher suites in order of preference, each a dictionary with its name."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_cipher_list(f"{self._protocol.ciphers}:@SECLEVEL=2".encode())
        return [{"name": name} for name in SSL.Connection(context).get_cipher_list()]

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """Choose the ALPN protocols, the preferred first.

        A client that offers others only is refused with ``no_application_protocol`` (RFC 7301).

        Raises:
            ssl.SSLError: a name is empty or longer than 255 bytes.
        """
        names = tuple(name.encode("ascii") for name in alpn_protocols)
        if not all(0 < len(name) <= _MAXIMUM_PROTOCOL_NAME for name in names):
            raise ssl.SSLError("ALPN protocols must be 1 to 255 in length")
        self._replace_protocol(alpn=names)

    def freeze(self) -> CompiledContext:
        """Build what connections are made from; from now on nothing can be changed.

        The first connection does this by itself; a server calls it beforehand to see the errors.

        Raises:
            CertgateError: certificate or trust anchors are missing or unusable.
        """
        if self._compiled is None:
            if self._server is None:
                raise CertgateError("the TLS context has no server certificate")
            clients = self._clients
            authorities = Authorities((*clients.anchors, *clients.intermediates))
            validator = None if clients.in_handshake else PathValidator(clients, authorities)
            build = partial(
                openssl_context, clients=clients, authorities=authorities, protocol=self._protocol
            )
            names = {name: build(server) for name, server in self._by_name.items()}
            self._compiled = compile_context(
                build(self._server), ServerNames(names), authorities, validator
            )
        return self._compiled

    def new_connection(self) -> TLSConnection:
        """Return a connection in accept state.

        After its handshake ``read_peer`` tells who the client is.

        Raises:
            CertgateError: as ``freeze``.
        """
        return TLSConnection(self._compiled or self.freeze())

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ClientCertObject:
        """Return the TLS object that asyncio, uvloop and aiohttp.web drive.

        Raises:
            ValueError: this is not a server's side, or a session is to be resumed.
            CertgateError: as ``freeze``.
        """
        if not server_side or server_hostname is not None or session is not None:
            raise ValueError("ClientCertContext is for the server's side, and resumes no sessions")
        return ClientCertObject(self, self.new_connection(), incoming, outgoing)

    def count_handshake_failure(self, reason: str, errors: Iterable[VerifyError] = ()) -> None:
        """Count and log a failed handshake; asyncio and uvloop drop it without a word.

        Args:
            reason: of the ``TLSError``.
            errors: what verification had found by then; it comes later unless ``CERT_REQUIRED`` or
                CRLs are set.
        """
        self.handshake_failures[reason] += 1
        details = ", ".join(
            f"{error.number} at depth {error.depth}: {error.text}" for error in errors
        )
        _LOG.info("TLS handshake failed: %s%s", reason, f" ({details})" if details else "")

    def _set_versions(self, minimum: ssl.TLSVersion, maximum: ssl.TLSVersion) -> None:
        if minimum > maximum:
            raise ValueError(f"{minimum.name} as minimum and {maximum.name} as maximum leave none")
        self._replace_protocol(minimum=minimum, maximum=maximum)

    def _replace_protocol(self, **changes: Any) -> None:
        self._require_unused()
        self._protocol = replace(self._protocol, **changes)


def _version(value: ssl.TLSVersion) -> ssl.TLSVersion:
    if value not in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        raise ValueError("only TLS 1.2 and TLS 1.3 are spoken")
    return ssl.TLSVersion(value)
