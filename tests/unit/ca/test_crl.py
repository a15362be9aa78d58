"""Lists of the revoked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from proxy.ca.clock import to_epoch
from proxy.ca.crl import (
    REASONS,
    crl_end,
    due_warning,
    load_crl,
    number_of,
    pem_of,
    sign_crl,
)
from proxy.ca.store.records import RevocationRecord
from proxy.errors import CertgateError
from tests.authorities import Clock, openssl

if TYPE_CHECKING:
    from proxy.ca.authority import Authority

PATH = Path("crl.pem")


def signed(
    authority: Authority, clock: Clock, *entries: RevocationRecord, days: int = 365
) -> x509.CertificateRevocationList:
    until = clock() + timedelta(days=days)
    return sign_crl(entries, number=7, now=clock(), until=until, signer=authority.signer)


def test_openssl_accepts_the_list_and_sees_its_number(authority: Authority, clock: Clock):
    pem = pem_of(signed(authority, clock, RevocationRecord(3, "keyCompromise", to_epoch(clock()))))
    authority_file = authority.registry.folder.certificate
    told = openssl("crl", "-noout", "-text", "-CAfile", authority_file, stdin=pem)
    assert "verify OK" in told
    assert "X509v3 CRL Number: \n                7" in told
    assert "X509v3 Authority Key Identifier" in told
    assert "Serial Number: 03" in told
    assert "Key Compromise" in told


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_is_written_and_unspecified_is_absent(
    authority: Authority, clock: Clock, reason: str
):
    crl = signed(authority, clock, RevocationRecord(1, reason, to_epoch(clock())))
    extensions = list(crl[0].extensions)
    if reason == "unspecified":
        assert extensions == []
    else:
        assert extensions[0].value == x509.CRLReason(REASONS[reason])


def test_a_list_is_read_in_pem_and_der(authority: Authority, clock: Clock):
    crl = signed(authority, clock)
    assert load_crl(pem_of(crl), PATH) == crl
    assert load_crl(crl.public_bytes(Encoding.DER), PATH) == crl
    assert number_of(crl) == 7


@pytest.mark.parametrize("data", [b"", b"garbage", b"-----BEGIN X509 CRL-----\nAAAA\n"])
def test_garbage_is_not_a_list(data: bytes):
    with pytest.raises(CertgateError, match=r"crl\.pem: not a certificate revocation list"):
        load_crl(data, PATH)


def test_a_list_without_a_number_counts_as_zero(authority: Authority, clock: Clock):
    bare = x509.CertificateRevocationListBuilder(
        authority.registry.certificate.subject, clock(), clock() + timedelta(days=1)
    ).sign(
        authority.signer.key,
        hashes.SHA256(),
    )
    assert number_of(bare) == 0


def test_the_warning_begins_thirty_days_before_the_end(authority: Authority, clock: Clock):
    crl = signed(authority, clock, days=365)
    assert due_warning(crl, clock() + timedelta(days=334)) is None
    soon = due_warning(crl, clock() + timedelta(days=335))
    assert soon is not None
    assert "in 30 days" in soon
    assert "certgate ca crl" in soon
    stale = due_warning(crl, clock() + timedelta(days=365))
    assert stale is not None
    assert "stale" in stale


def test_a_list_ends_with_its_authority_at_the_latest(authority: Authority, clock: Clock):
    certificate = authority.registry.certificate
    assert crl_end(certificate, timedelta.max, clock()) == certificate.not_valid_after_utc
    assert crl_end(certificate, timedelta(days=1), clock()) == clock() + timedelta(days=1)


def test_an_expired_authority_and_a_momentary_list_are_refused(authority: Authority, clock: Clock):
    certificate = authority.registry.certificate
    with pytest.raises(CertgateError, match="an hour at least"):
        crl_end(certificate, timedelta(0), clock())
    with pytest.raises(CertgateError, match="the CA expired"):
        crl_end(certificate, timedelta(days=1), certificate.not_valid_after_utc)
