"""Which keys are made, which are accepted, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from proxy.ca.keys import (
    KeyType,
    check_strength,
    describe_key,
    encrypted_pem,
    generate_key,
    is_encrypted,
    is_same_key,
    load_private_key,
    plain_pem,
    signature_hash,
)
from proxy.errors import CertgateError
from tests.authorities import openssl

PATH = Path("some.key")
WEAK_RSA = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused


@pytest.mark.parametrize(
    ("key_type", "text", "hash_name"),
    [
        (KeyType.RSA_2048, "RSA 2048", "sha256"),
        (KeyType.P256, "P-256", "sha256"),
        (KeyType.P384, "P-384", "sha384"),
        (KeyType.ED25519, "Ed25519", None),
    ],
)
def test_each_kind_of_key_is_made_accepted_and_kept(key_type: KeyType, text: str, hash_name: Any):
    """A key survives being written encrypted and read again."""
    key = generate_key(key_type)
    public_key = check_strength(key.public_key(), "it")
    assert describe_key(public_key) == text
    chosen = signature_hash(key)
    assert (chosen.name if chosen else None) == hash_name
    pem = encrypted_pem(key, b"secret")
    assert is_encrypted(pem)
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in pem
    again = load_private_key(pem, b"secret", PATH)
    assert is_same_key(again.public_key(), public_key)


def test_the_encryption_is_aes_256():
    pem = encrypted_pem(generate_key(KeyType.P256), b"secret")
    assert "aes-256-cbc" in openssl("asn1parse", stdin=pem)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (WEAK_RSA, "1024 bits, which is too weak"),
        (rsa.generate_private_key(3, 2048), "exponent is 3"),
        (ec.generate_private_key(ec.SECP256K1()), "curve secp256k1 is not accepted"),
        (dsa.generate_private_key(2048), "kind of key is not accepted"),
        (ed448.Ed448PrivateKey.generate(), "kind of key is not accepted"),
    ],
)
def test_weak_and_unknown_keys_are_refused(key: Any, reason: str):
    with pytest.raises(CertgateError, match=f"it: .*{reason}"):
        check_strength(key.public_key(), "it")


def test_a_huge_rsa_key_is_refused():
    """The gate verifies with the client's key in each handshake: size is an attack."""
    numbers = rsa.RSAPublicNumbers(65537, (1 << 8200) + 1)
    with pytest.raises(CertgateError, match="at most 8192"):
        check_strength(numbers.public_key(), "it")


@pytest.mark.parametrize("options", [["-traditional"], []])
@pytest.mark.parametrize("cipher", ["-aes256", "-des3"])
def test_encrypted_keys_of_openssl_are_read_in_the_old_and_the_new_form(
    tmp_path: Path, options: list[str], cipher: str
):
    path = tmp_path / "rsa.key"
    openssl("genrsa", *options, cipher, "-passout", "pass:secret", "-out", path, 2048)
    key = load_private_key(path.read_bytes(), b"secret", path)
    assert isinstance(key, rsa.RSAPrivateKey)
    with pytest.raises(CertgateError, match=r"rsa\.key: wrong passphrase"):
        load_private_key(path.read_bytes(), b"wrong", path)
    with pytest.raises(CertgateError, match="no passphrase was given"):
        load_private_key(path.read_bytes(), None, path)


def test_a_passphrase_for_a_plain_key_is_ignored():
    key = generate_key(KeyType.ED25519)
    again = load_private_key(plain_pem(key), b"unused", PATH)
    assert isinstance(again, ed25519.Ed25519PrivateKey)


def test_garbage_is_not_a_key():
    with pytest.raises(CertgateError, match=r"some\.key: not a private key"):
        load_private_key(b"garbage", None, PATH)


def test_a_kind_of_key_that_tls_clients_do_not_use_is_refused():
    key = dsa.generate_private_key(2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(CertgateError, match="only RSA, EC and Ed25519"):
        load_private_key(key, None, PATH)


@pytest.mark.parametrize("passphrase", [b"", b"x" * 2000])
def test_a_passphrase_that_cannot_protect_is_refused(passphrase: bytes):
    with pytest.raises(CertgateError, match="this passphrase cannot be used"):
        encrypted_pem(generate_key(KeyType.P256), passphrase)
