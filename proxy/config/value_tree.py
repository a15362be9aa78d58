"""From the tree of a file to values for the model: mappings, lists, and texts with their variables.

A value that cannot be read is noted with its place, so that the model's complaint about it is not
told as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from proxy.config.expand import expand, names_in
from proxy.config.yaml_tree import Node, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.config.source import Place

_DELETE: Final = "\x7f"
# Of a fixed response: it may have lines. Nothing else has a use for them.
_BODY: Final = ("respond", "body")
_OF_BODIES: Final = str.maketrans("", "", "\n\t")


@dataclass(frozen=True, slots=True)
class Facts:
    """What reading the values told beside the values.

    Attributes:
        faults: for each place whose value is not to be judged again, what is wrong with it.
        variables: the names in ``${NAME}`` references.
    """

    faults: Mapping[Place, str]
    variables: frozenset[str]


NO_FACTS: Final = Facts({}, frozenset())


def read_values(root: Node, environ: Mapping[str, str]) -> tuple[object, Facts]:
    """Return the values of a tree and what reading them told."""
    reader = _Reader(environ)
    values = reader.value_of(root, ())
    return values, Facts(reader.faults, frozenset(reader.variables))


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.faults: dict[Place, str] = {}
        self.variables: set[str] = set()
        self._environ = environ

    def value_of(self, node: Node, place: Place) -> object:
        if isinstance(node, Scalar):
            return self._text(node.text, place)
        if isinstance(node, Sequence):
            return [self.value_of(item, (*place, i)) for i, item in enumerate(node.items)]
        return {key: self.value_of(item, (*place, key)) for key, item in node.entries.items()}

    def _text(self, text: str | None, place: Place) -> str | None:
        if text is None:
            self.faults[place] = "has no value; write one, or remove the key to get the default"
            return None
        self.variables |= names_in(text)
        try:
            expanded = expand(text, self._environ)
        except ValueError as error:
            self.faults[place] = str(error)
            return text
        # No key has a use for one, and a variable that was filled from a file often ends in one.
        line = expanded.translate(_OF_BODIES) if place[-2:] == _BODY else expanded
        if any(character < " " or character == _DELETE for character in line):
            self.faults[place] = "contains a line end or another control character; remove it"
        return expanded
