"""Certificates whose names no library would write: DER put together by hand, signed for real."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from proxy.identity import der
from tests.pki import Identity, Profile, trust

if TYPE_CHECKING:
    from collections.abc import Callable

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


def elements(sequence: bytes) -> list[bytes]:
    """Return the elements of a DER SEQUENCE, each with its header."""
    start, end = der.read_only(sequence, 0, len(sequence), der.SEQUENCE)
    fields = der.read_children(sequence, start, end)
    starts = [start, *(field[2] for field in fields)]
    return [sequence[at : field[2]] for at, field in zip(starts, fields, strict=False)]


def signed(fields: list[bytes], key: ec.EllipticCurvePrivateKey, algorithm: bytes) -> bytes:
    """Return a DER certificate or CRL of these fields; the algorithm is ECDSA with SHA-256."""
    contents = tlv(der.SEQUENCE, b"".join(fields))
    signature = tlv(0x03, b"\0" + key.sign(contents, ec.ECDSA(hashes.SHA256())))
    return tlv(der.SEQUENCE, contents + algorithm + signature)


def resigned(
    change: Callable[[list[bytes]], object],
    profile: Profile | None = None,
    authority: Authority | None = None,
) -> tuple[Identity, bytes]:
    """Return an identity of an EC authority and its leaf in DER form, changed and signed anew.

    Args:
        change: edits the fields of the TBSCertificate; ``fields[0]`` is the version.
        profile: what to start from.
        authority: ``trust().root`` unless given.
    """
    authority = authority or trust().root
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    genuine = authority.issue(profile or Profile())
    fields = elements(genuine.leaf.tbs_certificate_bytes)
    change(fields)
    return genuine, signed(fields, authority.key, fields[2])


def forged(
    subject: bytes, profile: Profile | None = None, authority: Authority | None = None
) -> Identity:
    """Return an identity with this subject, which ``cryptography`` must be able to load."""

    def set_subject(fields: list[bytes]) -> None:
        fields[5] = subject

    genuine, leaf = resigned(set_subject, profile, authority)
    certificate = x509.load_der_x509_certificate(leaf)
    return replace(genuine, certificates=(certificate, *genuine.certificates[1:]))


ALL_TYPES = name(
    *([(f"2.5.4.{arc}", UTF8, b"v")] for arc in range(3, 120)),
    *([(f"0.9.2342.19200300.100.1.{arc}", UTF8, b"v")] for arc in range(1, 60)),
    *([(f"1.2.840.113549.1.9.{arc}", UTF8, b"v")] for arc in range(1, 23)),
    *([(f"1.3.6.1.4.1.311.60.2.1.{arc}", UTF8, b"v")] for arc in range(1, 5)),
    *([(f"1.2.643.100.{arc}", UTF8, b"v")] for arc in (1, 2, 3, 4, 5, 111, 112, 113)),
    *([(f"1.3.6.1.5.5.7.9.{arc}", UTF8, b"v")] for arc in range(1, 7)),
    [("1.2.643.3.131.1.1", UTF8, b"v")],
)
"""A name with one attribute of every type that has a short name, and of many that have none."""

HARD_NAMES: dict[str, tuple[bytes, str]] = {
    "UTF8String": (
        common_name(UTF8, "Jürgen 花子 \U0001f510".encode()),
        r"CN=J\C3\BCrgen \E8\8A\B1\E5\AD\90 \F0\9F\94\90",
    ),
    "BMPString": (
        common_name(BMP, "Jürgen 花子".encode("utf-16-be")),
        r"CN=J\C3\BCrgen \E8\8A\B1\E5\AD\90",
    ),
    "BMPString with a line break": (
        common_name(BMP, "a\r\nb: c".encode("utf-16-be")),
        r"CN=a\0D\0Ab: c",
    ),
    "UniversalString": (
        common_name(UNIVERSAL, "Jürgen \U0001f510,".encode("utf-32-be")),
        r"CN=J\C3\BCrgen \F0\9F\94\90\,",
    ),
    "T61String": (common_name(T61, "Jürgen;".encode("latin-1")), r"CN=J\C3\BCrgen\;"),
    "T61String with C1 controls": (common_name(T61, b"\x80\x85\x9f"), r"CN=\C2\80\C2\85\C2\9F"),
    "IA5String beyond ASCII": (common_name(IA5, b"J\xfcrgen"), r"CN=J\C3\BCrgen"),
    "PrintableString beyond its alphabet": (
        common_name(PRINTABLE, b"a@b*c\xe9"),
        r"CN=a@b*c\C3\A9",
    ),
    "NumericString": (common_name(NUMERIC, b"12 34"), "CN=12 34"),
    "all of ASCII": (
        common_name(UTF8, bytes(range(0x80))),
        "CN=" + "".join(f"\\{octet:02X}" for octet in range(0x20)) + r" !\"#$%&"
        r"'()*\+\,-./0123456789:\;\<=\>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
        r"abcdefghijklmnopqrstuvwxyz{|}~\7F",
    ),
    "every special": (common_name(UTF8, b' ,+"\\<>;=# '), r"CN=\ \,\+\"\\\<\>\;=#\ "),
    "one space": (common_name(UTF8, b" "), "CN=\\ "),
    "two spaces": (common_name(UTF8, b"  "), "CN=\\ \\ "),
    "one hash": (common_name(UTF8, b"#"), "CN=#"),
    "two hashes": (common_name(UTF8, b"##"), r"CN=\##"),
    "one backslash": (common_name(UTF8, b"\\"), r"CN=\\"),
    "trailing backslash and space": (common_name(UTF8, b"a\\ "), "CN=a\\\\\\ "),
    "one non-ASCII character": (common_name(UTF8, "ü".encode()), r"CN=\C3\BC"),
    "non-ASCII, then a space": (common_name(UTF8, "ü ".encode()), "CN=\\C3\\BC\\ "),
    "header injection": (
        common_name(UTF8, b"alice\r\nX-SSL-Client-S-DN: CN=root\r\n\r\n"),
        r"CN=alice\0D\0AX-SSL-Client-S-DN: CN=root\0D\0A\0D\0A",
    ),
    "NUL": (common_name(UTF8, b"alice\0.example"), r"CN=alice\00.example"),
    "DEL and escape": (common_name(UTF8, b"\x7f\x1b[2J"), r"CN=\7F\1B[2J"),
    "empty value": (common_name(UTF8, b""), "CN="),
    "empty BMPString": (common_name(BMP, b""), "CN="),
    "very long": (common_name(UTF8, b"x" * 5000), "CN=" + "x" * 5000),
    "multi-valued, unsorted": (
        name([(OU, UTF8, b"zzz"), (CN, UTF8, b"aaa"), (O, UTF8, b"m")], [(CN, UTF8, b"b")]),
        "CN=b,O=m+CN=aaa+OU=zzz",
    ),
    "multi-valued, sorted": (
        name([(O, UTF8, b"last")], [(CN, UTF8, b"a"), (OU, UTF8, b"b")]),
        "OU=b+CN=a,O=last",
    ),
    "the same attribute twice in one RDN": (
        name([(CN, UTF8, b"a"), (CN, UTF8, b"a")]),
        "CN=a+CN=a",
    ),
    "unknown type": (
        name([("1.3.6.1.4.1.99999.7", UTF8, b"x\r\n")], [(CN, UTF8, b"a")]),
        "CN=a,1.3.6.1.4.1.99999.7=#0C03780D0A",
    ),
    "unknown type with large arcs": (
        name([("2.999.4294967296", IA5, b"x")]),
        "2.999.4294967296=#160178",
    ),
    "unknown type, not a string": (
        name([("1.2.3.4", 0x30, tlv(0x02, b"\x05"))]),
        "1.2.3.4=#3003020105",
    ),
    "BIT STRING": (name([("2.5.4.45", 0x03, b"\0\xaaU")]), "x500UniqueIdentifier=#030300AA55"),
    "SEQUENCE as value": (
        name([("2.5.4.16", 0x30, tlv(UTF8, b"a") + tlv(UTF8, b"b"))]),
        "postalAddress=#30060C01610C0162",
    ),
    "no attributes": (name(), ""),
}
"""Names that OpenSSL accepts in a certificate, and the text that it prints."""

NOT_LOADED = frozenset({"PrintableString beyond its alphabet", "multi-valued, unsorted"})
"""Those that ``cryptography`` refuses to load: with them a client does not come this far."""

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
    "three fields": tlv(
        der.SEQUENCE,
        tlv(der.SET, tlv(der.SEQUENCE, oid(CN) + tlv(UTF8, b"a") + tlv(UTF8, b"b"))),
    ),
    "a type that is no OID": tlv(
        der.SEQUENCE, tlv(der.SET, tlv(der.SEQUENCE, tlv(UTF8, b"CN") + tlv(UTF8, b"b")))
    ),
    "trailing bytes": name([(CN, UTF8, b"a")]) + b"\0",
    "nothing": b"",
    "more than a name needs": name(*([(CN, UTF8, b"a")] for _ in range(800))),
}
"""Names without one unambiguous text: never printed, always refused."""
