"""What a certificate says, in nginx's forms."""

from __future__ import annotations

import datetime as dt
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from proxy.identity.alternative_names import NameKind
from proxy.identity.der import UnreadableCertificateError
from proxy.identity.facts import CertificateFacts
from tests.pki import EMPTY, Profile, client, name, trust
from tests.unit.identity.forge import (
    BMP,
    CN,
    UNREADABLE_NAMES,
    UTF8,
    common_name,
    forged,
    resigned,
    tlv,
)
from tests.unit.identity.forge import name as encoded_name

MOMENT = dt.datetime(2026, 11, 22, 8, 1, 12, tzinfo=dt.UTC)


def facts(**knobs: object) -> CertificateFacts:
    return CertificateFacts.read(trust().root.issue(Profile(**knobs)).leaf)


def test_names_numbers_and_fingerprints_are_the_certificates():
    leaf = trust().sub.issue(Profile(subject=name("alice", "Acme"))).leaf
    read = CertificateFacts.read(leaf)
    assert read.subject == "CN=alice,O=Acme"
    assert read.issuer == "CN=certgate test sub"
    assert (read.cn, read.issuer_cn) == ("alice", "certgate test sub")
    assert read.readable_subject == "CN=alice, O=Acme"
    assert read.readable_issuer == "CN=certgate test sub"
    assert read.serial == str(leaf.serial_number)
    assert read.fingerprint_sha1 == leaf.fingerprint(hashes.SHA1()).hex()  # noqa: S303 - nginx's
    assert read.fingerprint_sha256 == leaf.fingerprint(hashes.SHA256()).hex()
    assert read.der == leaf.public_bytes(Encoding.DER)


def test_times_are_unix_seconds_and_nginx_text():
    read = facts(not_before=MOMENT, not_after=MOMENT.replace(year=2027, month=2, day=3))
    assert read.not_before == MOMENT.timestamp()
    assert read.not_before_text == "Nov 22 08:01:12 2026 GMT"
    assert read.not_after_text == "Feb  3 08:01:12 2027 GMT"


def test_the_text_of_a_time_beyond_2049_is_written_alike():
    """GeneralizedTime instead of UTCTime (RFC 5280 §4.1.2.5)."""
    read = facts(not_after=MOMENT.replace(year=2150))
    assert read.not_after_text == "Nov 22 08:01:12 2150 GMT"


@pytest.mark.parametrize(
    ("before_end", "days", "until_change"),
    [
        (10 * 86_400, 10, 1),
        (10 * 86_400 - 1, 9, 86_400),
        (86_400 + 0.5, 1, 1.5),
        (86_400, 1, 1),
        (86_399, 0, None),
        (0, 0, None),
        (-5, 0, None),
    ],
)
def test_days_left_are_whole_and_say_when_they_change(
    before_end: float, days: int, until_change: float | None
):
    read = facts()
    now = read.not_after - before_end
    assert read.remaining_days(now) == days
    change = read.remaining_days_change(now)
    if until_change is None:
        assert change == float("inf")
    else:
        assert change == now + until_change
        assert read.remaining_days(change - 0.001) == days
        assert read.remaining_days(change) == days - 1


@pytest.mark.parametrize(
    ("content", "number", "text"),
    [
        (b"\x05", 5, "05"),
        (b"\x00\xc0\xff\xee\x01", 0xC0FFEE01, "C0FFEE01"),
        (b"\x0f\xff", 0x0FFF, "0FFF"),
        (b"\x7f" + b"\xff" * 19, 2**159 - 1, "7F" + "FF" * 19),
        (b"\xff", -1, "-01"),
        (b"\x00", 0, "00"),
    ],
)
@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
def test_serials_are_written_as_openssl_writes_them(content: bytes, number: int, text: str):
    read = CertificateFacts.read(_leaf_with_serial(content))
    assert (read.serial_number, read.serial, read.serial_hex) == (number, str(number), text)


def _leaf_with_serial(content: bytes) -> x509.Certificate:
    def set_serial(fields: list[bytes]) -> None:
        fields[1] = tlv(0x02, content)

    return x509.load_der_x509_certificate(resigned(set_serial)[1])


def test_a_serial_too_long_to_print_is_refused():
    longest = CertificateFacts.read(_leaf_with_serial(b"\0" + b"\xff" * 64))
    assert longest.serial == str(2**512 - 1)
    for content in (b"\1" + bytes(64), b"\x7f" * 2000):
        with pytest.raises(UnreadableCertificateError, match="serial"):
            CertificateFacts.read(_leaf_with_serial(content))


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (b"19500101000000Z", "Jan  1 00:00:00 1950 GMT"),
        (b"99991231235959Z", "Dec 31 23:59:59 9999 GMT"),
    ],
)
def test_the_ends_of_time_are_printed(time: bytes, text: str):
    def set_validity(fields: list[bytes]) -> None:
        tag = 0x17 if time.startswith(b"1950") else 0x18
        fields[4] = tlv(0x30, 2 * tlv(tag, time[2:] if tag == 0x17 else time))

    _, leaf = resigned(set_validity)
    assert CertificateFacts.read(x509.load_der_x509_certificate(leaf)).not_after_text == text


def test_an_empty_subject_is_empty_text():
    read = CertificateFacts.read(client("empty_subject").leaf)
    assert (read.subject, read.cn, read.readable_subject) == ("", "", "")
    assert read.names(NameKind.EMAIL) == ("alice@example.com",)
    assert read.names(NameKind.DNS) == ()
    assert facts(subject=EMPTY).alternative_names == ()


def test_several_common_names_give_none():
    """Whoever can have a second CN signed must not choose which of them counts."""
    two = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn) for cn in ("alice", "root")])
    read = facts(subject=two)
    assert read.cn == ""
    assert read.subject_values("CN") == ("alice", "root")
    assert read.subject_values("OU") == ()


def test_a_common_name_that_is_no_text_is_none():
    subject = encoded_name([(CN, 0x03, b"\0\1")])
    read = CertificateFacts.read(forged(subject).leaf)
    assert (read.cn, read.subject) == ("", "CN=#03020001")


def test_the_subject_is_read_from_its_own_bytes():
    """String types survive: ``cryptography`` would give the text, but not these bytes."""
    read = CertificateFacts.read(forged(common_name(BMP, "Jürgen".encode("utf-16-be"))).leaf)
    assert (read.subject, read.cn) == (r"CN=J\C3\BCrgen", "Jürgen")


def test_a_common_name_longer_than_the_standard_raises_no_warning():
    read = CertificateFacts.read(forged(common_name(UTF8, b"x" * 65)).leaf)
    assert read.cn == "x" * 65


@pytest.mark.parametrize("kind", ["surrogates in a BMPString", "invalid UTF-8", "over-long OID"])
def test_a_certificate_with_an_unreadable_name_is_refused(kind: str):
    with pytest.raises(UnreadableCertificateError):
        CertificateFacts.read(forged(UNREADABLE_NAMES[kind]).leaf)


def test_pem_is_openssls_and_its_escaped_form_decodes_to_it():
    leaf = client("good_rsa").leaf
    read = CertificateFacts.read(leaf)
    assert read.pem == leaf.public_bytes(Encoding.PEM).decode()
    assert unquote(read.escaped_pem) == read.pem
    assert not set(read.escaped_pem) & set("+/= \n")
