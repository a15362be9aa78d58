"""Counts, sizes, rates and time spans as people write them, and how a bad one is quoted.

YAML 1.1 guesses types: a bare ``22:30`` is 1350, ``012`` is 10 and ``no`` is false. So the loader
hands every scalar over as the text that stands in the file, and the fields' types decide what it
means. Python numbers are taken as well, so that a configuration can be built in code.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.access.rate import UNITS, Rate

_SIZE_UNITS: Final = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SECONDS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# Units that are not taken, in lower case and in the singular, and what is meant by them.
_SIZES_MEANT: Final = {
    word: unit
    for unit in ("KiB", "MiB", "GiB")
    for word in (unit[0].lower(), f"{unit[0]}b".lower(), unit[:2].lower(), unit.lower())
}
_SPANS_MEANT: Final = {
    word: unit
    for unit, words in {
        "ms": ("ms", "msec", "millisecond"),
        "s": ("s", "sec", "second"),
        "m": ("m", "min", "minute"),
        "h": ("h", "hr", "hour"),
        "d": ("d", "day"),
    }.items()
    for word in words
}
_A_SPAN: Final = "a time span; write seconds, or e.g. 10s, 5m, 1h"
_SWITCHES: Final = frozenset({"on", "off", "yes", "no", "true", "false"})
_FLAGS: Final = {"true": True, "false": False}
WHOLE_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_SIZE: Final = re.compile(rf"({WHOLE_NUMBER.pattern}) ?([A-Za-z]*)")
_DURATION: Final = re.compile(rf"((?:{WHOLE_NUMBER.pattern})(?:\.[0-9]{{1,20}})?) ?([A-Za-z]*)")
_RATE: Final = re.compile(rf"({WHOLE_NUMBER.pattern}) ?/ ?([A-Za-z]*)")
_HIGHEST_RATE: Final = 1_000_000
_LONGEST_QUOTE: Final = 200
LONGEST_TIMEOUT: Final = 365 * 86400.0


def quoted(text: str) -> str:
    """Return the text for a message: on one line, and not longer than is useful."""
    printable = text if text.isprintable() else ascii(text)[1:-1]
    if len(printable) > _LONGEST_QUOTE:
        printable = printable[: _LONGEST_QUOTE - 1] + "…"
    return f"“{printable}”"


def parse_count(value: object) -> object:
    """Read a whole number; other types are left for the schema to refuse."""
    if not isinstance(value, str):
        return value
    if WHOLE_NUMBER.fullmatch(value):
        return int(value)
    if value.isascii() and value.isdigit():
        raise ValueError(f"{quoted(value)}: write the number without leading zeros")
    raise ValueError(f"{quoted(value)} is not a whole number")


def parse_flag(value: object) -> object:
    """Read ``true`` or ``false``; other types are left for the schema to refuse."""
    if not isinstance(value, str):
        return value
    if value not in _FLAGS:  # no guesses about no, off and n
        raise ValueError(f"{quoted(value)}: write true or false")
    return _FLAGS[value]


def refuse_switch(text: str, advice: str) -> str:
    """Return the text, unless it is on, off, yes, no, true or false: no name is meant by these.

    Raises:
        ValueError: with the advice.
    """
    if text.lower() in _SWITCHES:
        raise ValueError(f"{quoted(text)}: {advice}")
    return text


def parse_size(value: object) -> object:
    """Read a number of bytes, bare or with KiB, MiB or GiB."""
    return _parse_bytes(value, "a size; write bytes, or e.g. 10MiB")


def parse_byte_rate(value: object) -> object:
    """Read a number of bytes per second, as ``parse_size``."""
    return _parse_bytes(value, "a number of bytes per second; write e.g. 240 or 1KiB")


def _parse_bytes(value: object, expected: str) -> object:
    if isinstance(value, int):
        return value
    if not isinstance(value, str):
        raise ValueError(f"expects {expected}")  # noqa: TRY004 - pydantic reports ValueErrors
    number, unit = _number_and_unit(_SIZE, value)
    if unit in _SIZE_UNITS:
        return int(number) * _SIZE_UNITS[unit]
    if unit.lower() in _SIZES_MEANT:
        # 10MB is 10,000,000 to some and 10,485,760 to others (nginx's 10m): do not guess.
        meant = number + _SIZES_MEANT[unit.lower()]
        raise ValueError(f"{quoted(value)}: the units are KiB, MiB and GiB; write e.g. {meant}")
    raise ValueError(f"{quoted(value)} is not {expected}")


def _number_and_unit(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    """Return the two; where there is no number, a unit that nobody knows."""
    match = pattern.fullmatch(text)
    return (match[1], match[2]) if match else ("", "?")


def parse_duration(value: object) -> object:
    """Read a time span: seconds, or a number with ms, s, m, h or d. The result is in seconds."""
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return float(value)
    if not isinstance(value, str):
        raise ValueError(f"expects {_A_SPAN}")  # noqa: TRY004 - pydantic reports ValueErrors
    number, unit = _number_and_unit(_DURATION, value)
    if unit in _SECONDS:
        return float(number) * _SECONDS[unit]
    word = unit.lower()
    meant = _SPANS_MEANT.get(word) or _SPANS_MEANT.get(word.removesuffix("s"))
    if meant is not None:
        raise ValueError(
            f"{quoted(value)}: the units are ms, s, m, h and d; write e.g. {number}{meant}"
        )
    raise ValueError(f"{quoted(value)} is not {_A_SPAN}")


def span_text(seconds: float) -> str:
    """Return a time span as people write it, in the largest unit that leaves a whole number."""
    for unit in ("d", "h", "m", "s", "ms"):
        number = round(seconds / _SECONDS[unit], 6)
        if number >= 1 and number.is_integer():
            return f"{number:.0f}{unit}"
    return f"{seconds:.10g}"


def parse_rate(value: object) -> Rate:
    """Read a number of requests in a time: ``20/s``, ``600/m`` or ``1000/h``.

    Raises:
        ValueError: with a message for the operator.
    """
    if isinstance(value, Rate):
        return value
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        shown = f"{quoted(value)} is not" if isinstance(value, str) else "expects"
        raise ValueError(f"{shown} a rate; write e.g. 20/s, 600/m, 1000/h")
    number, unit = match.groups()
    if unit not in UNITS:
        meant = unit[:1].lower() if unit[:1].lower() in UNITS else "s"
        raise ValueError(
            f"{quoted(match.string)}: the units are s, m and h; write e.g. {number}/{meant}"
        )
    if not 1 <= int(number) <= _HIGHEST_RATE:
        raise ValueError(f"{quoted(match.string)}: the number has to be from 1 to {_HIGHEST_RATE}")
    return Rate(int(number), unit)


def parse_entries(value: object) -> object:
    """Take one value where a list is meant."""
    if isinstance(value, list | tuple):
        return tuple(value)
    return (value,) if value is not None else value


def parse_sections(value: object) -> object:
    """As ``parse_entries``, for entries that have keys: a text is none of them."""
    if isinstance(value, str):
        raise ValueError(  # noqa: TRY004 - pydantic reports ValueErrors
            f"{quoted(value)}: expects a list, of which each entry has keys of its own"
        )
    return parse_entries(value)


_STATUSES: Final = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")


def parse_statuses(text: str) -> range:
    """Read a status code, or the first and the last of several: ``200`` or ``200-399``.

    Raises:
        ValueError: with a message for the operator.
    """
    match = _STATUSES.fullmatch(text)
    first, last = match.groups() if match else ("", None)
    if not first or (last or first) < first:
        raise ValueError(f"{quoted(text)} is no status code; write e.g. 204 or 200-399")
    return range(int(first), int(last or first) + 1)


def check_statuses(value: object) -> object:
    """Keep a status code, or two, as they are written."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("expects a status code, e.g. 204 or 200-399")  # noqa: TRY004 - as above
    parse_statuses(value)
    return value
