"""Revocation errors are those of OpenSSL: same numbers, same words, same certificates."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from proxy.identity.revocation import build_revocation_view
from tests.gate import require
from tests.pki import START, certificate_pem, client, impostor, trust
from tests.unit.identity.lists import URL, crl_of, entry, scope

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROOT, SUB = trust().root, trust().sub
ALICE = client("good").leaf
BOB = client("with_intermediate").leaf
ALICE_REVOKED = entry(ALICE.serial_number)
RELEASED = entry(ALICE.serial_number, (x509.CRLReason(x509.ReasonFlags.remove_from_crl), False))
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")

LISTS = {
    "current": [crl_of(ROOT, number=1)],
    "revoked": [crl_of(ROOT, entries=[ALICE_REVOKED], number=1)],
    "somebody else revoked": [crl_of(ROOT, entries=[entry(987_654_321)], number=1)],
    "expired": [crl_of(ROOT, age_days=9, days_left=-1)],
    "expired and revoked": [crl_of(ROOT, entries=[ALICE_REVOKED], age_days=9, days_left=-1)],
    "not yet valid": [crl_of(ROOT, age_days=-1)],
    "of another CA": [crl_of(SUB)],
    "released": [crl_of(ROOT, entries=[RELEASED], number=1)],
    "for users": [crl_of(ROOT, scope(user=True), entries=[ALICE_REVOKED], number=1)],
}
"""Where OpenSSL and the view must agree to the letter."""

STRICTER = {
    "with the CA's name and another key": [crl_of(impostor(), number=9)],
    "with an unknown critical extension": [crl_of(ROOT, UNKNOWN)],
    "for CAs": [crl_of(ROOT, scope(ca=True))],
    "for a distribution point that the leaf does not name": [crl_of(ROOT, scope(urls=[URL]))],
    "indirect": [crl_of(ROOT, scope(indirect=True))],
}
"""Where OpenSSL has other numbers (8, 36, 44): the view counts the list as missing."""


def openssl_errors(
    folder: Path,
    leaf: x509.Certificate,
    crls: list[x509.CertificateRevocationList],
    *options: str,
    anchors: Sequence[x509.Certificate] = (ROOT.certificate, SUB.certificate),
) -> set[tuple[int, int, str]]:
    """Return what ``openssl verify`` finds at START, as (number, depth, text)."""
    (folder / "ca.pem").write_bytes(certificate_pem(*anchors))
    (folder / "leaf.pem").write_bytes(certificate_pem(leaf))
    (folder / "crl.pem").write_bytes(b"".join(crl.public_bytes(Encoding.PEM) for crl in crls))
    command = [require("openssl"), "verify", "-attime", str(int(START.timestamp())), *options]
    result = subprocess.run(
        [*command, "-CAfile", "ca.pem", "-CRLfile", "crl.pem", "leaf.pem"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"error (\d+) at (\d+) depth lookup: (.*)", result.stdout + result.stderr)
    assert bool(found) == (result.returncode != 0), result.stderr
    return {(int(number), int(depth), text) for number, depth, text in found}


def our_errors(
    leaf: x509.Certificate, crls: list[x509.CertificateRevocationList], check: str
) -> set[tuple[int, int, str]]:
    issuers = [ROOT.certificate, SUB.certificate]
    chain = (leaf, *([SUB.certificate] if leaf is BOB else []), ROOT.certificate)
    view = build_revocation_view(crls, issuers, check)
    errors = view.errors(chain, START.timestamp())
    return {(item.number, item.depth, item.text) for item in errors}


@pytest.mark.parametrize("crls", LISTS.values(), ids=LISTS.keys())
def test_openssl_finds_the_same_errors(tmp_path: Path, crls: list[x509.CertificateRevocationList]):
    theirs = openssl_errors(tmp_path, ALICE, crls, "-crl_check")
    assert our_errors(ALICE, crls, "leaf") == theirs


@pytest.mark.parametrize("crls", STRICTER.values(), ids=STRICTER.keys())
def test_what_openssl_finds_fault_with_counts_as_missing(
    tmp_path: Path, crls: list[x509.CertificateRevocationList]
):
    assert openssl_errors(tmp_path, ALICE, crls, "-crl_check")
    assert our_errors(ALICE, crls, "leaf") == {(3, 0, "unable to get certificate CRL")}


@pytest.mark.parametrize(
    ("check", "options"), [("leaf", ["-crl_check"]), ("chain", ["-crl_check", "-crl_check_all"])]
)
@pytest.mark.parametrize(
    "crls",
    [
        pytest.param([crl_of(SUB)], id="the leaf's issuer has one"),
        pytest.param([crl_of(ROOT)], id="the root has one"),
        pytest.param([crl_of(SUB), crl_of(ROOT)], id="both have one"),
        pytest.param(
            [crl_of(SUB), crl_of(ROOT, entries=[entry(SUB.certificate.serial_number)])],
            id="intermediate revoked",
        ),
    ],
)
def test_leaf_and_chain_are_openssls_flags(
    tmp_path: Path, crls: list[x509.CertificateRevocationList], check: str, options: list[str]
):
    assert our_errors(BOB, crls, check) == openssl_errors(tmp_path, BOB, crls, *options)


@pytest.mark.parametrize(
    "crls",
    [
        pytest.param([crl_of(SUB)], id="current"),
        pytest.param([crl_of(SUB, entries=[entry(BOB.serial_number)])], id="revoked"),
        pytest.param([crl_of(SUB, age_days=9, days_left=-1)], id="expired"),
        pytest.param([crl_of(ROOT)], id="the root's only"),
    ],
)
def test_the_list_of_an_intermediate_that_only_the_client_sends_is_checked_with_it(
    tmp_path: Path, crls: list[x509.CertificateRevocationList]
):
    (tmp_path / "sent.pem").write_bytes(certificate_pem(SUB.certificate))
    options = ["-crl_check", "-untrusted", "sent.pem"]
    theirs = openssl_errors(tmp_path, BOB, crls, *options, anchors=[ROOT.certificate])
    view = build_revocation_view(crls, [ROOT.certificate])
    chain = (BOB, SUB.certificate, ROOT.certificate)
    errors = view.errors(chain, START.timestamp(), validated=True)
    assert {(item.number, item.depth, item.text) for item in errors} == theirs
