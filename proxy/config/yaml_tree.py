"""YAML text to a tree that knows the line of everything and guesses no types.

PyYAML's own construction is not used: it lets a repeated key win silently, turns ``no`` into false
and expands aliases without a bound. Its parser is (an iterative one, so that deep nesting cannot
exhaust the stack); this module builds the tree from the parser's events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import yaml

from proxy.config.units import quoted
from proxy.config.unquoted import quoting_advice

MAX_DEPTH: Final = 32
MAX_NODES: Final = 200_000  # some 10,000 routes; also what a few aliases of aliases can reach
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


class YAMLFault(Exception):  # noqa: N818 - one of many findings, collected rather than thrown on
    """Text that is not the YAML that a configuration is made of."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as it stands in the file; None where nothing (or ``null``) stands."""

    line: int
    text: str | None
    size: int = 1


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list. ``size`` counts all nodes below, aliases each time that they are used."""

    line: int
    items: list[Node] = field(default_factory=list)
    size: int = 1


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping; ``lines`` has the line of each key."""

    line: int
    entries: dict[str, Node] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    size: int = 1


Node = Scalar | Sequence | Mapping

_EXPLANATIONS: Final = (
    ("'\\t'", "a tab; YAML takes only spaces in front of a key or value"),
    (
        "mapping values are not allowed here",
        "a second “: ” in one value, or wrong indentation; quote a value that contains “: ”",
    ),
    ("<block end>", "the indentation does not fit the lines above"),
    ("could not find expected ':'", "a key without its “: ”"),
    ("found unexpected end of stream", "a quote is opened and never closed"),
    ("found undefined alias", "an alias (*name) without an anchor (&name) before it"),
    ("found duplicate anchor", "an anchor (&name) is given twice"),
    ("but got '{'", 'inside {…} and […] a value that contains a brace has to be quoted: "${NAME}"'),
    ("'%'", "a value that begins with % has to be quoted"),
    ("'@'", "a value that begins with @ has to be quoted"),
    ("'`'", "a value that begins with ` has to be quoted"),
)


def parse_yaml(text: str) -> tuple[Node, list[YAMLFault]]:
    """Return the tree of a YAML text, with the faults that left a tree to look at.

    Raises:
        YAMLFault: when there is no tree: a syntax error, more than one document, too deep, too big.
    """
    try:
        builder = _Builder(text)
        return builder.build(), builder.faults
    except yaml.MarkedYAMLError as error:
        raise _explained(error, text) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"U+{error.character:04X}"
        raise YAMLFault(line, f"the character {character} cannot stand in YAML") from None


def _explained(error: yaml.MarkedYAMLError, text: str) -> YAMLFault:
    mark = error.problem_mark or error.context_mark
    number = mark.line if mark else 0
    problem = error.problem or "cannot be parsed"
    message = quoting_advice(text, number) or next(
        (told for sign, told in _EXPLANATIONS if sign in problem), problem
    )
    return YAMLFault(number + 1, f"is not valid YAML: {message}")


class _Builder:
    """Consumes the events of one document."""

    def __init__(self, text: str) -> None:
        self.faults: list[YAMLFault] = []
        self._events = yaml.parse(text, Loader=yaml.BaseLoader)
        self._anchors: dict[str, Node] = {}

    def build(self) -> Node:
        event = self._next_of(yaml.StreamStartEvent, yaml.DocumentStartEvent)
        if isinstance(event, yaml.StreamEndEvent):
            return Scalar(1, None)
        root = self._node(event, 0)
        extra = self._next_of(yaml.DocumentEndEvent)
        if isinstance(extra, yaml.DocumentStartEvent):
            raise YAMLFault(_line(extra), "a second document begins here; a file has only one")
        return root

    def _next_of(self, *skipped: type[yaml.Event]) -> yaml.Event:
        return next(event for event in self._events if not isinstance(event, skipped))

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise YAMLFault(_line(event), f"is nested deeper than {MAX_DEPTH} levels")
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            return self._aliased(event)
        if event.tag is not None:
            self._fault(event, "a tag (!…) has no meaning here; remove it")
        node = self._untagged(event, depth)
        if node.size > MAX_NODES:
            raise YAMLFault(node.line, f"has more than {MAX_NODES} values")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _untagged(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            is_null = event.style is None and event.value in _NULLS
            return Scalar(_line(event), None if is_null else event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            items = self._items(depth)
            return Sequence(_line(event), items, 1 + sum(item.size for item in items))
        return self._mapping(event, depth)

    def _aliased(self, event: yaml.Event) -> Node:
        anchor = event.anchor if isinstance(event, yaml.AliasEvent) else ""
        # A value inside its own anchor is not known yet: a tree cannot contain itself.
        if anchor not in self._anchors:
            raise YAMLFault(
                _line(event), f"the alias *{anchor} stands before its anchor (&{anchor})"
            )
        return self._anchors[anchor]

    def _items(self, depth: int) -> list[Node]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, start: yaml.Event, depth: int) -> Mapping:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        size = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, depth)
            value = self._node(next(self._events), depth + 1)
            size += value.size
            if key is not None and key in lines:
                self._fault(event, f"{quoted(key)} is given twice, first in line {lines[key]}")
            elif key is not None:
                entries[key], lines[key] = value, _line(event)
        return Mapping(_line(start), entries, lines, size)

    def _key(self, event: yaml.Event, depth: int) -> str | None:
        node = self._node(event, depth + 1)
        if not isinstance(node, Scalar) or node.text is None:
            self._fault(event, "a key has to be a word")
            return None
        if node.text == "<<":
            self._fault(event, "merging (<<) is not taken; repeat the keys")
            return None
        return node.text

    def _fault(self, event: yaml.Event, message: str) -> None:
        self.faults.append(YAMLFault(_line(event), message))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
