"""Counts, sizes and time spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.config.units import parse_count, parse_duration, parse_entries, parse_size, quoted

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("1", 1), ("32KiB", 32768), ("10 MiB", 10485760), ("2GiB", 2**31), ("7B", 7)],
)
def test_sizes_have_binary_units(text: str, size: int):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1", 1.0),
        ("1.5", 1.5),
        ("0.25s", 0.25),
        ("500ms", 0.5),
        ("10 s", 10.0),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("2d", 172800.0),
    ],
)
def test_time_spans_are_seconds(text: str, seconds: float):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("parse", [parse_count, parse_size, parse_duration])
@pytest.mark.parametrize(
    "text",
    ["", " ", "-1", "+1", "1e3", "0x10", "010", "1_000", "\u0661", "1,5", "22:30", "inf", "nan"],
)
def test_what_is_no_number_is_refused(parse: Callable[[object], object], text: str):
    """Also what Python's int() and float() would take: underscores, signs, Arabic digits."""
    with pytest.raises(ValueError, match="“"):
        parse(text)


@pytest.mark.parametrize("text", ["10MB", "10M", "10mib", "10KB", "10k"])
def test_ambiguous_units_are_not_guessed(text: str):
    with pytest.raises(ValueError, match=r"the units are KiB, MiB and GiB; write e[.]g[.] 10MiB"):
        parse_size(text)


def test_values_of_a_program_are_left_to_the_schema():
    assert parse_count(3) == 3
    assert parse_size(3) == 3
    assert parse_duration(3) == 3.0
    assert parse_duration(0.5) == 0.5
    assert parse_duration(value=True) is True


def test_one_value_is_a_list_of_one():
    assert parse_entries("a") == ("a",)
    assert parse_entries(["a", "b"]) == ("a", "b")
    assert parse_entries(()) == ()
    assert parse_entries(None) is None


def test_a_quoted_value_stays_on_one_line_and_short():
    assert quoted("a\nb\x1b[0m") == "“a\\nb\\x1b[0m”"
    assert len(quoted("x" * 10_000)) == 202
