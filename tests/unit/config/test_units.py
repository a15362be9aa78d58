"""Counts, sizes and time spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.config.units import (
    parse_byte_rate,
    parse_count,
    parse_duration,
    parse_entries,
    parse_size,
    quoted,
    refuse_switch,
    span_text,
)

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


@pytest.mark.parametrize(
    ("text", "meant"),
    [("10MB", "10MiB"), ("10M", "10MiB"), ("10mib", "10MiB"), ("10KB", "10KiB"), ("10k", "10KiB")],
)
def test_ambiguous_units_are_not_guessed(text: str, meant: str):
    with pytest.raises(
        ValueError, match=rf"the units are KiB, MiB and GiB; write e[.]g[.] {meant}$"
    ):
        parse_size(text)


@pytest.mark.parametrize("parse", [parse_size, parse_byte_rate, parse_duration])
@pytest.mark.parametrize("value", [[], {}, None])
def test_what_is_no_text_is_told_what_is_expected(parse: Callable[[object], object], value: object):
    with pytest.raises(ValueError, match=r"^expects a .*; write "):
        parse(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.001, "1ms"), (0.1, "100ms"), (1.0, "1s"), (90.0, "90s"), (3600.0, "1h"), (0.0, "0")],
)
def test_a_time_span_is_shown_as_it_is_written(seconds: float, text: str):
    assert span_text(seconds) == text
    assert parse_duration(text) == seconds


def test_a_name_is_not_a_switch():
    assert refuse_switch("online", "no") == "online"
    for word in ("on", "OFF", "Yes", "no", "true", "False"):
        with pytest.raises(ValueError, match=f"^“{word}”: write a name$"):
            refuse_switch(word, "write a name")


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
