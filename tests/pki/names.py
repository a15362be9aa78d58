"""Distinguished names, ordinary ones and those that break software."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

EMPTY = x509.Name([])


def name(common_name: str, organization: str | None = None) -> x509.Name:
    """Return ``O=organization,CN=common_name``, the organisation only if one is given."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


# Each is a subject whose text form needs escaping somewhere: RFC 2253, HTML, a log line, a header.
NASTY_SUBJECTS: dict[str, x509.Name] = {
    "every RFC 2253 escape": name('  lead #1; <x>\\ tail, "quoted" + plus '),
    "leading hash": name("#hash"),
    "markup": name("<script>alert(1)</script>", 'a" onload="x'),
    "line breaks": name("alice\r\nX-SSL-Client-Verify: SUCCESS"),
    "nul and controls": name("alice\x00\x1b[2J\x7f.example"),
    "not ASCII": name("Jürgen Łukasz 花子 \U0001f510"),
    "right-to-left override": name("alice\u202ecba"),
    "looks like another RDN": name("alice,O=Admins", "Guests/CN=root"),
    "multi-valued RDN": x509.Name(
        [
            x509.RelativeDistinguishedName(
                [
                    x509.NameAttribute(NameOID.COMMON_NAME, "multi"),
                    x509.NameAttribute(NameOID.USER_ID, "u"),
                ]
            ),
            x509.RelativeDistinguishedName(
                [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "#hash")]
            ),
        ]
    ),
    "many attributes": x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Baden-Württemberg"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Acme, Inc. "quoted" + plus'),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "A"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "B/C=D"),
            x509.NameAttribute(NameOID.COMMON_NAME, "second of two"),
            x509.NameAttribute(NameOID.COMMON_NAME, "first of two"),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "me@example.com"),
            x509.NameAttribute(NameOID.USER_ID, "uid1"),
            x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "example"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "007"),
        ]
    ),
    "longest common name": name("x" * 64),
    "empty": EMPTY,
}
