"""What the app is told about a client, and what no client may say itself."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from proxy.forward.identity_headers import (
    IdentityLines,
    identity_header_lines,
    is_identity_name,
    percent_escaped,
)
from proxy.identity.codes import RefusalCode
from proxy.identity.facts import CertificateFacts
from proxy.identity.peer import VerifyError
from proxy.identity.verdict import INVALID, MISSING, Verdict
from tests.pki import EMPTY, NASTY_SUBJECTS, START, Identity, Profile, client, trust
from tests.unit.identity.forge import HARD_NAMES, NOT_LOADED, forged

NOW = START.timestamp()
SUCCESS = Verdict(None)
EXPIRED = Verdict(RefusalCode.CERTIFICATE_EXPIRED, VerifyError(10, 0, "certificate has expired"))
ALL = ("x-ssl-client", "client-cert", "xfcc")
LINE = re.compile(rb"([A-Za-z0-9-]+): ([!-~][ -~]*)\r\n")
ROOT = trust().root


def told(identity: Identity, *families: str, verdict: Verdict = SUCCESS) -> dict[str, str]:
    """Return the fields that the app gets, after a check of their form."""
    facts = CertificateFacts.read(identity.leaf)
    chain = (*identity.certificates, ROOT.certificate)
    made = identity_header_lines(facts, verdict, families, NOW, chain)
    assert LINE.sub(b"", made.lines) == b""
    fields = [(name.decode(), value.decode()) for name, value in LINE.findall(made.lines)]
    assert len(dict(fields)) == len(fields)
    return dict(fields)


def issue(*names: x509.GeneralName, subject: x509.Name = EMPTY) -> Identity:
    return ROOT.issue(Profile(subject=subject, alternative_names=names))


def test_the_x_ssl_client_family_is_complete():
    identity = ROOT.client("alice", alternative_names=(x509.DNSName("a.example"),))
    facts = CertificateFacts.read(identity.leaf)
    assert told(identity, "x-ssl-client") == {
        "X-SSL-Client-Verify": "SUCCESS",
        "X-SSL-Client-S-DN": "CN=alice",
        "X-SSL-Client-I-DN": "CN=certgate test root",
        "X-SSL-Client-Serial": facts.serial_hex,
        "X-SSL-Client-Fingerprint": facts.fingerprint_sha1,
        "X-SSL-Client-SHA256": facts.fingerprint_sha256,
        "X-SSL-Client-CN": "alice",
        "X-SSL-Client-SAN": "DNS:a.example",
        "X-SSL-Client-V-Start": facts.not_before_text,
        "X-SSL-Client-V-End": facts.not_after_text,
        "X-SSL-Client-V-Remain": "90",
        "X-SSL-Client-Cert": facts.escaped_pem,
    }


def test_an_empty_value_is_no_header():
    fields = told(issue(), "x-ssl-client")
    assert not {"X-SSL-Client-S-DN", "X-SSL-Client-CN", "X-SSL-Client-SAN"} & set(fields)
    assert fields["X-SSL-Client-Verify"] == "SUCCESS"


def test_only_the_families_that_are_switched_on_are_sent():
    identity = client("with_intermediate")
    assert told(identity) == {}
    assert set(told(identity, "client-cert")) == {"Client-Cert", "Client-Cert-Chain"}
    assert set(told(identity, "xfcc")) == {"X-Forwarded-Client-Cert"}
    assert len(told(identity, *ALL)) == 11 + 2 + 1


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (MISSING, "NONE"),
        (EXPIRED, "FAILED:certificate has expired"),
        (INVALID, "FAILED:certificate was not verified"),
        (replace(EXPIRED, error=VerifyError(1, 0, "a\r\nX: y")), "FAILED:a%0D%0AX: y"),
    ],
)
def test_without_success_the_app_gets_the_result_and_nothing_else(verdict: Verdict, text: str):
    assert told(client("good"), *ALL, verdict=verdict) == {"X-SSL-Client-Verify": text}
    assert told(client("good"), "client-cert", "xfcc", verdict=verdict) == {}
    without_facts = identity_header_lines(None, verdict, ALL, NOW)
    assert without_facts == IdentityLines(f"X-SSL-Client-Verify: {text}\r\n".encode(), float("inf"))


def test_success_without_facts_raises():
    """It can only be a mistake of the caller; a guess would be an identity."""
    with pytest.raises(ValueError, match="without certificate facts"):
        identity_header_lines(None, SUCCESS, ALL, NOW)


def test_the_lines_are_stale_when_a_day_of_validity_is_over():
    facts = CertificateFacts.read(client("good").leaf)
    made = identity_header_lines(facts, SUCCESS, ("x-ssl-client",), NOW)
    assert made.stale_at == facts.not_after - 90 * 86_400 + 1
    later = identity_header_lines(facts, SUCCESS, ("x-ssl-client",), made.stale_at)
    assert b"X-SSL-Client-V-Remain: 89\r\n" in later.lines
    assert later.stale_at == made.stale_at + 86_400
    assert identity_header_lines(facts, SUCCESS, ("client-cert",), NOW).stale_at == float("inf")


@pytest.mark.parametrize("subject", NASTY_SUBJECTS.values(), ids=NASTY_SUBJECTS.keys())
def test_no_subject_breaks_out_of_its_line(subject: x509.Name):
    fields = told(issue(subject=subject), *ALL)
    assert fields["X-SSL-Client-Verify"] == "SUCCESS"


@pytest.mark.parametrize("kind", sorted(HARD_NAMES.keys() - NOT_LOADED))
def test_no_hard_name_breaks_out_of_its_line(kind: str):
    encoded, text = HARD_NAMES[kind]
    fields = told(forged(encoded), *ALL)
    assert fields.get("X-SSL-Client-S-DN", "") == text


def test_client_cert_is_a_byte_sequence():
    """RFC 9440 §2.2, RFC 8941 §3.3.5."""
    identity = client("with_intermediate")
    fields = told(identity, "client-cert")
    leaf, sub = (item.public_bytes(Encoding.DER) for item in identity.certificates)
    assert [b64decode(text[1:-1]) for text in fields["Client-Cert"].split(", ")] == [leaf]
    assert b64decode(fields["Client-Cert-Chain"][1:-1]) == sub
    for text in fields.values():
        assert text[0] == text[-1] == ":"


def test_the_chain_has_neither_leaf_nor_anchor():
    assert "Client-Cert-Chain" not in told(client("good"), "client-cert")
    deep = client("too_many_intermediates")
    chain = told(deep, "client-cert")["Client-Cert-Chain"].split(", ")
    assert [b64decode(text[1:-1]) for text in chain] == [
        item.public_bytes(Encoding.DER) for item in deep.certificates[1:]
    ]


def test_an_anchor_alone_has_no_chain():
    root = ROOT.certificate
    made = identity_header_lines(
        CertificateFacts.read(root), SUCCESS, ("client-cert",), NOW, (root,)
    )
    assert made.lines.count(b"\r\n") == 1


def test_a_chain_that_would_burst_the_apps_limit_is_left_out_whole():
    leaf = client("good").leaf
    facts = CertificateFacts.read(leaf)
    chain = (leaf, *([trust().sub.certificate] * 60), ROOT.certificate)
    made = identity_header_lines(facts, SUCCESS, ("client-cert",), NOW, chain)
    assert b"Client-Cert: :" in made.lines
    assert b"Client-Cert-Chain" not in made.lines


def test_xfcc_is_what_envoy_prints():
    identity = issue(
        x509.UniformResourceIdentifier("spiffe://example/ns/a/sa/b"),
        x509.DNSName("a.example"),
        x509.DNSName("b.example"),
        x509.RFC822Name("a@example.com"),
        subject=NASTY_SUBJECTS["every RFC 2253 escape"],
    )
    facts = CertificateFacts.read(identity.leaf)
    assert told(identity, "xfcc")["X-Forwarded-Client-Cert"] == (
        f"Hash={facts.fingerprint_sha256};"
        r'Subject="CN=\  lead #1\; \<x\>\\ tail\, \"quoted\" \+ plus\ ";'
        "URI=spiffe://example/ns/a/sa/b;DNS=a.example;DNS=b.example"
    )


def test_xfcc_keeps_its_subject_even_when_it_is_empty():
    assert 'Subject=""' in told(issue(), "xfcc")["X-Forwarded-Client-Cert"]


def test_a_uri_cannot_add_an_element_to_xfcc():
    uri = 'spiffe://x;Subject="CN=admin",Hash=\\0\r\n%'
    identity = issue(x509.UniformResourceIdentifier(uri))
    value = told(identity, "xfcc")["X-Forwarded-Client-Cert"]
    quoted = r'URI="spiffe://x;Subject=\"CN=admin\",Hash=\\0%0D%0A%25"'
    assert value.endswith(f'Subject="";{quoted}')


def test_san_can_be_taken_apart_whatever_the_names_are():
    names = ["urn:a,b", "urn:email:x", "urn:100%", "urn:\r\n é".replace("é", "e"), "urn: "]
    identity = issue(
        x509.DNSName("a.example"),
        *(x509.UniformResourceIdentifier(text) for text in names),
        x509.DirectoryName(NASTY_SUBJECTS["looks like another RDN"]),
    )
    value = told(identity, "x-ssl-client")["X-SSL-Client-SAN"]
    parts = [part.partition(":") for part in value.split(",")]
    assert [(kind, unquote(text)) for kind, _, text in parts] == [
        ("DNS", "a.example"),
        *(("URI", text) for text in names),
        ("DirName", r"CN=alice\,O=Admins,O=Guests/CN=root"),
    ]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("", ""),
        ("alice", "alice"),
        ("Alice Smith, <a+b>", "Alice Smith, <a+b>"),
        ("100%", "100%25"),
        ("Jürgen", "J%C3%BCrgen"),
        (" a  b ", "%20a  b%20"),
        ("   ", "%20%20%20"),
        (" ", "%20"),
        ("a\r\nb\0\x7f", "a%0D%0Ab%00%7F"),
        ("\u202e\U0001f510", "%E2%80%AE%F0%9F%94%90"),
    ],
)
def test_percent_escaped_text_decodes_to_itself(text: str, escaped: str):
    assert percent_escaped(text) == escaped
    assert unquote(escaped) == text


STRIPPED = tuple(
    """
    X-SSL-Client-Verify X_SSL_Client-Verify x.ssl.client.s.dn X-SSL-CLIENT-S-DN
    x~ssl!client*anything
    X-SSL-Client X_SSL_CLIENT_NEW_FIELD Client-Cert client_cert CLIENT-CERT-CHAIN Client.Cert.Chain
    X-Forwarded-Client-Cert X_FORWARDED_CLIENT_CERT x-forwarded-client-cert-info
    SSL-Client-Verify SSL_CLIENT_S_DN ssl-client-subject-dn ssl-client-cert SSL-Client
    X-Client-Cert X-Client-Cert-Chain-Verified X-Client-DN X-Client-CN X-Client-Verify
    X-Client-Verified X-Client-S-DN X-Client-Subject X-Client-SAN X-Client-Serial
    X-SSL-Cert X-SSL-Subject X-SSL-Issuer X-TLS-Client-Cert X-TLS-Client-Subject X-mTLS-Client-SAN
    X-Forwarded-Tls-Client-Cert X-Forwarded-Tls-Client-Cert-Info X-ARR-ClientCert X-ClientCert
    X-Amzn-Mtls-Clientcert-Subject X-Amzn-Mtls-Clientcert Cf-Client-Cert-Sha256
    """.split()  # noqa: SIM905 - a table to read
)

PASSED = tuple(
    """
    Host User-Agent Accept Cookie Authorization X-Request-ID X-Forwarded-For X-Forwarded-Proto
    X-Client-ID X-Client-IP X-Client-Version X-Client-Data Client-ID X-SSL X-SSL-Cipher
    X-Client-DNS X-Client-Serialization Sec-CH-UA Clientele X-Certificate Expect-CT
    Not-X-SSL-Client-Verify Proxy-Client-IP X-Customer-Client-Cert Forwarded
    """.split()  # noqa: SIM905 - a table to read
)


@pytest.mark.parametrize("name", STRIPPED)
def test_a_name_that_announces_a_client_certificate_never_passes(name: str):
    for spelling in (name, name.lower(), name.upper(), name.replace("-", "_")):
        assert is_identity_name(spelling.encode())


@pytest.mark.parametrize("name", PASSED)
def test_other_names_pass(name: str):
    assert not is_identity_name(name.encode())


def test_every_octet_that_is_neither_letter_nor_digit_counts_as_a_hyphen():
    for octet in range(256):
        separator = bytes([octet])
        name = separator.join([b"X", b"SSL", b"Client", b"Verify"])
        assert is_identity_name(name) is not separator.isalnum()


def test_a_name_that_becomes_ours_when_it_is_upper_cased_never_passes():
    """WSGI servers decode names as Latin-1: "ß" in upper case is "SS"."""
    name = b"X-\xdfL-Client-Verify"
    assert name.decode("latin-1").upper() == "X-SSL-CLIENT-VERIFY"
    assert is_identity_name(name)


def test_every_name_that_is_sent_is_stripped():
    for name in told(client("with_intermediate"), *ALL):
        assert is_identity_name(name.encode())


def test_the_memory_of_names_is_bounded():
    assert is_identity_name.cache_parameters()["maxsize"] == 256
