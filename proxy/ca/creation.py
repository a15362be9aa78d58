"""Making a CA's folder: all four files or none."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from proxy.ca.audit import operator
from proxy.ca.clock import to_epoch
from proxy.ca.crl import DEFAULT_LIFETIME, crl_end, pem_of, sign_crl
from proxy.ca.files import (
    PRIVATE_FOLDER,
    SECRET,
    explained,
    is_there,
    locked_folder,
    make_folder,
    sync_folder,
    write_file,
)
from proxy.ca.folder import Folder, der_of
from proxy.ca.folder import pem_of as certificates_pem
from proxy.ca.issuance import BACKDATE, Signer, Validity, fingerprint, sign_authority
from proxy.ca.keys import KeyType, encrypted_pem, generate_key
from proxy.ca.names import check_subject, subject_text
from proxy.ca.store import create_store
from proxy.ca.store.records import AuditRecord, RevocationRecord
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from proxy.ca.names import SubjectFields

DEFAULT_LIFETIME_DAYS = 3650
LONGEST_LIFETIME_DAYS = 100 * 365


@dataclass(frozen=True, slots=True)
class NewAuthority:
    """What an operator decides about a new CA.

    Attributes:
        key_type: RSA-4096 by default. A CA's signature is checked by everything that ever meets
            one of its certificates, old phones, appliances and smart cards included, and RSA is
            the one algorithm that all of them have; its slow part, making and signing, happens
            here and seldom, its fast part, verifying, at every handshake.
        first_serial: None for random serials.
        path_length: how many CAs may stand below (RFC 5280 section 4.2.1.9).
    """

    subject: SubjectFields
    key_type: KeyType = KeyType.RSA_4096
    days: int = DEFAULT_LIFETIME_DAYS
    first_serial: int | None = 1
    path_length: int = 0


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a CA brings along that was used before; empty for a new one."""

    revocations: tuple[RevocationRecord, ...] = ()
    crl_number: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """A CA, complete in memory, ready to be written.

    Attributes:
        signer: its certificate and key.
        above: the certificates above it.
        first_serial: None for random serials.
        origin: a word for the audit.
    """

    signer: Signer
    above: tuple[x509.Certificate, ...]
    first_serial: int | None
    origin: str
    inheritance: Inheritance = Inheritance()


def self_signed(new: NewAuthority, now: datetime) -> Material:
    """Make a root CA's key and certificate.

    Raises:
        CertgateError: a blank or unusable subject, an impossible lifetime.
    """
    subject = new.subject.to_name()
    check_subject(subject, ())
    validity = authority_validity(new.days, now)
    key = generate_key(new.key_type)
    certificate = sign_authority(
        subject, key, x509.random_serial_number(), validity, path_length=new.path_length
    )
    return Material(Signer(certificate, key), (), new.first_serial, "new root")


def authority_validity(days: int, now: datetime) -> Validity:
    """Return a CA's validity.

    Raises:
        CertgateError: no days, or more than a century.
    """
    if not 1 <= days <= LONGEST_LIFETIME_DAYS:
        raise CertgateError(
            f"a CA's lifetime must be between 1 and {LONGEST_LIFETIME_DAYS} days, not {days}"
        )
    return Validity(now - BACKDATE, now + timedelta(days=days))


def check_free(directory: Path) -> None:
    """Refuse a folder that holds a CA, or a part of one.

    Raises:
        CertgateError: it does.
    """
    folder = Folder(directory)
    existing = folder.existing()
    if existing and folder.certificate not in existing:
        raise CertgateError(
            f"{existing[0]} exists already, but not a whole CA: an interrupted init, or something "
            "else; move it away, or choose another --dir"
        )
    if existing:
        raise CertgateError(
            f"{existing[0]} exists already: certgate never overwrites a CA; choose another --dir"
        )


def write_folder(directory: Path, material: Material, passphrase: bytes, now: datetime) -> None:
    """Write a CA's folder.

    Everything is made in a folder inside and moved when it is complete; ``ca.crt`` comes last,
    because it is what makes the folder a CA.

    Raises:
        CertgateError: a CA is there already, or the folder cannot be written.
    """
    is_new = not is_there(directory)
    make_folder(directory)
    try:
        _fill_folder(directory, material, passphrase, now)
    except CertgateError:
        if is_new:
            with contextlib.suppress(OSError):
                directory.rmdir()
        raise


def _fill_folder(directory: Path, material: Material, passphrase: bytes, now: datetime) -> None:
    with locked_folder(directory):
        check_free(directory)
        staging = Folder(directory / f".init-{secrets.token_hex(4)}")
        make_folder(staging.path, PRIVATE_FOLDER)
        try:
            _write_files(staging, material, passphrase, now)
            _move(staging, Folder(directory))
        finally:
            shutil.rmtree(staging.path, ignore_errors=True)


def _write_files(folder: Folder, material: Material, passphrase: bytes, now: datetime) -> None:
    signer = material.signer
    inheritance = material.inheritance
    write_file(folder.key, encrypted_pem(signer.key, passphrase), SECRET)
    write_file(folder.certificate, certificates_pem(signer.certificate, *material.above))
    number = inheritance.crl_number + 1
    crl = sign_crl(
        inheritance.revocations,
        number=number,
        now=now,
        until=crl_end(signer.certificate, DEFAULT_LIFETIME, now),
        signer=signer,
    )
    write_file(folder.crl, pem_of(crl))
    _fill_store(folder, material, number, to_epoch(now))


def _fill_store(folder: Folder, material: Material, crl_number: int, now: int) -> None:
    certificate = material.signer.certificate
    with create_store(folder.store) as store, store.writing() as change:
        issuer_id = change.add_issuer(
            subject=subject_text(certificate.subject),
            fingerprint_sha256=fingerprint(certificate),
            certificate=der_of(certificate),
            next_serial=material.first_serial,
            crl_number=crl_number,
            created_at=now,
        )
        change.inherit(issuer_id, material.inheritance.revocations)
        change.note(AuditRecord(now, operator(), "init", None, material.origin))


def _move(staging: Folder, target: Folder) -> None:
    pairs = (
        (staging.store, target.store),
        (staging.crl, target.crl),
        (staging.key, target.key),
        (staging.certificate, target.certificate),
    )
    with explained("write", target.path), contextlib.ExitStack() as undo:
        for source, destination in pairs:
            source.rename(destination)
            undo.callback(destination.unlink)
        undo.pop_all()
        sync_folder(target.path)
