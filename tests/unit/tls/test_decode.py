"""Certificates, CRLs and keys: what is usable is found whole, and what is not says why."""

from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import CertgateError
from proxy.tls.decode import (
    PRIVATE_KEYS,
    der_items,
    parse_certificates,
    parse_crls,
    parse_private_key,
    parse_trust,
)
from tests.pki import client, ec_key, key_pem, rsa_key, trust

ROOT = trust().root
ROOT_DER = ROOT.certificate.public_bytes(Encoding.DER)
CRL_PEM = trust().crl_pem
KEY = ec_key()
KEY_PEM = key_pem(KEY)
EC_PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


def pem(label: str, content: str = "AAAA") -> bytes:
    return f"-----BEGIN {label}-----\n{content}\n-----END {label}-----\n".encode()


def test_every_certificate_of_a_bundle_is_found_in_order():
    bundle = b"# our CAs\n" + ROOT.pem + EC_PARAMETERS + trust().web.pem
    assert parse_certificates(bundle, "f") == (ROOT.certificate, trust().web.certificate)


def test_a_der_certificate_is_found():
    assert parse_certificates(ROOT_DER, "f") == (ROOT.certificate,)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "f: holds no certificate"),
        (pem("CERTIFICATE"), "f: line 1: not a readable certificate"),
        (ROOT.pem + pem("CERTIFICATE", "???"), r"f: line \d+: not a readable certificate"),
        (ROOT_DER[:-1], "f: not a readable certificate"),
        (ROOT_DER + b"x", "f: not a readable certificate"),
        (KEY_PEM, "f: line 1: expected a certificate, found a private key"),
        (ROOT.pem + KEY_PEM, "found a private key"),
        (CRL_PEM, "found a certificate revocation list"),
        (pem("CERTIFICATE REQUEST"), "found a certificate request; have it signed first"),
        (pem("TRUSTED CERTIFICATE"), "convert it with `openssl x509`"),
        (pem("PKCS7"), "convert it with `openssl pkcs7"),
        (pem("WEATHER REPORT"), "found a block of the kind 'WEATHER REPORT'"),
        (ROOT.pem.replace(b"-----BEGIN", b"----BEGIN"), "damaged or misplaced"),
    ],
)
def test_what_is_no_certificate_is_named(data: bytes, message: str):
    with pytest.raises(CertgateError, match=message):
        parse_certificates(data, "f")


def test_a_key_alone_in_a_server_s_certificate_file_is_named():
    with pytest.raises(CertgateError, match="f: holds a private key and no certificate"):
        parse_certificates(KEY_PEM, "f", beside=PRIVATE_KEYS)


def test_a_certificate_with_an_unusable_key_is_an_error():
    spki = (
        client("good")
        .leaf.public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    der = client("good").leaf.public_bytes(Encoding.DER)
    broken = der.replace(spki, spki[:-2] + bytes([spki[-2] ^ 1, spki[-1]]))
    with pytest.raises(CertgateError, match="f: the certificate's public key is unusable"):
        parse_certificates(broken, "f")


def test_every_crl_of_a_file_is_found():
    issuers = [crl.issuer for crl in parse_crls(CRL_PEM, "f")]
    assert issuers == [crl.issuer for crl in reversed(trust().crls)]


def test_a_der_crl_is_found():
    crl = trust().crls[0]
    assert parse_crls(crl.public_bytes(Encoding.DER), "f") == (crl,)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "f: holds no certificate revocation list"),
        (pem("X509 CRL"), "f: line 1: not a readable CRL"),
        (ROOT.pem, "f: line 1: expected a CRL, found a certificate"),
        (ROOT_DER, "f: not a readable CRL"),
    ],
)
def test_what_is_no_crl_is_named(data: bytes, message: str):
    with pytest.raises(CertgateError, match=message):
        parse_crls(data, "f")


@pytest.mark.parametrize(
    ("data", "counts"),
    [
        (ROOT.pem + CRL_PEM, (1, 6)),
        (CRL_PEM + ROOT.pem + trust().web.pem, (2, 6)),
        (ROOT.pem, (1, 0)),
        (CRL_PEM, (0, 6)),
        (ROOT_DER, (1, 0)),
    ],
)
def test_a_trust_file_may_hold_certificates_and_crls(data: bytes, counts: tuple[int, int]):
    certificates, crls = parse_trust(data, "f")
    assert (len(certificates), len(crls)) == counts


@pytest.mark.parametrize("data", [b"", b"hello", EC_PARAMETERS, ROOT.pem + KEY_PEM])
def test_a_trust_file_without_an_entry_never_counts_as_loaded(data: bytes):
    with pytest.raises(CertgateError):
        parse_trust(data, "f")


def test_der_certificates_lie_one_after_the_other():
    assert list(der_items(ROOT_DER * 3, "f")) == [ROOT_DER] * 3
    assert list(der_items(ROOT.pem, "f")) == [ROOT.pem]
    assert list(der_items(b"\x30\x01\x00", "f")) == [b"\x30\x01\x00"]


@pytest.mark.parametrize(
    "data", [ROOT_DER + b"x", ROOT_DER[:-1], b"\x30", b"\x30\x80", b"\x30\x85\1\1\1\1\1"]
)
def test_a_row_that_is_cut_is_an_error(data: bytes):
    with pytest.raises(CertgateError, match="not a row of whole DER certificates"):
        list(der_items(data, "f"))


@given(st.binary())
def test_a_row_of_any_bytes_is_whole_or_an_error(data: bytes):
    with suppress(CertgateError):
        assert b"".join(der_items(data, "f")) == data


PASSPHRASE = b"open sesame"
ENCODINGS = [
    (Encoding.PEM, PrivateFormat.PKCS8),
    (Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    (Encoding.DER, PrivateFormat.PKCS8),
]
KEYS = [KEY, rsa_key(2048), ed25519.Ed25519PrivateKey.generate(), ed448.Ed448PrivateKey.generate()]


def encoded(
    key: Any, encoding: Encoding, form: PrivateFormat, passphrase: bytes | None = None
) -> bytes:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(encoding, form, protection)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: type(key).__name__)
def test_each_kind_of_key_is_read(key: Any):
    data = encoded(key, Encoding.PEM, PrivateFormat.PKCS8)
    assert parse_private_key(data, "f", None).public_key() == key.public_key()


@pytest.mark.parametrize(("encoding", "form"), ENCODINGS)
def test_each_encoding_is_read_plain_and_encrypted(encoding: Encoding, form: PrivateFormat):
    plain = encoded(KEY, encoding, form)
    locked = encoded(KEY, encoding, form, PASSPHRASE)
    for data, passphrase in ((plain, None), (plain, PASSPHRASE), (locked, PASSPHRASE)):
        assert parse_private_key(data, "f", passphrase).public_key() == KEY.public_key()


@pytest.mark.parametrize(("encoding", "form"), ENCODINGS)
@pytest.mark.parametrize(
    ("passphrase", "message"),
    [
        (None, "f: the private key is encrypted; give .*: private_key_passphrase_file"),
        (b"wrong", "f: wrong passphrase"),
        (b"", "f: wrong passphrase"),
    ],
)
def test_an_encrypted_key_needs_its_passphrase(
    encoding: Encoding, form: PrivateFormat, passphrase: bytes | None, message: str
):
    locked = encoded(KEY, encoding, form, PASSPHRASE)
    with pytest.raises(CertgateError, match=message):
        parse_private_key(locked, "f", passphrase)


def test_a_passphrase_is_asked_for_only_when_it_is_needed():
    asked: list[int] = []

    def prompt() -> bytes:
        asked.append(1)
        return PASSPHRASE

    parse_private_key(KEY_PEM, "f", prompt)
    assert not asked
    parse_private_key(key_pem(KEY, PASSPHRASE), "f", prompt)
    assert asked


def test_parameters_and_certificates_beside_the_key_are_passed_over():
    data = EC_PARAMETERS + ROOT.pem + KEY_PEM
    assert parse_private_key(data, "f", None).public_key() == KEY.public_key()


DSA_KEY = dsa.generate_private_key(1024)  # noqa: S505 - it is only refused


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "f: holds no private key"),
        (KEY_PEM * 2, "f: holds 2 private keys"),
        (ROOT.pem, "f: line 1: expected a private key, found a certificate"),
        (pem("PUBLIC KEY"), "found a public key"),
        (pem("OPENSSH PRIVATE KEY"), "convert it with `ssh-keygen"),
        (pem("PRIVATE KEY"), "f: not a readable private key"),
        (ROOT_DER, "f: not a readable private key"),
        (encoded(DSA_KEY, Encoding.PEM, PrivateFormat.TraditionalOpenSSL), "found a DSA key"),
        (encoded(DSA_KEY, Encoding.PEM, PrivateFormat.PKCS8), "this kind of key does not work"),
        (key_pem(x25519.X25519PrivateKey.generate()), "this kind of key does not work"),
        (key_pem(ec.generate_private_key(ec.SECP256K1())), "f: no client takes .* secp256k1; make"),
    ],
)
def test_what_is_no_usable_key_is_named(data: bytes, message: str):
    with pytest.raises(CertgateError, match=message):
        parse_private_key(data, "f", None)


def test_an_encryption_that_is_not_supported_is_an_error():
    der = encoded(KEY, Encoding.DER, PrivateFormat.PKCS8, PASSPHRASE)
    pbes2, unknown = bytes.fromhex("2a864886f70d01050d"), bytes.fromhex("2a864886f70d010563")
    assert pbes2 in der
    with pytest.raises(CertgateError, match="encryption is not supported"):
        parse_private_key(der.replace(pbes2, unknown), "f", PASSPHRASE)


@given(st.binary())
def test_any_bytes_are_a_value_or_an_error(data: bytes):
    for parse in (parse_certificates, parse_crls, parse_trust):
        with pytest.raises(CertgateError):
            parse(data, "f")
    with pytest.raises(CertgateError):
        parse_private_key(data, "f", b"x")
