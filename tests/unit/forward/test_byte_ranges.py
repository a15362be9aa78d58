"""Which parts a Range asks for, and how several travel."""

from __future__ import annotations

import pytest

from proxy.forward.byte_ranges import MAX_GAP, MAX_RANGES, Span, multipart, parse_ranges

SIZE = 1000


def parsed(value: bytes, size: int = SIZE) -> list[Span] | None:
    return parse_ranges([value], size)


@pytest.mark.parametrize(
    ("value", "spans"),
    [
        (b"bytes=0-0", [(0, 1)]),
        (b"bytes=0-", [(0, 1000)]),
        (b"bytes=999-", [(999, 1000)]),
        (b"bytes=10-19", [(10, 20)]),
        (b"bytes=990-5000", [(990, 1000)]),
        (b"bytes=0-99999999999999999999", [(0, 1000)]),
        (b"bytes=-1", [(999, 1000)]),
        (b"bytes=-1000", [(0, 1000)]),
        (b"bytes=-99999", [(0, 1000)]),
        (b"BYTES=0-0", [(0, 1)]),
        (b"bytes= 0-0", [(0, 1)]),
        (b"bytes=,0-0 ,\t, 500-500,", [(0, 1), (500, 501)]),
        (b"bytes=00000000000-0000000000001", [(0, 2)]),
        # the order is the client's
        (b"bytes=500-509,0-9", [(500, 510), (0, 10)]),
        (b"bytes=-10,0-9,500-509", [(990, 1000), (0, 10), (500, 510)]),
        # only those that the file has
        (b"bytes=5000-,0-9", [(0, 10)]),
        (b"bytes=1000-,-0", []),
        (b"bytes=1000-", []),
        (b"bytes=-0", []),
        # overlapping, touching, and nearly touching ones are one
        (b"bytes=0-9,5-14", [(0, 15)]),
        (b"bytes=5-14,0-9", [(0, 15)]),
        (b"bytes=0-999,5-14", [(0, 1000)]),
        (b"bytes=0-9,10-19", [(0, 20)]),
        (b"bytes=0-9,90-99", [(0, 100)]),
        (b"bytes=0-9,91-99", [(0, 10), (91, 100)]),
        (b"bytes=500-509,0-9,505-600", [(500, 601), (0, 10)]),
        (b"bytes=900-909,0-9,905-910,1-2", [(900, 911), (0, 10)]),
    ],
)
def test_ranges_of_a_thousand_bytes(value: bytes, spans: list[tuple[int, int]]):
    assert parsed(value) == [Span(*span) for span in spans]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"bytes",
        b"bytes=",
        b"bytes=,",
        b"bytes=-",
        b"bytes=a-b",
        b"bytes=1",
        b"bytes=0x1-0x2",
        b"bytes=+1-2",
        b"bytes=1 -2",
        b"bytes=2-1",
        b"bytes=0-0,2-1",
        b"bytes=0-0;1-1",
        b"bytes=0-0 1-1",
        b"bytes =0-0",
        b"bytes=--1",
        b"lines=0-0",
        b"bytes=0-0, lines=1-1",
        b"bytes=" + b"1" * 33 + b"-",
    ],
)
def test_what_makes_no_sense_is_ignored(value: bytes):
    assert parsed(value) is None


def test_a_field_that_is_given_twice_is_ignored():
    assert parse_ranges([b"bytes=0-0", b"bytes=1-1"], SIZE) is None


def test_more_parts_than_anybody_needs_are_ignored():
    """CVE-2011-3192: each part once cost the server memory and a header."""
    parts = [b"%d-%d" % (place, place) for place in range(0, 100_000, 1000)]
    most = parsed(b"bytes=" + b",".join(parts), 1_000_000)
    assert most is not None
    assert len(most) == MAX_RANGES == len(parts)
    assert parsed(b"bytes=" + b",".join([*parts, b"7-7"]), 1_000_000) is None
    assert parsed(b"bytes=0-," + b"," * 5000, 1_000_000) is None


def test_an_empty_file_has_no_ranges():
    """The last five bytes of nothing would be satisfiable, but have no Content-Range; as nginx."""
    assert parsed(b"bytes=0-", 0) is None
    assert parsed(b"bytes=-5", 0) is None


def test_the_gap_is_what_a_header_costs():
    parts, _ = multipart([Span(0, 1)], b"text/plain", SIZE, b"0" * 32)
    assert len(parts[0].before) > MAX_GAP


def test_several_parts_byte_for_byte():
    """RFC 9110, section 14.6; the first CRLF belongs to the preamble."""
    parts, after = multipart([Span(0, 2), Span(500, 505)], b"text/plain", SIZE, b"THIS")
    assert [part.before for part in parts] == [
        b"\r\n--THIS\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/1000\r\n\r\n",
        b"\r\n--THIS\r\nContent-Type: text/plain\r\nContent-Range: bytes 500-504/1000\r\n\r\n",
    ]
    assert [part.span for part in parts] == [Span(0, 2), Span(500, 505)]
    assert after == b"\r\n--THIS--\r\n"
