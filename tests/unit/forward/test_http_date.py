"""Dates in fields: one form is written, three are read, everything else is no date."""

from __future__ import annotations

import pytest

from proxy.forward.http_date import http_date, parse_http_date

NOW = 1_790_000_000.0  # in 2026
BIRTHDAY = 784111777  # of RFC 9110's example


def test_what_is_written_is_an_imf_fixdate():
    assert http_date(BIRTHDAY) == b"Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    "text",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"Mon, 06 Nov 1994 08:49:37 GMT",  # the day's name says nothing new
    ],
)
def test_all_three_forms_are_read(text: bytes):
    assert parse_http_date(text, NOW) == BIRTHDAY


@pytest.mark.parametrize(
    ("text", "year"),
    [
        (b"Sunday, 06-Nov-26 08:49:37 GMT", 2026),
        (b"Sunday, 06-Nov-76 08:49:37 GMT", 2076),
        (b"Sunday, 06-Nov-77 08:49:37 GMT", 1977),
        (b"Sunday, 06-Nov-99 08:49:37 GMT", 1999),
    ],
)
def test_two_digits_of_a_year_are_never_more_than_fifty_years_to_come(text: bytes, year: int):
    assert http_date(parse_http_date(text, NOW) or 0).split()[3] == b"%d" % year


def test_a_leap_second_is_the_next_minute():
    assert parse_http_date(b"Sun, 31 Dec 1995 23:59:60 GMT", NOW) == 820454400


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"0",
        b"1790000000",
        b"Sun, 06 Nov 1994 08:49:37",
        b"Sun, 06 Nov 1994 08:49:37 UTC",
        b"Sun, 06 Nov 1994 08:49:37 +0000",
        b"sun, 06 nov 1994 08:49:37 gmt",
        b"Sun, 6 Nov 1994 08:49:37 GMT",
        b"Sun, 31 Feb 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 24:00:00 GMT",
        b"Sun, 06 Nov 1994 08:49:61 GMT",
        b"Sun, 06 Nov 0000 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08:49:37 GMT; length=7",
        "Sun, 0٦ Nov 1994 08:49:37 GMT".encode(),
    ],
)
def test_what_is_no_date_is_none(text: bytes):
    assert parse_http_date(text, NOW) is None
