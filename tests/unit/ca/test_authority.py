"""Opening a CA, and everything that it issues."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from proxy.ca.authority import Authority
from proxy.ca.issuance import fingerprint
from proxy.ca.keys import KeyType, encrypted_pem, generate_key
from proxy.ca.names import SubjectFields, alternative_names_of, parse_alternative_name
from proxy.ca.p12 import build_p12
from proxy.ca.request import Asked
from proxy.errors import CertgateError
from tests.authorities import PASSPHRASE, Clock, client, make_authority, record_of, records_of

if TYPE_CHECKING:
    from pathlib import Path


def asked_for(name: str, key_type: KeyType = KeyType.P256) -> Asked:
    public_key = generate_key(key_type).public_key()
    return Asked(SubjectFields(name).to_name(), public_key, (), ())


def test_serials_count_from_one(authority: Authority):
    assert [authority.issue(client(f"c{n}")).serial for n in range(3)] == [1, 2, 3]
    assert authority.sign(asked_for("bob")).serial == 4


def test_random_serials_are_large_and_differ(tmp_path: Path):
    with make_authority(tmp_path / "random", first_serial=None) as authority:
        serials = {authority.issue(client()).serial for _ in range(3)}
    assert len(serials) == 3
    assert min(serials) > 2**64


def test_what_is_handed_out_is_in_the_store(authority: Authority):
    issued = authority.issue(client(), key_file="/somewhere/alice.key")
    record = record_of(authority, issued.serial)
    assert record.fingerprint_sha256 == fingerprint(issued.certificate)
    assert record.subject == "CN=alice,O=Acme"
    assert record.key_file == "/somewhere/alice.key"
    assert authority.registry.load(record) == issued.certificate


def test_a_refusal_uses_up_no_serial(authority: Authority):
    with pytest.raises(CertgateError):
        authority.sign(Asked(authority.registry.certificate.subject, None, (), ()))  # type: ignore[arg-type]
    assert authority.issue(client()).serial == 1


def test_a_wrong_passphrase_is_one_clear_line(authority: Authority):
    with pytest.raises(CertgateError, match=r"ca\.key: wrong passphrase"):
        Authority.open(authority.registry.folder.path, b"wrong")


def test_the_key_of_another_authority_is_refused(authority: Authority):
    other = encrypted_pem(generate_key(KeyType.P256), PASSPHRASE)
    authority.registry.folder.key.write_bytes(other)
    with pytest.raises(CertgateError, match="this is not the key of"):
        Authority.open(authority.registry.folder.path, PASSPHRASE)


def test_the_name_of_the_authority_is_refused(authority: Authority):
    with pytest.raises(CertgateError, match="CA's own name"):
        authority.sign(asked_for("test ca"))


def test_the_key_of_the_authority_gets_no_client_certificate(authority: Authority):
    asked = Asked(SubjectFields("x").to_name(), authority.signer.key.public_key(), (), ())  # type: ignore[arg-type]
    with pytest.raises(CertgateError, match="the key is the CA's own"):
        authority.sign(asked)


def test_a_compromised_key_gets_no_further_certificate(authority: Authority):
    """Who stole the key would otherwise come back with a fresh certificate for it."""
    asked = asked_for("bob")
    serial = authority.sign(asked).serial
    authority.revocation.revoke([record_of(authority, serial)], "keyCompromise")
    with pytest.raises(CertgateError, match="revoked as compromised"):
        authority.sign(asked)


def test_a_superseded_key_may_be_used_again(authority: Authority):
    asked = asked_for("bob")
    serial = authority.sign(asked).serial
    authority.revocation.revoke([record_of(authority, serial)], "superseded")
    assert authority.sign(asked).serial == 2


def test_a_renewed_certificate_has_the_same_names_and_key(authority: Authority, clock: Clock):
    names = (parse_alternative_name("email:alice@example.com"),)
    old = authority.issue(client(alternative_names=names, lifetime=timedelta(days=90)))
    clock.advance(days=80)
    new = authority.renew(record_of(authority, old.serial))
    assert new.serial == 2
    assert new.certificate.subject == old.certificate.subject
    assert new.certificate.public_key() == old.certificate.public_key()
    assert alternative_names_of(new.certificate) == names
    assert new.certificate.not_valid_after_utc == clock() + timedelta(days=90)


def test_an_hour_can_be_renewed_for_an_hour(authority: Authority, clock: Clock):
    old = authority.issue(client(lifetime=timedelta(hours=1)))
    new = authority.renew(record_of(authority, old.serial))
    assert new.certificate.not_valid_after_utc == clock() + timedelta(hours=1)


def test_a_renewal_never_outlives_the_authority(authority: Authority, clock: Clock):
    clock.advance(days=3650 - 100)
    old = authority.issue(client())
    clock.advance(days=50)
    new = authority.renew(record_of(authority, old.serial))
    end = authority.registry.certificate.not_valid_after_utc
    assert new.certificate.not_valid_after_utc == end
    with pytest.raises(CertgateError, match="longer than the CA's own"):
        authority.renew(record_of(authority, old.serial), timedelta(days=90))


def test_the_revoked_and_the_expired_are_not_renewed(authority: Authority, clock: Clock):
    revoked, expired = (authority.issue(client(lifetime=timedelta(days=1))) for _ in range(2))
    authority.revocation.revoke([record_of(authority, revoked.serial)], "superseded")
    with pytest.raises(CertgateError, match="is revoked"):
        authority.renew(record_of(authority, revoked.serial))
    clock.advance(days=2)
    with pytest.raises(CertgateError, match="has expired"):
        authority.renew(record_of(authority, expired.serial))


def test_who_was_revoked_a_moment_ago_is_not_renewed(authority: Authority):
    """Two operators at once: one looks the certificate up, the other revokes it."""
    seen_before = record_of(authority, authority.issue(client()).serial)
    authority.revocation.revoke([seen_before], "superseded")
    with pytest.raises(CertgateError, match="is revoked"):
        authority.renew(seen_before)


@pytest.mark.parametrize("key_type", list(KeyType)[-3:])
def test_every_kind_of_authority_signs_every_kind_of_client(tmp_path: Path, key_type: KeyType):
    with make_authority(tmp_path / "ca", key_type=key_type) as authority:
        for number, client_type in enumerate((KeyType.P256, KeyType.P384, KeyType.ED25519)):
            issued = authority.issue(client(f"c{number}", key_type=client_type))
            issued.certificate.verify_directly_issued_by(authority.registry.certificate)
            if client_type is not KeyType.ED25519:
                assert issued.key
                assert build_p12(issued.key, issued.certificate, issued.chain, "secret")


def test_each_verb_leaves_a_record(authority: Authority):
    """Who, when, what, which serial."""
    issued = authority.issue(client())
    authority.renew(record_of(authority, issued.serial))
    desk = authority.revocation
    desk.revoke([record_of(authority, issued.serial)], "certificateHold")
    desk.unrevoke(record_of(authority, issued.serial))
    history = authority.registry.history(issued.serial)
    assert [entry.verb for entry in history] == ["issue", "revoke", "unrevoke"]
    assert all(entry.actor for entry in history)
    assert [entry.verb for entry in authority.registry.history(2)] == ["renew"]


def test_the_signature_is_sha_256(authority: Authority):
    certificate = authority.issue(client()).certificate
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    assert isinstance(certificate, x509.Certificate)
    assert len(records_of(authority)) == 1
