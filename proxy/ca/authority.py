"""The authority: a CA's folder opened together with its private key.

The order is always the same: check, then one transaction in the store that takes the serial, signs
and stores, then hand out. A certificate is committed before anybody gets it, so that none exists
which the store does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cryptography import x509

from proxy.ca.clock import system_clock, to_epoch
from proxy.ca.creation import NewAuthority, check_free, self_signed, write_folder
from proxy.ca.crl import KEY_COMPROMISE
from proxy.ca.files import read_file
from proxy.ca.folder import der_of
from proxy.ca.issuance import Leaf, Signer, fingerprint, leaf_validity, sign_leaf
from proxy.ca.keys import (
    PrivateKey,
    check_strength,
    generate_key,
    is_same_key,
    load_private_key,
    spki_sha256,
)
from proxy.ca.names import alternative_name_text, alternative_names_of, check_subject, subject_text
from proxy.ca.profiles import Profile
from proxy.ca.registry import Registry
from proxy.ca.revocation import RevocationDesk
from proxy.ca.store.records import NewCertificate, Status
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from proxy.ca.clock import Clock
    from proxy.ca.request import Asked, LeafRequest
    from proxy.ca.store.changes import Writing
    from proxy.ca.store.records import CertificateRecord


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that the store knows.

    Attributes:
        key: its private key, where it was made here.
        chain: the CA certificates that belong to it, issuer first.
    """

    serial: int
    profile: Profile
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKey | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA that can sign.

    Attributes:
        registry: its folder and store.
        signer: its certificate and key.
    """

    registry: Registry
    signer: Signer

    @classmethod
    def create(
        cls, directory: Path, new: NewAuthority, passphrase: bytes, clock: Clock = system_clock
    ) -> Self:
        """Make a CA in a folder: key, certificate, an empty CRL, the store; all or nothing.

        Raises:
            CertgateError: there is a CA already, or the folder cannot be written.
        """
        check_free(directory)  # before a slow key is made
        now = clock()
        write_folder(directory, self_signed(new, now), passphrase, now)
        return cls.open(directory, passphrase, clock)

    @classmethod
    def open(cls, directory: Path, passphrase: bytes, clock: Clock = system_clock) -> Self:
        """Open a CA and decrypt its key.

        Raises:
            CertgateError: no CA there, a wrong passphrase, or a key of another CA.
        """
        registry = Registry.open(directory, clock)
        try:
            key = _load_key(registry, passphrase)
        except CertgateError:
            registry.close()
            raise
        return cls(registry, Signer(registry.certificate, key))

    def close(self) -> None:
        """Close the store."""
        self.registry.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def issue(
        self, request: LeafRequest, key: PrivateKey | None = None, key_file: str = ""
    ) -> Issued:
        """Issue a certificate for a key that is made here.

        Args:
            request: what goes into it.
            key: a key made beforehand (a caller that must have it on the disk before the
                certificate exists); None to make one.
            key_file: where the key is, noted for a later ``export``.

        Raises:
            CertgateError: the policy refuses, or the store does.
        """
        key = key or generate_key(request.key_type)
        leaf = Leaf(
            request.profile,
            request.subject.to_name(),
            key.public_key(),
            request.names(),
            leaf_validity(
                self.signer.certificate, request.profile, request.lifetime, self.registry.now()
            ),
        )
        return self._certify("issue", leaf, key=key, key_file=key_file)

    def sign(self, asked: Asked, lifetime: timedelta | None = None) -> Issued:
        """Issue a client certificate for somebody else's key, as far as the request may be met.

        Raises:
            CertgateError: the policy refuses, or the store does.
        """
        profile = Profile.CLIENT
        validity = leaf_validity(self.signer.certificate, profile, lifetime, self.registry.now())
        leaf = Leaf(profile, asked.subject, asked.public_key, asked.alternative_names, validity)
        return self._certify("sign", leaf)

    def renew(self, record: CertificateRecord, lifetime: timedelta | None = None) -> Issued:
        """Issue the same names for the same key once more, with a new serial.

        Args:
            record: a valid certificate of this CA.
            lifetime: None for as long as the old one was valid, cut to the CA's end.

        Raises:
            CertgateError: it was revoked or has expired.
        """
        now = self.registry.now()
        _check_renewable(record, record.status(to_epoch(now)))
        old = self.registry.load(record)
        profile = Profile(record.profile)
        if lifetime is None:
            left = self.signer.certificate.not_valid_after_utc - now
            lifetime = min(old.not_valid_after_utc - old.not_valid_before_utc, left)
        leaf = Leaf(
            profile,
            old.subject,
            check_strength(old.public_key(), "the old certificate"),
            alternative_names_of(old),
            leaf_validity(self.signer.certificate, profile, lifetime, now),
        )
        return self._certify(
            "renew", leaf, key_file=record.key_file, detail=f"serial {record.serial} anew"
        )

    def _certify(
        self,
        verb: str,
        leaf: Leaf,
        *,
        key: PrivateKey | None = None,
        key_file: str = "",
        detail: str = "",
    ) -> Issued:
        """Check the policy, take a serial, sign, store: one transaction, then hand out."""
        common_name = check_subject(leaf.subject, self.registry.issuer_names())
        with self.registry.store.writing() as change:
            self._check_key(change, leaf)
            serial = change.take_serial(self.registry.issuer_id)
            if serial is None:
                serial = x509.random_serial_number()
            certificate = sign_leaf(leaf, serial, self.signer)
            now = self.registry.now()
            row = _row(leaf, certificate, common_name, key_file, to_epoch(now))
            change.add_certificate(self.registry.issuer_id, row)
            change.note(self.registry.audited(verb, serial, detail or row.subject))
        chain = self.registry.chain_for(leaf.profile)
        return Issued(serial, leaf.profile, certificate, chain, key)

    def _check_key(self, change: Writing, leaf: Leaf) -> None:
        if is_same_key(leaf.public_key, self.signer.key.public_key()):
            raise CertgateError("the key is the CA's own: it cannot be a client's as well")
        for record in change.by_key(self.registry.issuer_id, spki_sha256(leaf.public_key)):
            if record.reason == KEY_COMPROMISE:
                raise CertgateError(
                    f"this key was revoked as compromised (serial {record.serial}): "
                    "make a new key and a new request"
                )

    @property
    def revocation(self) -> RevocationDesk:
        """What revokes, and signs the CRL."""
        return RevocationDesk(self.registry, self.signer)


def _load_key(registry: Registry, passphrase: bytes) -> PrivateKey:
    path, own = registry.folder.key, registry.folder.certificate
    key = load_private_key(read_file(path), passphrase, path)
    if not is_same_key(
        key.public_key(), check_strength(registry.certificate.public_key(), str(own))
    ):
        raise CertgateError(f"{path}: this is not the key of {own}")
    return key


def _check_renewable(record: CertificateRecord, status: Status) -> None:
    if status is Status.REVOKED:
        raise CertgateError(
            f"serial {record.serial} is revoked ({record.reason}) and cannot be renewed"
        )
    if status is Status.EXPIRED:
        raise CertgateError(
            f"serial {record.serial} has expired and cannot be renewed; issue a new certificate"
        )
    if record.profile not in list(Profile):
        raise CertgateError(f"serial {record.serial} is a CA; it is not renewed but replaced")


def _row(
    leaf: Leaf, certificate: x509.Certificate, common_name: str, key_file: str, now: int
) -> NewCertificate:
    return NewCertificate(
        serial=certificate.serial_number,
        profile=leaf.profile.value,
        common_name=common_name,
        subject=subject_text(leaf.subject),
        alternative_names=" ".join(map(alternative_name_text, leaf.alternative_names)),
        not_before=to_epoch(leaf.validity.not_before),
        not_after=to_epoch(leaf.validity.not_after),
        fingerprint_sha256=fingerprint(certificate),
        spki_sha256=spki_sha256(leaf.public_key),
        certificate=der_of(certificate),
        key_file=key_file,
        created_at=now,
    )
