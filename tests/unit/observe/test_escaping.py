"""Log values are escaped as nginx escapes them."""

import pytest

from proxy.observe.escaping import escape


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        (b"", b""),
        (b"curl/8.5.0", b"curl/8.5.0"),
        (b'say "hi"', rb"say \x22hi\x22"),
        (b"back\\slash", rb"back\x5Cslash"),
        (b"a\r\nb", rb"a\x0D\x0Ab"),
        (b"\x00\x1f\x7f\x80\xff", rb"\x00\x1F\x7F\x80\xFF"),
        (b" ~!", b" ~!"),
    ],
)
def test_only_printable_ascii_without_quote_and_backslash_stands_as_it_is(
    value: bytes, escaped: bytes
):
    assert escape(value) == escaped


def test_a_clean_value_is_returned_without_a_copy():
    value = b"GET / HTTP/1.1"
    assert escape(value) is value
