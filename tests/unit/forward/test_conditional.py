"""Preconditions, in the order of RFC 9110, section 13.2.2."""

from __future__ import annotations

import pytest

from proxy.forward.conditional import Outcome, conditions_of, evaluate, wants_ranges
from proxy.forward.http_date import http_date

ETAG = b'"abc"'
MODIFIED = 1_700_000_000
NOW = 1_790_000_000.0
SAME, EARLIER, LATER = (http_date(MODIFIED + by) for by in (0, -1, 1))

PROCEED, NOT_MODIFIED, FAILED = Outcome


def conditions(*fields: tuple[bytes, bytes]) -> dict[bytes, list[bytes]]:
    return conditions_of([(name.lower(), name, value) for name, value in fields])


def outcome(*fields: tuple[bytes, bytes]) -> Outcome:
    return evaluate(conditions(*fields), ETAG, MODIFIED, NOW)


def test_fields_that_are_no_condition_are_left_out():
    fields = [(b"accept", b"Accept", b"*/*"), (b"range", b"Range", b"x"), (b"range", b"RANGE", b"")]
    assert conditions_of(fields) == {b"range": [b"x", b""]}


@pytest.mark.parametrize(
    ("tags", "if_match", "if_none_match"),
    [
        (b"*", PROCEED, NOT_MODIFIED),
        (b'"abc"', PROCEED, NOT_MODIFIED),
        (b'W/"abc"', FAILED, NOT_MODIFIED),  # strong against weak comparison
        (b'"x", "abc"', PROCEED, NOT_MODIFIED),
        (b', ,"x",\t,"abc" ,', PROCEED, NOT_MODIFIED),
        (b'"x,", W/"abc"', FAILED, NOT_MODIFIED),
        (b'"a,b", "abc"', PROCEED, NOT_MODIFIED),
        (b'"ABC"', FAILED, PROCEED),
        (b'""', FAILED, PROCEED),
        (b'"x"', FAILED, PROCEED),
        (b'w/"abc"', FAILED, PROCEED),
        (b"abc", FAILED, PROCEED),
        (b'"abc', FAILED, PROCEED),
        (b'"abc" "x"', FAILED, PROCEED),
        (b'*, "abc"', FAILED, PROCEED),
        (b"", FAILED, PROCEED),
    ],
)
def test_entity_tags(tags: bytes, if_match: Outcome, if_none_match: Outcome):
    assert outcome((b"If-Match", tags)) is if_match
    assert outcome((b"If-None-Match", tags)) is if_none_match


def test_tags_of_several_lines_are_one_list():
    assert outcome((b"If-None-Match", b'"x"'), (b"If-None-Match", b'"abc"')) is NOT_MODIFIED
    assert outcome((b"If-Match", b'"x"'), (b"If-Match", b'"abc"')) is PROCEED


@pytest.mark.parametrize(
    ("date", "modified_since", "unmodified_since"),
    [
        (SAME, NOT_MODIFIED, PROCEED),
        (LATER, NOT_MODIFIED, PROCEED),
        (EARLIER, PROCEED, FAILED),
        (b"yesterday", PROCEED, PROCEED),
    ],
)
def test_dates(date: bytes, modified_since: Outcome, unmodified_since: Outcome):
    assert outcome((b"If-Modified-Since", date)) is modified_since
    assert outcome((b"If-Unmodified-Since", date)) is unmodified_since


def test_a_date_that_is_given_twice_does_not_count():
    assert outcome((b"If-Modified-Since", SAME), (b"If-Modified-Since", SAME)) is PROCEED
    assert outcome((b"If-Unmodified-Since", EARLIER), (b"If-Unmodified-Since", EARLIER)) is PROCEED


def test_a_tag_takes_the_place_of_its_date():
    """Steps 1 to 4."""
    assert outcome((b"If-Match", b"*"), (b"If-Unmodified-Since", EARLIER)) is PROCEED
    assert outcome((b"If-None-Match", b'"x"'), (b"If-Modified-Since", SAME)) is PROCEED
    assert outcome((b"If-None-Match", b"nonsense"), (b"If-Modified-Since", SAME)) is PROCEED


def test_a_failed_precondition_comes_before_not_modified():
    assert outcome((b"If-Match", b'"x"'), (b"If-None-Match", ETAG)) is FAILED
    assert outcome((b"If-Match", ETAG), (b"If-None-Match", ETAG)) is NOT_MODIFIED
    assert outcome((b"If-Unmodified-Since", EARLIER), (b"If-Modified-Since", SAME)) is FAILED


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([], True),
        ([ETAG], True),
        ([b'"x"'], False),
        ([b'W/"abc"'], False),
        ([SAME], True),
        ([LATER], False),
        ([EARLIER], False),
        ([b"*"], False),
        ([b"nonsense"], False),
        ([b""], False),
        ([ETAG, ETAG], False),
    ],
)
def test_if_range(values: list[bytes], wanted: bool):
    found = conditions(*((b"If-Range", value) for value in values))
    assert wants_ranges(found, ETAG, MODIFIED, NOW) is wanted


def test_the_date_of_this_very_second_is_not_enough_for_a_range():
    """The file may change again without its date."""
    found = conditions((b"If-Range", SAME))
    assert not wants_ranges(found, ETAG, MODIFIED, MODIFIED + 0.9)
    assert wants_ranges(found, ETAG, MODIFIED, MODIFIED + 1.0)
