"""Write ``docs/configuration.md``: the explanations of the model, and the prose around them.

    PYTHONPATH=. python docs/generate_configuration.py

A test fails when the page is not what this script would write.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_origin

from proxy.config.descriptions import descriptions_of
from proxy.config.later import ITEM, NAME, NOT_IN_THIS_VERSION
from proxy.config.model import Config
from proxy.config.wording import section_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

PAGE = Path(__file__).parent / "configuration.md"
PROSE = Path(__file__).parent / "configuration.in.md"


def render() -> str:
    """Return the whole page."""
    prose = PROSE.read_text(encoding="utf-8")
    later = "\n".join(f"- `{_dotted(place)}`" for place in NOT_IN_THIS_VERSION)
    keys = "\n".join(_section("", Config))
    return prose.replace("@KEYS@", keys).replace("@LATER@", later)


def _section(path: str, section: type[BaseModel]) -> Iterator[str]:
    """Yield the entries of a section's keys, and after them the sections below it."""
    below: list[tuple[str, type[BaseModel]]] = []
    texts = descriptions_of(section)
    for name, field in section.model_fields.items():
        yield f"- **`{name}`**: {' '.join(texts[name].split())}"
        inner = section_in(field.annotation)
        if inner is not None:
            below.append((f"{path}{name}{_kind(field.annotation)}", inner))
    yield ""
    for inner_path, inner in below:
        yield f"### `{inner_path}`\n\n{_paragraphs(inner)}\n"
        yield from _section(f"{inner_path}.", inner)


def _paragraphs(section: type[BaseModel]) -> str:
    lines = (line.strip() for line in (section.__doc__ or "").strip().splitlines())
    return "\n".join(lines)


def _kind(annotation: Any) -> str:
    """Return what stands for the number or the name of an entry."""
    return {tuple: ITEM, dict: f".{NAME}"}.get(get_origin(annotation), "")


def _dotted(place: tuple[str, ...]) -> str:
    return ".".join(place).replace(f".{ITEM}", ITEM)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
