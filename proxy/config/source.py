"""Where a configuration came from: turns the place of a key into something a person can find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from proxy.config.yaml_tree import Mapping as MappingNode
from proxy.config.yaml_tree import Node, Sequence
from proxy.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

Place = tuple[str | int, ...]


class Source(Protocol):
    """What can say where a key stands."""

    def problem(self, place: Place, message: str) -> Problem:
        """Return the problem of the key at this place, e.g. ``("tls", "private_key")``."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A YAML file."""

    name: str
    root: Node

    def problem(self, place: Place, message: str) -> Problem:
        """Return the problem with the line of the key, or of the nearest one around it."""
        line, depth = self._nearest(place)
        # A place can go on where the file does not: below a short form, or to a missing key.
        shown = place[: depth + 1] if isinstance(_part(place, depth), str) else place[:depth]
        return Problem(f"{self.name}:{line}", key_text(shown), message)

    def _nearest(self, place: Place) -> tuple[int, int]:
        node, line = self.root, self.root.line
        for depth, part in enumerate(place):
            if isinstance(node, MappingNode) and isinstance(part, str) and part in node.entries:
                line = node.lines[part]
                node = node.entries[part]
            elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
                line = node.line
            else:
                return line, depth
        return line, len(place)


@dataclass(frozen=True, slots=True)
class EnvironmentSource:
    """The variables that configure one app without a file: each stands for one key."""

    variables: Mapping[Place, str]

    def problem(self, place: Place, message: str) -> Problem:
        """Return the problem with the variable's name in place of a line and a key."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.variables:
                return Problem(self.variables[place[:length]], "", message)
        return Problem("environment", key_text(place), message)


def _part(place: Place, index: int) -> str | int | None:
    return place[index] if index < len(place) else None


def key_text(place: Place) -> str:
    """Return a place as people write it: ``routes[0].path``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def place_of(key: str) -> Place:
    """Return the place that ``key_text`` shows; for problems of later stages, which have keys."""
    parts = key.replace("[", ".").replace("]", "").split(".") if key else []
    return tuple(int(part) if part.isdecimal() else part for part in parts)
