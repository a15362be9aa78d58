"""The CA certificates of the configuration are recognised, and no other one is."""

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL.crypto import X509

from proxy.tls.authorities import Authorities
from tests.pki import client, trust

ROOT, SUB = trust().root.certificate, trust().sub.certificate


def test_the_very_object_is_recognised():
    authorities = Authorities((ROOT, SUB))
    assert [authorities.find(one._x509) for one in authorities.loaded] == [ROOT, SUB]
    assert authorities.find(authorities.loaded[0]._x509) is ROOT


def test_a_copy_is_recognised_by_its_bytes():
    copy = X509.from_cryptography(SUB)
    assert Authorities((ROOT, SUB)).find(copy._x509) is SUB


def test_of_any_other_one_the_bytes_are_given():
    leaf = client("good").leaf
    other = X509.from_cryptography(leaf)
    assert Authorities((ROOT,)).find(other._x509) == leaf.public_bytes(Encoding.DER)
