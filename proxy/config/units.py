"""Counts, sizes, rates and time spans as people write them, and how a bad one is quoted.

YAML 1.1 guesses types: a bare ``22:30`` is 1350, ``012`` is 10 and ``no`` is false. So the loader
hands every scalar over as the text that stands in the file, and the fields' types decide what it
means. Python numbers are taken as well, so that a configuration can be built in code.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator

from proxy.access.rate import UNITS, Rate

_SIZE_UNITS: Final = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SECONDS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
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


def parse_size(value: object) -> object:
    """Read a number of bytes, bare or with KiB, MiB or GiB."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError(f"{quoted(value)} is not a size; write bytes, or e.g. 10MiB")
    number, unit = match.groups()
    if unit not in _SIZE_UNITS:
        # 10MB is 10,000,000 to some and 10,485,760 to others (nginx's 10m): do not guess.
        raise ValueError(f"{quoted(value)}: the units are KiB, MiB and GiB; write e.g. {number}MiB")
    return int(number) * _SIZE_UNITS[unit]


def parse_duration(value: object) -> object:
    """Read a time span: seconds, or a number with ms, s, m, h or d. The result is in seconds."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError(f"{quoted(value)} is not a time span; write seconds, or e.g. 10s, 5m, 1h")
    number, unit = match.groups()
    if unit not in _SECONDS:
        raise ValueError(f"{quoted(value)}: the units are ms, s, m, h and d; write e.g. {number}s")
    return float(number) * _SECONDS[unit]


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
        raise ValueError(f"{quoted(match.string)}: the units are s, m and h; write e.g. {number}/s")
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
    if isinstance(value, str):
        parse_statuses(value)
    return value


Statuses = Annotated[str, BeforeValidator(check_statuses, json_schema_input_type=str | int)]
Flag = Annotated[bool, BeforeValidator(parse_flag, json_schema_input_type=bool)]
Count = Annotated[int, Field(ge=0), BeforeValidator(parse_count, json_schema_input_type=int)]
Size = Annotated[
    int, Field(ge=0, le=2**62), BeforeValidator(parse_size, json_schema_input_type=int | str)
]
Seconds = Annotated[
    float,
    Field(ge=0.001, le=LONGEST_TIMEOUT),
    BeforeValidator(parse_duration, json_schema_input_type=float | str),
]
RateValue = Annotated[
    Rate,
    PlainValidator(parse_rate, json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]
