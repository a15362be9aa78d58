"""The CA certificates of the configuration are recognised, and no other one is."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL.crypto import X509

from proxy.tls import authorities
from proxy.tls.authorities import Authorities
from tests.pki import client, trust

ROOT, SUB = trust().root.certificate, trust().sub.certificate


def test_the_very_object_is_recognised():
    ours = Authorities((ROOT, SUB))
    assert [ours.read(one._x509) for one in ours.loaded] == [ROOT, SUB]
    assert ours.read(ours.loaded[0]._x509) is ROOT


def test_a_copy_is_recognised_by_its_bytes():
    copy = X509.from_cryptography(SUB)
    assert Authorities((ROOT, SUB)).read(copy._x509) is SUB


def test_any_other_one_is_read_and_the_same_bytes_are_read_once():
    leaf = client("good").leaf
    first, second = (
        Authorities((ROOT,)).read(X509.from_cryptography(leaf)._x509) for _ in range(2)
    )
    assert first == leaf
    assert first is second


def test_long_certificates_of_strangers_are_not_kept(monkeypatch: pytest.MonkeyPatch):
    """Each connection may bring another one, of 100 KB."""
    leaf = client("good").leaf
    monkeypatch.setattr(authorities, "_LONGEST_KEPT", len(leaf.public_bytes(Encoding.DER)) - 1)
    first, second = (
        Authorities((ROOT,)).read(X509.from_cryptography(leaf)._x509) for _ in range(2)
    )
    assert first == second
    assert first is not second
