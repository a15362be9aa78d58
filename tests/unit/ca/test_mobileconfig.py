"""The profile for Apple devices."""

from __future__ import annotations

import plistlib
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from proxy.ca.intermediate import create_with_root
from proxy.ca.mobileconfig import build_mobileconfig
from proxy.errors import CertgateError
from tests.authorities import PASSPHRASE, client, new_authority

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.authority import Authority, Issued


def profile_of(issued: Issued, word: str = "secret") -> dict[str, object]:
    assert issued.key
    data = build_mobileconfig(issued.key, issued.certificate, issued.chain, word)
    profile: dict[str, object] = plistlib.loads(data)
    return profile


def test_it_carries_the_authority_and_the_identity(authority: Authority):
    issued = authority.issue(client())
    root, identity = profile_of(issued)["PayloadContent"]  # type: ignore[misc]
    assert root["PayloadType"] == "com.apple.security.root"
    assert x509.load_der_x509_certificate(root["PayloadContent"]) == issued.chain[0]
    assert identity["PayloadType"] == "com.apple.security.pkcs12"
    bundle = pkcs12.load_pkcs12(identity["PayloadContent"], b"secret")
    assert bundle.cert is not None
    assert bundle.cert.certificate == issued.certificate


def test_the_password_is_not_inside(authority: Authority):
    """Whoever finds the profile in a mailbox must not have the key with it."""
    issued = authority.issue(client())
    assert issued.key
    data = build_mobileconfig(issued.key, issued.certificate, issued.chain, "very-secret-word")
    assert b"very-secret-word" not in data
    assert b"<key>Password</key>" not in data


def test_required_keys_are_there_and_identifiers_are_stable(authority: Authority):
    issued = authority.issue(client())
    one, two = profile_of(issued), profile_of(issued, "other")
    for payload in (one, *one["PayloadContent"]):  # type: ignore[misc]
        assert {"PayloadType", "PayloadVersion", "PayloadIdentifier", "PayloadUUID"} <= set(payload)
    assert one["PayloadUUID"] == two["PayloadUUID"]
    assert one["PayloadIdentifier"] == two["PayloadIdentifier"]
    identifiers = [payload["PayloadUUID"] for payload in one["PayloadContent"]]  # type: ignore[attr-defined]
    assert len({*identifiers, one["PayloadUUID"]}) == 3


def test_an_intermediate_is_not_declared_a_root(tmp_path: Path):
    with create_with_root(
        tmp_path / "ca", tmp_path / "root", new_authority(), PASSPHRASE
    ) as authority:
        payloads = profile_of(authority.issue(client()))["PayloadContent"]
    kinds = [payload["PayloadType"] for payload in payloads]  # type: ignore[attr-defined]
    assert kinds == [
        "com.apple.security.pkcs1",
        "com.apple.security.root",
        "com.apple.security.pkcs12",
    ]


def test_an_empty_password_is_refused(authority: Authority):
    with pytest.raises(CertgateError, match="password is empty"):
        profile_of(authority.issue(client()), "")
