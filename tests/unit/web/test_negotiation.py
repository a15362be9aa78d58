"""The Accept field chooses the format (RFC 9110 section 12.5.1), and never fails."""

import pytest

from proxy.web.negotiation import Format, choose_format

CHROME = (
    b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    b"*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        # who asks like this
        (None, Format.TEXT),
        (b"*/*", Format.TEXT),  # curl, fetch()
        (CHROME, Format.HTML),
        (b"text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", Format.HTML),
        (b"application/json, text/plain, */*", Format.PROBLEM),  # axios
        (b"application/json", Format.PROBLEM),
        (b"application/problem+json", Format.PROBLEM),
        (b"application/vnd.api+json", Format.PROBLEM),
        (b"image/avif,image/webp,*/*;q=0.8", Format.TEXT),
        # weights
        (b"text/html;q=0.5, application/json;q=0.6", Format.PROBLEM),
        (b"text/html;q=0.6, application/json;q=0.5", Format.HTML),
        (b"text/html;level=1;q=0.2, text/plain;q=0.1", Format.HTML),
        (b"TEXT/HTML ; Q=1.0", Format.HTML),
        (b"text/html;q=0, */*", Format.TEXT),
        (b"text/plain;q=0, */*", Format.PROBLEM),
        (b"text/plain;q=0, application/*;q=0, */*", Format.HTML),
        # what is more specific counts, whatever its weight or place
        (b"text/*;q=0.9, text/html;q=0.1", Format.TEXT),
        (b"text/html;q=0.5, application/json;q=0.1, application/problem+json", Format.PROBLEM),
        (b"text/*", Format.TEXT),
        (b"application/*", Format.PROBLEM),
        # equal weights: what is named comes first, then what is named first
        (b"*/*, text/html", Format.HTML),
        (b"text/html, application/json", Format.HTML),
        (b"application/json, text/html", Format.PROBLEM),
        # nothing that we have
        (b"image/png", Format.TEXT),
        (b"text/html;q=0", Format.TEXT),
        (b"*/plain", Format.TEXT),
        # malformed
        (b"", Format.TEXT),
        (b",,;;==", Format.TEXT),
        (b"text", Format.TEXT),
        (b"text/html;q=high", Format.TEXT),
        (b"text/html;q=nan", Format.TEXT),
        (b"text/html;q=-1", Format.TEXT),
        (b"text/html;q=7", Format.TEXT),
        (b"\xff\xfe\x00", Format.TEXT),
    ],
)
def test_the_format_is_what_the_client_can_use_best(accept: bytes | None, chosen: Format):
    assert choose_format(accept) is chosen


def test_a_huge_field_is_not_read_to_its_end():
    assert choose_format(b"text/html," + b"a/b," * 10_000) is Format.HTML
    assert choose_format(b"a/b," * 10_000 + b"text/html") is Format.TEXT


def test_a_short_field_of_many_ranges_is_not_read_to_its_end():
    assert choose_format(b"," * 200 + b"text/html") is Format.TEXT
