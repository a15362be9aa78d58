"""What ``check`` looks at beyond what ``serve`` needs: dates, missing lists, the app behind it."""

from __future__ import annotations

import socket
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography.x509 import BasicConstraints, ExtendedKeyUsage, ExtensionNotFound
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from proxy.cli.exposure import exposure_warning
from proxy.cli.unix_socket import connect_unix
from proxy.config.units import quoted
from proxy.identity.crl_due import SIGN_AGAIN
from proxy.tls.files import load_server_certificate
from proxy.tls.upstream import tls_failure_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cryptography.x509 import Certificate

    from proxy.config.addresses import Server
    from proxy.config.model import TLS, ClientAuth, ServerName
    from proxy.config.source import Place
    from proxy.identity.revocation import RevocationView
    from proxy.snapshot import Endpoint, Snapshot

Finding = tuple["Place", str]

CONNECT_SECONDS: Final = 2.0

_SERVER_PURPOSES: Final = frozenset(
    {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
)
# Signatures that others can forge by now.
_BROKEN: Final = {
    SignatureAlgorithmOID.RSA_WITH_MD5: "MD5",
    SignatureAlgorithmOID.RSA_WITH_SHA1: "SHA-1",
    SignatureAlgorithmOID.ECDSA_WITH_SHA1: "SHA-1",
    SignatureAlgorithmOID.DSA_WITH_SHA1: "SHA-1",
}
_SERVER_REFUSED: Final = "browsers refuse it"
_CLIENTS_REFUSED: Final = "its clients are refused"


def inspect(snapshot: Snapshot, now: datetime) -> Iterator[Finding]:
    """Yield a warning for each thing that works, but not well or not for long.

    Args:
        snapshot: a configuration that compiled.
        now: the present, with a time zone.
    """
    yield from inspect_certificates(snapshot, now)
    yield from _revocation(snapshot.client_auth, snapshot.revocation, now)
    yield from _servers(snapshot)


def inspect_certificates(snapshot: Snapshot, now: datetime) -> Iterator[Finding]:
    """Yield what ``serve`` says at the start too: it reports the lists itself, and asks no app.

    Args:
        snapshot: a configuration that compiled.
        now: the present, with a time zone.
    """
    yield from _server_files(snapshot.config.tls, now)
    yield from _trust(snapshot, now)


def _server_files(tls: TLS, now: datetime) -> Iterator[Finding]:
    entries: list[tuple[Place, TLS | ServerName]] = [(("tls",), tls)]
    entries += [(("tls", "server_names", i), entry) for i, entry in enumerate(tls.server_names)]
    for place, entry in entries:
        files = load_server_certificate(
            entry.certificate, entry.private_key, entry.private_key_passphrase_file
        )
        where = (*place, "certificate")
        yield from _dates(where, (files.certificate, *files.chain), now, _SERVER_REFUSED)
        yield from _outdated(where, (files.certificate, *files.chain))
        if not _is_for_servers(files.certificate):
            name = quoted(files.certificate.subject.rfc4514_string())
            yield where, f"{name} is a certificate for clients: browsers refuse it as a server's"
        if _everyone_may_read(entry.private_key):
            yield (*place, "private_key"), "every user of this machine may read it; chmod 600"


def _trust(snapshot: Snapshot, now: datetime) -> Iterator[Finding]:
    trust = snapshot.trust
    yield from _dates(("client_auth", "ca"), trust.anchors, now, _CLIENTS_REFUSED)
    yield from _dates(("client_auth", "intermediates"), trust.intermediates, now, _CLIENTS_REFUSED)
    for anchor in trust.anchors:
        if not _is_authority(anchor):
            name = quoted(anchor.subject.rfc4514_string())
            yield ("client_auth", "ca"), f"{name} is not a CA: it vouches for no client"
    if snapshot.revocation.check == "off":
        return
    for issuer in filter(_is_authority, trust.issuers):
        name = quoted(issuer.subject.rfc4514_string())
        effect = "clients that it issued are refused (crl_missing)"
        if not snapshot.revocation.has_list_of(issuer):
            yield ("client_auth", "crl"), f"has no usable list of {name}: {effect}"
        elif not snapshot.revocation.covers_clients_of(issuer):
            yield ("client_auth", "crl"), f"the list of {name} is about CAs alone: {effect}"


def _revocation(
    client_auth: ClientAuth, revocation: RevocationView, now: datetime
) -> Iterator[Finding]:
    place = ("client_auth", "crl")
    for unusable in revocation.unusable:
        name = quoted(unusable.crl.issuer.rfc4514_string())
        yield place, f"the list of {name} does not count: {unusable.reason}"
    refused = "its clients are refused"
    stale = client_auth.crl_stale == "warn"  # about the end only: nobody relies on a future list
    late = "revocations since then are unknown" if stale else refused
    for crl in revocation.crls:
        what = f"the list of {quoted(crl.issuer.rfc4514_string())}"
        ends = crl.next_update_utc
        early = now < crl.last_update_utc
        yield from _window(
            place, what, (crl.last_update_utc, ends), now, refused if early else late
        )
    for crl in revocation.unclaimed.crls:
        what = f"the list of {quoted(crl.issuer.rfc4514_string())}"
        yield place, f"{what} counts only for clients that send this CA's certificate"


def _dates(
    place: Place, certificates: Iterable[Certificate], now: datetime, consequence: str
) -> Iterator[Finding]:
    for certificate in certificates:
        window = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        what = quoted(certificate.subject.rfc4514_string())
        yield from _window(place, what, window, now, consequence)


def _outdated(place: Place, certificates: Iterable[Certificate]) -> Iterator[Finding]:
    """Warn of signatures with SHA-1 (or MD5); nobody looks at the one of a root."""
    for certificate in certificates:
        oid = certificate.signature_algorithm_oid
        is_root = certificate.subject == certificate.issuer
        if oid in _BROKEN and not is_root:
            name = quoted(certificate.subject.rfc4514_string())
            yield place, f"{name} is signed with {_BROKEN[oid]}: {_SERVER_REFUSED}; have it renewed"


def _window(
    place: Place,
    what: str,
    window: tuple[datetime, datetime | None],
    now: datetime,
    consequence: str,
) -> Iterator[Finding]:
    begins, ends = window
    if now < begins:
        yield place, f"{what} is not valid before {_day(begins)}: until then {consequence}"
    elif ends is not None and ends <= now:
        yield place, f"{what} expired on {_day(ends)}: {consequence}"
    elif ends is not None and ends - now <= SIGN_AGAIN:
        yield place, f"{what} expires in {(ends - now).days} days, on {_day(ends)}; renew it"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _is_for_servers(certificate: Certificate) -> bool:
    """Tell whether clients take it as a server's (RFC 5280 section 4.2.1.12)."""
    try:
        purposes = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return True
    return not _SERVER_PURPOSES.isdisjoint(purposes)


def _is_authority(certificate: Certificate) -> bool:
    """Tell whether it may issue; one without the extension, as of version 1, is taken for a CA."""
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return True


def _everyone_may_read(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IROTH)


def _servers(snapshot: Snapshot) -> Iterator[Finding]:
    places: dict[Place, Endpoint] = {
        ("upstreams", name, "servers", index): member.endpoint
        for name, upstream in snapshot.upstreams.items()
        for index, member in enumerate(upstream.members)
    }
    if snapshot.config.upstream is not None:  # the short form, which has these keys nowhere
        places = {("upstream",): next(iter(places.values()))}
    with ThreadPoolExecutor(max_workers=16) as pool:
        faults = pool.map(_connection_fault, places.values())
        for (place, endpoint), fault in zip(places.items(), faults, strict=True):
            for message in filter(None, (fault, exposure_warning(endpoint.server))):
                yield place, message


def _connection_fault(endpoint: Endpoint) -> str:
    """Return why the app cannot be reached, or nothing. It may well start after the proxy."""
    server = endpoint.server
    try:
        with _connected(server) as plain:
            if endpoint.tls is not None:
                endpoint.tls.wrap_socket(plain, server_hostname=endpoint.server_name).close()
    except socket.gaierror:
        return f"{server.host} does not resolve: requests get 502 until it does"
    except TimeoutError:
        return f"{server} does not answer: requests get 502 or 504 until it does"
    except ssl.SSLError as error:
        return f"no TLS with {server}: {tls_failure_reason(error)}: requests get 502"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return f"{server} is not reachable ({reason}): requests get 502 until it is"
    return ""


def _connected(server: Server) -> socket.socket:
    if not server.path:
        return socket.create_connection((server.host, server.port), timeout=CONNECT_SECONDS)
    return connect_unix(server.path, CONNECT_SECONDS)
