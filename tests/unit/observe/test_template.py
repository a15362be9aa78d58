"""Text with variables, and what a value may do to the text around it: nothing."""

from __future__ import annotations

import json

import pytest

from proxy.errors import CertgateError
from proxy.observe.access_record import AccessRecord
from proxy.observe.scope import LOG, REQUEST
from proxy.observe.template import HeaderTemplate, Template, body_encoding, header_safe


def record_of(target: bytes) -> AccessRecord:
    record = AccessRecord("192.0.2.7")
    record.target = target
    return record


def plain(value: bytes | None) -> bytes:
    return value or b"-"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("", b""),
        ("100 % plain", b"100 % plain"),
        ("$request_uri", b"/x"),
        ("a${request_uri}b$arg_x.", b"a/xb-."),
        ("é$request_uri", "é/x".encode()),
    ],
)
def test_variables_are_replaced(text: str, made: bytes):
    template = Template(text, LOG)
    assert template.render(record_of(b"/x"), plain) == made


def test_the_values_can_be_looked_at():
    assert Template("$request_uri $arg_x", LOG).values(record_of(b"/x")) == [b"/x", None]


@pytest.mark.parametrize("text", ["$", "a $ b", "${", "${}", "costs 5$", "$nope", "${nope}"])
def test_what_is_no_variable_is_an_error(text: str):
    with pytest.raises(CertgateError, match="variable"):
        Template(text, LOG)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, b""),
        (b"", b""),
        (b'/a b"c\\', b'/a b"c\\'),
        (b"a\r\nX-Evil: 1", b"a%0D%0AX-Evil: 1"),
        (b"\x00\t\x1b\x7f", b"%00%09%1B%7F"),
        ("ü".encode(), b"%C3%BC"),
    ],
)
def test_a_header_value_is_printable_ascii(value: bytes | None, wanted: bytes):
    assert header_safe(value) == wanted


def test_a_header_value_has_no_blanks_at_its_ends():
    assert HeaderTemplate(" $arg_x $request_uri ", REQUEST)(record_of(b"/ ")) == b"/"
    assert HeaderTemplate("$arg_x", REQUEST)(record_of(b"/")) == b""


@pytest.mark.parametrize(
    ("content_type", "wanted"),
    [
        ("text/plain", b'<a href="x">&\n\\xff'),
        ("Text/HTML; charset=utf-8", b"&lt;a href=&quot;x&quot;&gt;&amp;\n\\xff"),
        ("application/json", b'<a href=\\"x\\">&\\n\\\\xff'),
    ],
)
def test_a_value_is_escaped_as_the_content_wants_it(content_type: str, wanted: bytes):
    encode = body_encoding(content_type)
    assert encode is not None
    assert encode(b'<a href="x">&\n\xff') == wanted
    assert encode(None) == b""


def test_in_json_a_value_stays_one_string():
    encode = body_encoding("application/json")
    assert encode is not None
    assert json.loads(b'{"a": "%b"}' % encode(b'", "b": "')) == {"a": '", "b": "'}


def test_elsewhere_there_are_no_variables():
    assert body_encoding("application/javascript") is None
