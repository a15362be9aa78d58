"""Addresses that YAML reads as something else unless they are quoted, and the line to write.

For YAML ``[::1]:8443`` begins a list, ``*:8443`` an alias, and ``::1`` in a list a value.
"""

from __future__ import annotations

import re
from typing import Final

import yaml

from proxy.config.units import quoted

# What needs no quotes comes first, so that nothing inside of it is found: texts and comments.
_PIECES: Final = re.compile(
    r"""
      "[^"]*" | '[^']*' | (?<!\S)\#.*
    | (?P<value>
        (?<![^\s\[{,])
        (?: \[ [0-9A-Fa-f:.]* : [0-9A-Fa-f:.]* \] : \d+              # [::1]:8443
          | :: [0-9A-Fa-f:.]* (?: /\d+ )?                            # ::1, as an entry of a list
          | \* (?! [\w-]+ (?: [\s,\]}] | $ ) ) [^\s,\]}]*            # *:8443, but not an alias
        )
      )
    """,
    re.VERBOSE,
)
# Every address of the machine is written without the star.
_STAR: Final = re.compile(r"^\*(?=:\d+$)")


def quoting_advice(text: str, number: int) -> str:
    """Return what to write in a line at which YAML gave up, or nothing if quotes do not mend it.

    Args:
        text: the whole file.
        number: of the line, counted from 0.
    """
    lines = text.splitlines(keepends=True)
    if number >= len(lines):
        return ""
    before, lines[number] = lines[number], _PIECES.sub(_quote, lines[number])
    if lines[number] == before or _gives_up_at("".join(lines), number):
        return ""
    line = quoted(lines[number].strip())
    return f"a value that begins with [, : or * has to be quoted; write {line}"


def _quote(match: re.Match[str]) -> str:
    value = match["value"]
    return match[0] if value is None else f'"{_STAR.sub("", value)}"'


def _gives_up_at(text: str, number: int) -> bool:
    """Tell whether YAML gets no further than this line."""
    try:
        for _ in yaml.parse(text, Loader=yaml.BaseLoader):
            pass
    except yaml.MarkedYAMLError as error:
        return error.problem_mark is None or error.problem_mark.line <= number
    return False
