"""What the variables stand for, in the log and in headers."""

from __future__ import annotations

import pytest

from proxy.http1.head import RequestParser
from proxy.identity.facts import CertificateFacts
from proxy.observe.access_record import MAX_NAME_LENGTH, AccessRecord, LoggedClient
from proxy.observe.variables import VARIABLES, find_variable, vouched_variable
from tests.pki import client as identity_of

FACTS = CertificateFacts.read(identity_of("good").leaf)
HEAD = (
    b"POST /a/../b%41?x=1&y=&x=2&=3 HTTP/1.1\r\nHost: Gate.Example:8443\r\nX-Two: 1\r\nx-two: 2\r\n"
    b"Cookie: a=1; b=2\r\nCookie: c = 3; d\r\nContent-Type: text/x\r\nContent-Length: 7\r\n\r\n"
)


def record_of(head: bytes = HEAD, verify: str = "SUCCESS") -> AccessRecord:
    client = LoggedClient(
        subject=FACTS.subject,
        issuer=FACTS.issuer,
        serial=FACTS.serial_hex,
        fingerprint=FACTS.fingerprint_sha256,
        facts=FACTS,
        server_port=8443,
    )
    record = AccessRecord("192.0.2.7", client)
    request = RequestParser(0).parse(head)
    record.method, record.target, record.section = request.method, request.target, request.section
    record.host, record.verify, record.time = request.section.host, verify, FACTS.not_before
    return record


def value(name: str, record: AccessRecord | None = None, *, vouched: bool = False) -> bytes | None:
    getter = (vouched_variable if vouched else find_variable)(name)
    assert getter is not None
    return getter(record or record_of())


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("host", b"gate.example"),
        ("http_host", b"gate.example:8443"),
        ("uri", b"/b%41"),
        ("request_uri", b"/a/../b%41?x=1&y=&x=2&=3"),
        ("args", b"x=1&y=&x=2&=3"),
        ("query_string", b"x=1&y=&x=2&=3"),
        ("arg_x", b"1"),
        ("arg_y", b""),
        ("arg_z", None),
        ("http_x_two", b"1, 2"),
        ("http_X_Two", b"1, 2"),
        ("http_none", None),
        ("http_cookie", b"a=1; b=2; c = 3; d"),
        ("cookie_b", b"2"),
        ("cookie_d", None),
        ("cookie_e", None),
        ("content_type", b"text/x"),
        ("content_length", b"7"),
        ("scheme", b"https"),
        ("server_port", b"8443"),
        ("request_method", b"POST"),
        ("remote_user", None),
        ("ssl_client_cn", b"alice"),
        ("ssl_client_verify", b"SUCCESS"),
    ],
)
def test_a_verified_client_has_all_of_them_in_log_and_headers(name: str, wanted: bytes | None):
    assert value(name) == wanted
    assert value(name, vouched=True) == wanted


def test_a_certificate_says_what_nginx_says_of_it():
    said = {
        "ssl_client_s_dn": FACTS.subject,
        "ssl_client_i_dn": FACTS.issuer,
        "ssl_client_serial": FACTS.serial_hex,
        "ssl_client_fingerprint": FACTS.fingerprint_sha1,
        "ssl_client_sha256": FACTS.fingerprint_sha256,
        "ssl_client_fingerprint_sha256": FACTS.fingerprint_sha256,
        "ssl_client_v_start": FACTS.not_before_text,
        "ssl_client_v_end": FACTS.not_after_text,
        "ssl_client_v_remain": str(FACTS.remaining_days(FACTS.not_before)),
        "ssl_client_escaped_cert": FACTS.escaped_pem,
    }
    assert {name: value(name) for name in said} == {n: v.encode() for n, v in said.items()}
    assert [value(name, vouched=True) for name in said] == [value(name) for name in said]


OF_CERTIFICATES = sorted(
    name for name in VARIABLES if name.startswith("ssl_client_") and name != "ssl_client_verify"
)


@pytest.mark.parametrize("name", OF_CERTIFICATES)
@pytest.mark.parametrize("verify", ["NONE", "FAILED:certificate has expired", ""])
def test_what_nobody_vouches_for_stands_in_the_log_alone(name: str, verify: str):
    record = record_of(verify=verify)
    assert value(name, record) == value(name)
    assert value(name, record, vouched=True) is None


@pytest.mark.parametrize("name", OF_CERTIFICATES)
def test_without_a_certificate_there_is_nothing(name: str):
    record = AccessRecord("192.0.2.7")
    record.verify = "SUCCESS"
    assert value(name, record) is None
    assert value(name, record, vouched=True) is None


def test_a_name_is_cut_in_the_log_but_never_where_it_counts():
    record = record_of()
    long = CertificateFacts.read(identity_of("good").leaf)
    object.__setattr__(long, "subject", "CN=" + "x" * 5000)
    record.client = LoggedClient(subject=long.subject, facts=long)
    assert value("ssl_client_s_dn", record) == long.subject[:MAX_NAME_LENGTH].encode()
    assert value("ssl_client_s_dn", record, vouched=True) == long.subject.encode()


def test_before_a_request_was_read_there_is_nothing_of_it():
    record = AccessRecord("192.0.2.7")
    for name in ("http_x", "cookie_x", "arg_x", "content_length", "uri", "host", "server_port"):
        assert value(name, record) is None


def test_content_in_chunks_has_no_length():
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert value("content_length", record_of(head)) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nope",
        "http_",
        "cookie_",
        "arg_",
        "http_connection",
        "http_transfer_encoding",
        "http_x_ssl_client_cn",
        "http_client_cert",
        "http_é",
    ],
)
def test_what_is_no_variable(name: str):
    """Nor are fields of the connection, and those under which a client would forge an identity."""
    assert find_variable(name) is None
    assert vouched_variable(name) is None
