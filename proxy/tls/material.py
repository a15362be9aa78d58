"""The certificates of a ``ClientCertContext``: its own, and those that clients are judged by."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL.crypto import X509StoreFlags

from proxy.errors import CertgateError
from proxy.tls.decode import (
    PRIVATE_KEYS,
    der_items,
    parse_certificates,
    parse_private_key,
    parse_trust,
)
from proxy.tls.files import ServerCertificate, pair, read_file
from proxy.tls.fixed import FixedSettings
from proxy.tls.names import canonical_name
from proxy.tls.peercert import certificate_dict
from proxy.tls.settings import ClientAuthentication, refuse_self_issued

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptography.x509 import Certificate, CertificateRevocationList
    from typing_extensions import Buffer

    from proxy.tls.compiled import CompiledContext
    from proxy.tls.decode import Passphrase

_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.r?[0-9]+")  # what `openssl rehash` makes in a capath

# PARTIAL_CHAIN makes an anchor of every intermediate in the store, ALLOW_PROXY_CERTS lets a client
# delegate its identity by signing with its own key (RFC 3820): both admit strangers.
_WHOLE_CHAIN = X509StoreFlags.CRL_CHECK | X509StoreFlags.CRL_CHECK_ALL
_USABLE_FLAGS = (
    _WHOLE_CHAIN
    | X509StoreFlags.X509_STRICT
    | int(ssl.VERIFY_X509_TRUSTED_FIRST)  # always on since OpenSSL 1.1
)

StrPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Password = Callable[[], str | bytes | bytearray] | str | bytes | bytearray | None


class CertificateSettings(FixedSettings):
    """The loading half of ``ClientCertContext``."""

    def __init__(self) -> None:
        self._server: ServerCertificate | None = None
        self._by_name: dict[str, ServerCertificate] = {}
        self._clients = ClientAuthentication()
        self._compiled: CompiledContext | None = None

    def load_cert_chain(
        self,
        certfile: StrPath,
        keyfile: StrPath | None = None,
        password: Password = None,
    ) -> None:
        """Load the server certificate that clients get unless they ask for another name.

        Args:
            certfile: PEM, the server's own certificate first; may hold the key, too.
            keyfile: the private key, PKCS #8 or traditional PEM; default: in ``certfile``.
            password: for an encrypted key; a callable is asked only if the key is encrypted.

        Raises:
            CertgateError: a file is unusable, or certificate and key do not fit.
            RuntimeError: the context is in use.
            ValueError: there is a certificate already; one serves one kind of key.
        """
        if self._server is not None:
            raise ValueError("this context has a certificate; one is all it shows by default")
        self.set_server_certificate(_load_pair(certfile, keyfile, password))

    def load_server_name(
        self,
        name: str,
        certfile: StrPath,
        keyfile: StrPath | None = None,
        password: Password = None,
    ) -> None:
        """Load a further server certificate for clients that ask for this name (SNI).

        Args:
            name: a host name, or ``*.`` and a domain for all names with one more label.
            certfile: as in ``load_cert_chain``.
            keyfile: as in ``load_cert_chain``.
            password: as in ``load_cert_chain``.

        Raises:
            CertgateError: a file or the name is unusable.
            RuntimeError: the context is in use.
        """
        self.set_server_certificate(_load_pair(certfile, keyfile, password), name)

    def load_verify_locations(
        self,
        cafile: StrPath | None = None,
        capath: StrPath | None = None,
        cadata: str | Buffer | None = None,
    ) -> None:
        """Load trust anchors for clients; their subjects are sent to the clients as a hint.

        CRLs among the certificates are loaded, too, every one of a file, and switch on the check
        of the leaf unless ``verify_flags`` says otherwise.

        Args:
            cafile: PEM, or one certificate in DER.
            capath: a folder as ``openssl rehash`` makes it; read at once, not on demand.
            cadata: PEM text, or certificates in DER one after the other.

        Raises:
            CertgateError: one of them is unusable or holds nothing.
            RuntimeError: the context is in use.
            TypeError: nothing was given.
        """
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")
        for data, where in _trust_sources(cafile, capath, cadata):
            anchors, crls = parse_trust(data, where)
            self.add_trust_anchors(anchors)
            self.add_crls(crls)

    def load_client_intermediates(
        self, cafile: StrPath | None = None, cadata: str | Buffer | None = None
    ) -> None:
        """Load intermediates that help where a client forgets to send its own.

        They are neither trusted by themselves nor named to the client.

        Raises:
            CertgateError: one of them is unusable or self-signed.
            RuntimeError: the context is in use.
            TypeError: nothing was given.
        """
        if cafile is None and cadata is None:
            raise TypeError("cafile and cadata cannot be both omitted")
        for data, where in _trust_sources(cafile, None, cadata):
            self.add_intermediates(parse_certificates(data, where))

    def set_server_certificate(self, server: ServerCertificate, name: str | None = None) -> None:
        """Use a loaded certificate: the default one, or that of a server name.

        Raises:
            CertgateError: the name is none.
            RuntimeError: the context is in use.
        """
        self._require_unused()
        if name is None:
            self._server = server
        else:
            self._by_name[canonical_name(name)] = server

    def add_trust_anchors(self, anchors: Iterable[Certificate]) -> None:
        """Trust these CA certificates and send their names to the clients."""
        self._replace_clients(anchors=(*self._clients.anchors, *anchors))

    def add_intermediates(self, intermediates: Iterable[Certificate]) -> None:
        """Use these CA certificates for chain building only.

        Raises:
            CertgateError: one is self-signed, which would make it a trust anchor.
        """
        added = tuple(intermediates)
        refuse_self_issued(added)
        self._replace_clients(intermediates=(*self._clients.intermediates, *added))

    def add_crls(self, crls: Iterable[CertificateRevocationList]) -> None:
        """Check clients against these CRLs inside the handshake."""
        self._replace_clients(crls=(*self._clients.crls, *crls))

    @property  # type: ignore[override]  # as in typeshed's SSLContext
    def verify_mode(self) -> ssl.VerifyMode:
        """``CERT_OPTIONAL``: judge and let through. ``CERT_REQUIRED``: refuse in the handshake."""
        return ssl.CERT_REQUIRED if self._clients.required else ssl.CERT_OPTIONAL

    @verify_mode.setter
    def verify_mode(self, value: ssl.VerifyMode) -> None:
        if value not in (ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED):
            raise ValueError("a client certificate is always asked for: CERT_NONE cannot be")
        self._replace_clients(required=value == ssl.CERT_REQUIRED)

    @property  # type: ignore[override]  # as in typeshed's SSLContext
    def verify_flags(self) -> ssl.VerifyFlags:
        """CRL checks and X509_STRICT; see docs/tls.md for what each changes."""
        return ssl.VerifyFlags(self._clients.effective_flags | ssl.VERIFY_X509_TRUSTED_FIRST)

    @verify_flags.setter
    def verify_flags(self, value: ssl.VerifyFlags) -> None:
        refused = int(value) & ~_USABLE_FLAGS  # int: an IntFlag's ~ forgets unknown bits
        if refused:
            raise ValueError(f"{ssl.VerifyFlags(refused)!r}: unknown, or would admit strangers")
        if value & _WHOLE_CHAIN == X509StoreFlags.CRL_CHECK_ALL:
            raise ValueError("CRL_CHECK_ALL alone checks nothing; use VERIFY_CRL_CHECK_CHAIN")
        self._replace_clients(verify_flags=int(value))

    @property
    def verify_depth(self) -> int:
        """How many intermediates may stand between leaf and anchor, as OpenSSL counts."""
        return self._clients.verify_depth

    @verify_depth.setter
    def verify_depth(self, value: int) -> None:
        if value < 0:
            raise ValueError("verify_depth counts intermediates: 0 or more")
        self._replace_clients(verify_depth=value)

    def get_ca_certs(self, binary_form: bool = False) -> Any:
        """Return the trust anchors, as DER or as the standard library's dictionaries."""
        if binary_form:
            return [anchor.public_bytes(Encoding.DER) for anchor in self._clients.anchors]
        return [certificate_dict(anchor) for anchor in self._clients.anchors]

    def cert_store_stats(self) -> dict[str, int]:
        """Return how many certificates, CA certificates among them, and CRLs are loaded."""
        authorities = len(self._clients.anchors) + len(self._clients.intermediates)
        return {"x509": authorities, "crl": len(self._clients.crls), "x509_ca": authorities}

    def _replace_clients(self, **changes: Any) -> None:
        self._require_unused()
        self._clients = replace(self._clients, **changes)

    def _require_unused(self) -> None:
        """Raise RuntimeError once the context has been compiled."""
        if self._compiled is not None:
            raise RuntimeError("this context is in use and frozen; make a new one to change it")


def _load_pair(certfile: StrPath, keyfile: StrPath | None, password: Password) -> ServerCertificate:
    keyfile = certfile if keyfile is None else keyfile
    where, key_where = os.fsdecode(certfile), os.fsdecode(keyfile)
    certificates = parse_certificates(read_file(Path(where)), where, beside=PRIVATE_KEYS)
    key = parse_private_key(read_file(Path(key_where)), key_where, _passphrase(password))
    return pair(certificates, key, where, key_where)


def _passphrase(password: Password) -> Passphrase:
    if callable(password):
        return lambda: _encoded(password())
    return None if password is None else _encoded(password)


def _encoded(password: str | bytes | bytearray) -> bytes:
    return password.encode() if isinstance(password, str) else bytes(password)


def _trust_sources(
    cafile: StrPath | None, capath: StrPath | None, cadata: str | Buffer | None
) -> Iterator[tuple[bytes, str]]:
    """Yield each piece of data with a name for errors."""
    if cafile is not None:
        path = Path(os.fsdecode(cafile))
        yield read_file(path), str(path)
    if capath is not None:
        yield from _hashed_files(Path(os.fsdecode(capath)))
    if isinstance(cadata, str):
        yield cadata.encode(), "cadata"
    elif cadata is not None:
        yield from ((item, "cadata") for item in der_items(bytes(memoryview(cadata)), "cadata"))


def _hashed_files(folder: Path) -> Iterator[tuple[bytes, str]]:
    try:
        paths = sorted(path for path in folder.iterdir() if _HASHED_NAME.fullmatch(path.name))
    except OSError as error:
        raise CertgateError(f"{folder}: cannot be listed: {error.strerror}") from None
    if not paths:
        raise CertgateError(f"{folder}: holds no hashed CA file; run `openssl rehash` on it")
    for path in paths:
        yield read_file(path), str(path)
