"""``${NAME}`` and ``${NAME:-default}`` in the values of a configuration.

Names are replaced in the finished tree: whatever a variable contains, it stays one value and can
add no keys. ``$${`` stands for a plain ``${``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE: Final = re.compile(
    r"\$(?P<escaped>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\}|\$\{"
)


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Return the text with its variables replaced.

    A default counts when the variable is missing or empty, as in a shell.

    Raises:
        ValueError: for a variable that is not set, or a reference that is not finished; with a
            message for the operator.
    """

    def replaced(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "${"
        name, default = match["name"], match["default"]
        if name is None:
            raise ValueError("“${” begins a variable: write ${NAME} or ${NAME:-default}, or $${")
        value = environ.get(name)
        if default is not None and not value:
            return default.removeprefix(":-")
        if value is None:
            raise ValueError(f"the environment variable {name} is not set")
        return value

    return _REFERENCE.sub(replaced, text)


def names_in(text: str) -> frozenset[str]:
    """Return the variables that a text refers to."""
    return frozenset(match["name"] for match in _REFERENCE.finditer(text) if match["name"])
