"""A certificate authority for tests, and the identities that it hands out."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.pki.issue import DAY, START, Issuer, Profile, certificate
from tests.pki.keys import PrivateKey, certificate_pem, ec_key, key_pem
from tests.pki.names import name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Files:
    """An identity on disk: ``certificate`` (leaf first, then what is sent with it) and ``key``."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key and the certificates that its holder sends, leaf first."""

    key: PrivateKey
    certificates: tuple[x509.Certificate, ...]

    @property
    def leaf(self) -> x509.Certificate:
        """The end-entity certificate."""
        return self.certificates[0]

    @property
    def chain_pem(self) -> bytes:
        """All certificates, leaf first, as PEM."""
        return certificate_pem(*self.certificates)

    def sending(self, *certificates: x509.Certificate) -> Identity:
        """Return the same holder with these certificates behind the leaf, and no others."""
        return replace(self, certificates=(self.leaf, *certificates))

    def write(self, folder: Path, stem: str = "client", passphrase: bytes | None = None) -> Files:
        """Write ``stem.crt`` and ``stem.key`` (mode 0600) into the folder."""
        files = Files(folder / f"{stem}.crt", folder / f"{stem}.key")
        files.certificate.write_bytes(self.chain_pem)
        files.key.touch(mode=0o600)
        files.key.write_bytes(key_pem(self.key, passphrase))
        return files


class Authority:
    """A CA: a key, its certificate, and a counter of serial numbers.

    ``sent`` are the certificates that a good client of this CA sends behind its own: nothing for
    a root, the intermediate itself (and those above it, without the root) for an intermediate.
    """

    def __init__(
        self,
        common_name: str = "certgate test root",
        *,
        parent: Authority | None = None,
        key: PrivateKey | None = None,
        profile: Profile | None = None,
    ) -> None:
        self.key = key or ec_key()
        self.subject = name(common_name)
        self.serials = itertools.count(1)
        self._crl_numbers = itertools.count(1)
        told = replace(
            profile or Profile(not_after=START + 3650 * DAY),
            subject=self.subject,
            ca=True,
            extended_key_usage=(),
        )
        issuer = parent.issuer if parent else self.issuer
        serial = next(parent.serials) if parent else 1_000_000
        self.certificate = certificate(told, self.key, issuer, serial)
        self.sent: tuple[x509.Certificate, ...] = (self.certificate, *parent.sent) if parent else ()

    @property
    def issuer(self) -> Issuer:
        """This CA as the signer of a certificate."""
        return Issuer(self.subject, self.key)

    @property
    def pem(self) -> bytes:
        """The CA's certificate, as PEM."""
        return certificate_pem(self.certificate)

    def intermediate(self, common_name: str, profile: Profile | None = None) -> Authority:
        """Return a CA that this one signed."""
        return Authority(common_name, parent=self, profile=profile)

    def issue(self, profile: Profile | None = None, key: PrivateKey | None = None) -> Identity:
        """Return a new identity of this CA; the default profile is a good client's."""
        key = key or ec_key()
        leaf = certificate(profile or Profile(), key, self.issuer, next(self.serials))
        return Identity(key, (leaf, *self.sent))

    def client(self, common_name: str = "alice", **knobs: Any) -> Identity:
        """Return a good client certificate; ``knobs`` are attributes of ``Profile``."""
        return self.issue(Profile(subject=name(common_name), **knobs))

    def server(self, *hosts: str, key: PrivateKey | None = None, **knobs: Any) -> Identity:
        """Return a server certificate for DNS names and IP addresses."""
        names = hosts or ("localhost", "127.0.0.1")
        profile = Profile(
            subject=name(names[0]),
            extended_key_usage=(ExtendedKeyUsageOID.SERVER_AUTH,),
            alternative_names=tuple(map(_general_name, names)),
        )
        return self.issue(replace(profile, **knobs), key)

    def crl(
        self,
        revoked: Iterable[Identity | x509.Certificate] = (),
        *,
        last_update: dt.datetime = START - DAY,
        next_update: dt.datetime = START + 60 * DAY,
        number: int | None = None,
    ) -> x509.CertificateRevocationList:
        """Return a CRL of this CA; its number rises with each call unless one is given."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.subject)
            .last_update(last_update)
            .next_update(next_update)
            .add_extension(x509.CRLNumber(number or next(self._crl_numbers)), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        for entry in revoked:
            leaf = entry.leaf if isinstance(entry, Identity) else entry
            builder = builder.add_revoked_certificate(_entry(leaf.serial_number, last_update))
        return builder.sign(self.key, hashes.SHA256())


def _entry(serial: int, when: dt.datetime) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
    return builder.build()


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
