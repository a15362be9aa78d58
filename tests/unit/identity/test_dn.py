"""The text of a name is nginx's, and a name without one text is refused."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from proxy.identity.der import UnreadableCertificateError
from proxy.identity.dn import join_rfc2253, parse_name, readable, rfc2253, visible
from tests.unit.identity.forge import (
    ALL_TYPES,
    BMP,
    CN,
    HARD_NAMES,
    UNREADABLE_NAMES,
    UTF8,
    common_name,
    name,
)
from tests.unit.identity.forge import O as ORGANIZATION


@pytest.mark.parametrize(("encoded", "text"), HARD_NAMES.values(), ids=HARD_NAMES.keys())
def test_the_text_is_the_one_that_openssl_prints(encoded: bytes, text: str):
    assert join_rfc2253(parse_name(encoded)) == text


@pytest.mark.parametrize("encoded", UNREADABLE_NAMES.values(), ids=UNREADABLE_NAMES.keys())
def test_a_name_without_one_reading_is_an_error(encoded: bytes):
    with pytest.raises(UnreadableCertificateError):
        parse_name(encoded)


def test_the_example_of_the_nginx_reference():
    """Every escape at once, as measured with nginx 1.22."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Baden-Württemberg"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Acme, Inc. "quoted" + plus'),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "A"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "B/C=D"),
            x509.NameAttribute(NameOID.COMMON_NAME, "  lead #1; <x>\\ tail "),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "me@example.com"),
            x509.NameAttribute(NameOID.USER_ID, "uid1"),
            x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "example"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "007"),
        ]
    )
    assert rfc2253(subject) == (
        r"serialNumber=007,DC=example,UID=uid1,emailAddress=me@example.com,"
        r"CN=\  lead #1\; \<x\>\\ tail\ ,OU=B/C=D,OU=A,"
        r"O=Acme\, Inc. \"quoted\" \+ plus,ST=Baden-W\C3\BCrttemberg,C=DE"
    )


def test_types_with_and_without_short_names_never_share_a_text():
    parts = join_rfc2253(parse_name(ALL_TYPES)).split(",")
    assert len(set(parts)) == len(parts)
    assert {"CN=v", "SN=v", "GN=v", "street=v", "mail=v", "uid=v", "UID=v"} <= set(parts)
    assert "2.5.4.119=#0C0176" in parts


def test_an_attribute_type_is_refused_when_openssl_would_cut_its_text():
    """``X509_NAME_print_ex`` has room for 79 characters: two longer ones would look alike."""
    longest = "1.2." + ".".join(["268435455"] * 7) + ".12345"
    assert len(longest) == 79
    assert join_rfc2253(parse_name(name([(longest, UTF8, b"x")]))) == f"{longest}=#0C0178"
    with pytest.raises(UnreadableCertificateError):
        parse_name(name([(f"{longest}6", UTF8, b"x")]))


def test_values_are_decoded_whatever_their_string_type():
    values = [
        item.value
        for item in parse_name(
            name(
                [(ORGANIZATION, BMP, "Žižkov".encode("utf-16-be"))],
                [(CN, UTF8, b"a,b"), ("2.5.4.45", 0x03, b"\0\1")],
            )
        )
    ]
    assert values == ["Žižkov", "a,b", None]


def test_the_readable_form_keeps_letters_and_shows_what_cannot_be_seen():
    subject = name(
        [(ORGANIZATION, UTF8, "Übung, Söhne".encode())],
        [(CN, UTF8, "al\u202eice\r\n".encode())],
        [("2.5.4.45", 0x03, b"\0\1")],
    )
    assert readable(parse_name(subject)) == (
        "x500UniqueIdentifier=#03020001, CN=al\\u{202E}ice\\u{D}\\u{A}, O=Übung, Söhne"
    )


def test_the_readable_form_is_bounded():
    text = readable(parse_name(common_name(UTF8, b"x" * 254)))
    assert len(text) == 256
    assert text.endswith("x…")
    assert readable(parse_name(common_name(UTF8, b"x" * 253))) == "CN=" + "x" * 253


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("Jürgen 花子", "Jürgen 花子"),
        ("a\tb\x7f", r"a\u{9}b\u{7F}"),
        ("zero\u200bwidth\u00a0", r"zero\u{200B}width\u{A0}"),
        ("line\u2028", r"line\u{2028}"),
    ],
)
def test_only_characters_that_show_themselves_are_kept(text: str, shown: str):
    assert visible(text) == shown
