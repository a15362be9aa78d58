"""The authority: a CA's folder opened together with its private key.

The order is always the same: check, then one transaction in the store that takes the serial, signs
and stores, then hand out. A certificate is committed before anybody gets it, so that none exists
which the store does not know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from cryptography import x509

from proxy.ca.clock import system_clock, to_epoch
from proxy.ca.creation import NewAuthority, check_free, self_signed, write_folder
from proxy.ca.crl import KEY_COMPROMISE
from proxy.ca.files import read_file
from proxy.ca.folder import der_of
from proxy.ca.issuance import (
    BACKDATE,
    Leaf,
    Signer,
    Validity,
    fingerprint,
    leaf_validity,
    sign_authority,
    sign_leaf,
)
from proxy.ca.keys import (
    PrivateKey,
    PublicKey,
    check_strength,
    generate_key,
    is_same_key,
    load_private_key,
    spki_sha256,
)
from proxy.ca.names import (
    alternative_name_text,
    alternative_names_of,
    check_subject,
    common_name_of,
    subject_text,
)
from proxy.ca.profiles import SHORTEST_LIFETIME, Profile
from proxy.ca.registry import Registry
from proxy.ca.revocation import RevocationDesk
from proxy.ca.store.records import NewCertificate, Status
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta
    from pathlib import Path

    from proxy.ca.clock import Clock
    from proxy.ca.request import Asked, LeafRequest
    from proxy.ca.store.changes import Writing
    from proxy.ca.store.records import CertificateRecord

    Check = Callable[[Writing], None]


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
            self._validity(request.profile, request.lifetime),
        )
        return self._certify_leaf("issue", leaf, key=key, key_file=key_file)

    def sign(self, asked: Asked, lifetime: timedelta | None = None) -> Issued:
        """Issue a client certificate for somebody else's key, as far as the request may be met.

        Raises:
            CertgateError: the policy refuses, or the store does.
        """
        leaf = Leaf(
            Profile.CLIENT,
            asked.subject,
            asked.public_key,
            asked.alternative_names,
            self._validity(Profile.CLIENT, lifetime),
        )
        return self._certify_leaf("sign", leaf)

    def renew(self, record: CertificateRecord, lifetime: timedelta | None = None) -> Issued:
        """Issue the same names for the same key once more, with a new serial.

        Args:
            record: a valid certificate of this CA.
            lifetime: None for as long as the old one was valid, cut to the CA's end.

        Raises:
            CertgateError: it was revoked or has expired.
        """
        now = self.registry.now()

        def check_renewable(change: Writing) -> None:
            # Inside the transaction: it may have been revoked a moment ago.
            current = change.by_serial(self.registry.issuer_id, record.serial) or record
            _check_renewable(current, current.status(to_epoch(now)))

        _check_renewable(record, record.status(to_epoch(now)))
        old = self.registry.load(record)
        profile = Profile(record.profile)
        if lifetime is None:
            left = self.signer.certificate.not_valid_after_utc - now
            before = old.not_valid_after_utc - old.not_valid_before_utc - BACKDATE
            lifetime = min(max(before, SHORTEST_LIFETIME), left)
        leaf = Leaf(
            profile,
            old.subject,
            check_strength(old.public_key(), f"serial {record.serial}"),
            alternative_names_of(old),
            self._validity(profile, lifetime),
        )
        return self._certify_leaf(
            "renew", leaf, key_file=record.key_file, checks=(check_renewable,)
        )

    def certify_below(self, subject: x509.Name, key: PrivateKey, validity: Validity) -> Issued:
        """Issue the certificate of an intermediate CA, which may have no CA below itself.

        Raises:
            CertgateError: the policy refuses, or the store does.
        """

        def sign(serial: int) -> x509.Certificate:
            return sign_authority(subject, key, serial, validity, path_length=0, signer=self.signer)

        check_subject(subject, self.registry.issuer_names())
        return self._certify(
            "init", Profile.AUTHORITY, sign, "", [self._fresh_key(key.public_key())]
        )

    def _validity(self, profile: Profile, lifetime: timedelta | None) -> Validity:
        return leaf_validity(self.signer.certificate, profile, lifetime, self.registry.now())

    def _certify_leaf(
        self,
        verb: str,
        leaf: Leaf,
        *,
        key: PrivateKey | None = None,
        key_file: str = "",
        checks: tuple[Check, ...] = (),
    ) -> Issued:
        check_subject(leaf.subject, self.registry.issuer_names())

        def sign(serial: int) -> x509.Certificate:
            return sign_leaf(leaf, serial, self.signer)

        checks = (self._fresh_key(leaf.public_key), *checks)
        issued = self._certify(verb, leaf.profile, sign, key_file, checks)
        return replace(issued, key=key)

    def _certify(
        self,
        verb: str,
        profile: Profile,
        sign: Callable[[int], x509.Certificate],
        key_file: str,
        checks: Iterable[Check],
    ) -> Issued:
        """Check, take a serial, sign, store, in one transaction; only then hand out."""
        registry = self.registry
        with registry.store.writing() as change:
            for check in checks:
                check(change)
            serial = change.take_serial(registry.issuer_id) or x509.random_serial_number()
            certificate = sign(serial)
            row = _row(certificate, profile, key_file, to_epoch(registry.now()))
            change.add_certificate(registry.issuer_id, row)
            change.note(registry.audited(verb, serial, row.subject))
        return Issued(serial, profile, certificate, registry.chain_for(profile))

    def _fresh_key(self, public_key: PublicKey) -> Check:
        """Return the check that this key is neither the CA's own nor known to be stolen."""

        def check(change: Writing) -> None:
            if is_same_key(public_key, self.signer.key.public_key()):
                raise CertgateError("the key is the CA's own: it cannot be a client's as well")
            for record in change.by_key(self.registry.issuer_id, spki_sha256(public_key)):
                if record.reason == KEY_COMPROMISE:
                    raise CertgateError(
                        f"this key was revoked as compromised (serial {record.serial}): "
                        "make a new key and a new request"
                    )

        return check

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
    if record.profile == Profile.AUTHORITY:
        raise CertgateError(f"serial {record.serial} is a CA: make a new one instead")


def _row(
    certificate: x509.Certificate, profile: Profile, key_file: str, now: int
) -> NewCertificate:
    public_key = check_strength(certificate.public_key(), "the certificate")
    names = alternative_names_of(certificate)
    return NewCertificate(
        serial=certificate.serial_number,
        profile=profile.value,
        common_name=common_name_of(certificate.subject),
        subject=subject_text(certificate.subject),
        alternative_names=" ".join(map(alternative_name_text, names)),
        not_before=to_epoch(certificate.not_valid_before_utc),
        not_after=to_epoch(certificate.not_valid_after_utc),
        fingerprint_sha256=fingerprint(certificate),
        spki_sha256=spki_sha256(public_key),
        certificate=der_of(certificate),
        key_file=key_file,
        created_at=now,
    )
