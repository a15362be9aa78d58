"""The cases of tests/corpus/http1 (its README says what they mean)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT = Path(__file__).parents[2] / "corpus" / "http1"
_KEYS = {"name", "send", "method", "messages", "refused", "waits"}


@dataclass(frozen=True)
class Case:
    """Bytes and what becomes of them."""

    id: str
    data: bytes
    method: bytes
    messages: tuple[dict[str, Any], ...]
    refused: int | None
    waits: bool


def load(kind: str) -> list[Case]:
    """Return all cases of ``requests`` or ``responses``."""
    return [
        _case(path.stem, entry)
        for path in sorted((_ROOT / kind).glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def _case(stem: str, entry: dict[str, Any]) -> Case:
    assert entry.keys() <= _KEYS, entry
    return Case(
        id=f"{stem}: {entry['name']}",
        data=_octets(entry["send"]),
        method=entry.get("method", "GET").encode(),
        messages=tuple(_in_bytes(message) for message in entry.get("messages", ())),
        refused=entry.get("refused"),
        waits=entry.get("waits", False),
    )


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
