"""Where a configuration came from: turns the place of a key into something a person can find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from proxy.config.yaml_tree import Mapping as MappingNode
from proxy.config.yaml_tree import Node, Scalar, Sequence
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
        line, shown = self._nearest(place)
        return Problem(f"{self.name}:{line}", key_text(shown), message)

    def _nearest(self, place: Place) -> tuple[int, Place]:
        node, line, depth = self.root, self.root.line, 0
        for index, part in enumerate(place):
            if isinstance(node, MappingNode) and isinstance(part, str):
                if part not in node.entries:  # a missing key
                    return line, place[: index + 1]
                line = node.lines[part]
                node = node.entries[part]
            elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
                line = node.line
            elif part != 0:  # the file has a short form here, and no such keys
                return line, place[:depth]
            elif isinstance(node, Scalar):
                continue  # one value stands where a list may stand
            depth = index + 1
        return line, place[:depth]


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


def key_text(place: Place) -> str:
    """Return a place as people write it: ``routes[0].path``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    # An unknown key is somebody's text: no line ends and no colours from it.
    return text.removeprefix(".") if text.isprintable() else ascii(text)[1:-1].removeprefix(".")


def place_of(key: str) -> Place:
    """Return the place that ``key_text`` shows; for problems of later stages, which have keys."""
    parts = key.replace("[", ".[").split(".") if key else []
    # ``error_pages.404`` is a key, ``routes[404]`` an entry.
    return tuple(int(part[1:-1]) if part.startswith("[") else part for part in parts)
