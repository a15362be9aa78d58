"""The cases of tests/corpus/http1 (its README says what they mean)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ROOT = Path(__file__).parent / "http1"
# The classes by side and name of their file: ``title``, and ``why`` anybody should care.
CLASSES: Final[dict[str, dict[str, dict[str, str]]]] = yaml.safe_load(
    (_ROOT / "classes.yaml").read_text(encoding="utf-8")
)
_KEYS = {
    "name",
    "send",
    "each",
    "method",
    "messages",
    "refused",
    "waits",
    "gate",
    "laxer",
    "varies",
}


@dataclass(frozen=True)
class Case:
    """Bytes and what becomes of them.

    Attributes:
        id: the class and the name.
        kind: the class: the name of the file.
        group: the name of the entry in the file.
        variant: what ``each`` gave, where the entry is many cases.
        data: the bytes.
        method: of the request, where this is a response to it.
        messages: what is accepted, in order.
        targets: of these messages, as the app gets them, where that is another one.
        refused: the status of the error after them.
        waits: there is the beginning of another message after them.
        gate: the status of the gate, where the parser takes what the gate refuses.
        laxer: why certgate takes this although nginx or HAProxy refuses it.
        varies: the proxy of which each process decides anew.
    """

    id: str
    kind: str
    group: str
    variant: str
    data: bytes
    method: bytes
    messages: tuple[dict[str, Any], ...]
    targets: tuple[bytes | None, ...]
    refused: int | None
    waits: bool
    gate: int | None
    laxer: str
    varies: str


def load(side: str) -> list[Case]:
    """Return all cases of ``requests`` or ``responses``."""
    assert {path.stem for path in (_ROOT / side).iterdir()} == set(CLASSES[side])
    return [
        case
        for path in sorted((_ROOT / side).glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
        for case in _cases(path.stem, entry)
    ]


def _cases(kind: str, entry: dict[str, Any]) -> Iterator[Case]:
    assert entry.keys() <= _KEYS, entry
    for variant, send in _variants(entry["send"], entry.get("each", {})):
        messages = [_in_bytes(message) for message in entry.get("messages", ())]
        targets = tuple(message.pop("forwarded", None) for message in messages)
        yield Case(
            id=": ".join(filter(None, [kind, str(entry["name"]), variant])),
            kind=kind,
            group=str(entry["name"]),
            variant=variant,
            data=_octets(send),
            method=entry.get("method", "GET").encode(),
            messages=tuple(messages),
            targets=targets,
            refused=entry.get("refused"),
            waits=entry.get("waits", False),
            gate=entry.get("gate"),
            laxer=entry.get("laxer", ""),
            varies=entry.get("varies", ""),
        )


def _variants(
    send: str | Sequence[Any], each: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str | Sequence[Any]]]:
    """Put every value of ``each`` in the place of its ``<<key>>``; all with all."""
    for values in product(*(values.items() for values in each.values())):
        made = send
        for key, (_, value) in zip(each, values, strict=True):
            made = _replaced(made, f"<<{key}>>", _octets(value).decode("latin-1"))
        yield ", ".join(label for label, _ in values if label), made


def _replaced(part: Any, mark: str, value: str) -> Any:
    if isinstance(part, str):
        return part.replace(mark, value)
    return [_replaced(inner, mark, value) for inner in part] if isinstance(part, list) else part


def _octets(parts: str | Sequence[Any]) -> bytes:
    if isinstance(parts, str):
        return parts.encode("latin-1")
    return b"".join(
        part.encode("latin-1") if isinstance(part, str) else part[0] * part[1].encode("latin-1")
        for part in parts
    )


def _in_bytes(message: dict[str, Any]) -> dict[str, Any]:
    """Make octets of the text, but where the parser gives text too."""
    made: dict[str, Any] = {}
    for key, value in message.items():
        if key == "fields":
            made[key] = [tuple(text.encode("latin-1") for text in line) for line in value]
        elif isinstance(value, str) and key not in {"framing", "version"}:
            made[key] = value.encode("latin-1")
        else:
            made[key] = value
    return made
