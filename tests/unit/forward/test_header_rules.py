"""What rules do to fields, and which fields no rule may name."""

from __future__ import annotations

import pytest

from proxy.forward.header_rules import (
    HeaderLine,
    HeaderRules,
    is_request_field,
    is_response_field,
)

RULES: HeaderRules[bytes] = HeaderRules(
    frozenset({b"x-user", b"server"}),
    (HeaderLine(b"X-User", lambda who: who), HeaderLine(b"X-Fixed", lambda _: b"1")),
)
FIELDS = [
    (b"x-user", b"X-USER", b"eve"),
    (b"x_user", b"X_User", b"eve"),
    (b"server", b"Server", b"app"),
    (b"x-other", b"X-Other", b"2"),
]


def test_what_is_set_replaces_every_spelling():
    assert RULES.applied(FIELDS, b"alice") == [
        (b"x-other", b"X-Other", b"2"),
        (b"x-user", b"X-User", b"alice"),
        (b"x-fixed", b"X-Fixed", b"1"),
    ]


def test_an_empty_value_is_no_field():
    assert [name for name, _, _ in RULES.applied(FIELDS, b"")] == [b"x-other", b"x-fixed"]


@pytest.mark.parametrize(
    "name", [b"X-User", b"Authorization", b"cookie", b"Accept-Encoding", b"Via", b"Proxy"]
)
def test_ordinary_fields_may_be_named_in_both_directions(name: bytes):
    assert is_request_field(name)
    assert is_response_field(name)


@pytest.mark.parametrize(
    "name",
    [
        b"Host",
        b"Content-Length",
        b"Content_Length",
        b"TRANSFER-ENCODING",
        b"Connection",
        b"Upgrade",
        b"TE",
        b"Expect",
        b"X-SSL-Client-Verify",
        b"x_ssl_client-cn",
        b"Client-Cert",
        b"X-Forwarded-For",
        b"X_Forwarded_Client_Cert",
        b"Forwarded",
        b"X-Real-IP",
        b"X-Request-ID",
        b"X-Original-URL",
        b"X-Rewrite-URL",
        b"",
        b"a b",
        b"a:",
        b"a\r\nb",
    ],
)
def test_what_the_gate_says_to_the_app_cannot_be_named(name: bytes):
    assert not is_request_field(name)


@pytest.mark.parametrize(
    "name",
    [
        b"Content-Length",
        b"content_length",
        b"Transfer-Encoding",
        b"Connection",
        b"Trailer",
        b"Date",
        b"Upgrade",
        b"Keep-Alive",
        b"",
        b"a b",
    ],
)
def test_what_ends_a_response_cannot_be_named(name: bytes):
    assert not is_response_field(name)
