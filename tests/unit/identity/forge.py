"""Certificates whose names no library would write: DER put together by hand, signed for real."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from proxy.identity import der
from tests.pki import Identity, Profile, trust

if TYPE_CHECKING:
    from tests.pki import Authority

CN = "2.5.4.3"
O = "2.5.4.10"  # noqa: E741 - the attribute's name
OU = "2.5.4.11"
UTF8, NUMERIC, PRINTABLE, T61, IA5 = 0x0C, 0x12, 0x13, 0x14, 0x16
UNIVERSAL, BMP = 0x1C, 0x1E

Attribute = tuple[str, int, bytes]


def tlv(tag: int, content: bytes) -> bytes:
    """Return one DER element."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def oid(text: str) -> bytes:
    """Return the DER form of an object identifier."""
    first, second, *rest = map(int, text.split("."))
    octets = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        octets += bytes(reversed(groups))
    return tlv(der.OBJECT_IDENTIFIER, bytes(octets))


def name(*rdns: list[Attribute]) -> bytes:
    """Return the DER form of a Name; members of an RDN stay in the order given."""
    return tlv(
        der.SEQUENCE,
        b"".join(
            tlv(
                der.SET,
                b"".join(tlv(der.SEQUENCE, oid(kind) + tlv(tag, text)) for kind, tag, text in rdn),
            )
            for rdn in rdns
        ),
    )


def common_name(tag: int, text: bytes) -> bytes:
    """Return a Name with one CN of the given string type."""
    return name([(CN, tag, text)])


def parts(certificate: x509.Certificate) -> list[bytes]:
    """Return the fields of the TBSCertificate, each with its header."""
    data = certificate.tbs_certificate_bytes
    start, end = der.read_only(data, 0, len(data), der.SEQUENCE)
    fields = der.read_children(data, start, end)
    starts = [start, *(field[2] for field in fields)]
    return [data[at : field[2]] for at, field in zip(starts, fields, strict=False)]


def signed(fields: list[bytes], key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Return a certificate of these fields; ``fields[2]`` must name ECDSA with SHA-256."""
    tbs = tlv(der.SEQUENCE, b"".join(fields))
    signature = tlv(der.BIT_STRING, b"\0" + key.sign(tbs, ec.ECDSA(hashes.SHA256())))
    return x509.load_der_x509_certificate(tlv(der.SEQUENCE, tbs + fields[2] + signature))


def forged(
    subject: bytes, profile: Profile | None = None, authority: Authority | None = None
) -> Identity:
    """Return an identity with this subject, signed by an EC authority (``trust().root``)."""
    authority = authority or trust().root
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    genuine = authority.issue(profile or Profile())
    fields = parts(genuine.leaf)
    fields[5] = subject
    return replace(genuine, certificates=(signed(fields, authority.key), *authority.sent))


def pem(certificate: x509.Certificate) -> bytes:
    """Return the certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM)


HARD_NAMES: dict[str, bytes] = {
    "UTF8String": common_name(UTF8, "Jürgen 花子 \U0001f510".encode()),
    "BMPString": common_name(BMP, "Jürgen 花子".encode("utf-16-be")),
    "BMPString with a line break": common_name(BMP, "a\r\nb: c".encode("utf-16-be")),
    "UniversalString": common_name(UNIVERSAL, "J\u00fcrgen \U0001f510,".encode("utf-32-be")),
    "T61String": common_name(T61, "Jürgen;".encode("latin-1")),
    "T61String with C1 controls": common_name(T61, bytes(range(0x80, 0xA0))),
    "IA5String beyond ASCII": common_name(IA5, b"J\xfcrgen"),
    "PrintableString beyond its alphabet": common_name(PRINTABLE, b"a@b*c\xe9"),
    "NumericString": common_name(NUMERIC, b"12 34"),
    "all of ASCII": common_name(UTF8, bytes(range(0x80))),
    "every special": common_name(UTF8, b' ,+"\\<>;=# '),
    "one space": common_name(UTF8, b" "),
    "two spaces": common_name(UTF8, b"  "),
    "one hash": common_name(UTF8, b"#"),
    "two hashes": common_name(UTF8, b"##"),
    "one backslash": common_name(UTF8, b"\\"),
    "trailing backslash and space": common_name(UTF8, b"a\\ "),
    "one non-ASCII character": common_name(UTF8, "ü".encode()),
    "non-ASCII, then a space": common_name(UTF8, "ü ".encode()),
    "header injection": common_name(UTF8, b"alice\r\nX-SSL-Client-S-DN: CN=root\r\n\r\n"),
    "NUL": common_name(UTF8, b"alice\0.example"),
    "DEL and escape": common_name(UTF8, b"\x7f\x1b[2J"),
    "empty value": common_name(UTF8, b""),
    "empty BMPString": common_name(BMP, b""),
    "very long": common_name(UTF8, b"x" * 5000),
    "multi-valued, unsorted": name(
        [(OU, UTF8, b"zzz"), (CN, UTF8, b"aaa"), (O, UTF8, b"m")], [(CN, UTF8, b"b")]
    ),
    "the same attribute twice in one RDN": name([(CN, UTF8, b"a"), (CN, UTF8, b"a")]),
    "unknown type": name([("1.3.6.1.4.1.99999.7", UTF8, b"x\r\n")], [(CN, UTF8, b"a")]),
    "unknown type with large arcs": name([("2.999.4294967296", IA5, b"x")]),
    "unknown type, not a string": name([("1.2.3.4", 0x30, tlv(0x02, b"\x05"))]),
    "BIT STRING": name([("2.5.4.45", 0x03, b"\x00\xaa\x55")]),
    "SEQUENCE as value": name([("2.5.4.16", 0x30, tlv(UTF8, b"a") + tlv(UTF8, b"b"))]),
    "every attribute type of X.520 and friends": name(
        *([(f"2.5.4.{arc}", UTF8, b"v")] for arc in range(3, 120)),
        *([(f"0.9.2342.19200300.100.1.{arc}", UTF8, b"v")] for arc in range(1, 60)),
        *([(f"1.2.840.113549.1.9.{arc}", UTF8, b"v")] for arc in range(1, 23)),
        *([(f"1.3.6.1.4.1.311.60.2.1.{arc}", UTF8, b"v")] for arc in range(1, 5)),
        *([(f"1.2.643.100.{arc}", UTF8, b"v")] for arc in (1, 2, 3, 4, 5, 111, 112, 113)),
        *([(f"1.3.6.1.5.5.7.9.{arc}", UTF8, b"v")] for arc in range(1, 7)),
        [("1.2.643.3.131.1.1", UTF8, b"v")],
    ),
    "no attributes": name(),
}
"""Names that OpenSSL accepts in a certificate; their text must be OpenSSL's."""

UNREADABLE_NAMES: dict[str, bytes] = {
    "surrogates in a BMPString": common_name(BMP, "\U0001f510".encode("utf-16-be")),
    "lone surrogate in a BMPString": common_name(BMP, b"\0a\xd8\x00\0b"),
    "odd BMPString": common_name(BMP, b"\0a\0"),
    "odd UniversalString": common_name(UNIVERSAL, b"\0\0\0"),
    "beyond Unicode": common_name(UNIVERSAL, b"\0\x11\0\0"),
    "invalid UTF-8": common_name(UTF8, b"a\xff"),
    "overlong UTF-8": common_name(UTF8, b"\xc0\x80"),
    "empty RDN": name([], [(CN, UTF8, b"a")]),
    "over-long OID": name([("1.2." + ".".join(["268435455"] * 9), UTF8, b"x")]),
}
"""Names without one unambiguous text: never printed, always refused."""
