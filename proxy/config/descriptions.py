"""What the model says of its keys: the texts below them, for the documentation and the schema.

pydantic would read them when the model is imported, from the source and key by key: a third of the
time that loading the model takes, at each start, for what only ``schema`` and the docs show.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from proxy.config.model.section import Section
from proxy.config.wording import section_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel


def descriptions_of(section: type[BaseModel]) -> dict[str, str]:
    """Return the text below each key of a section, by the key's name."""
    found: dict[str, str] = {}
    for layer in reversed(section.__mro__):
        if issubclass(layer, Section):
            found |= _texts(layer)
    return {name: found[name] for name in section.model_fields if name in found}


def described_schema(section: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a section and of all below it, with the texts of their keys."""
    schema = section.model_json_schema()
    _describe(schema, section)
    for inner in set(_sections_below(section)):
        _describe(schema["$defs"][inner.__name__], inner)
    return schema


def _texts(layer: type) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(layer))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 -- it is the source of a class
    texts: dict[str, str] = {}
    name = ""
    for statement in body.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=identifier)):
                name = identifier
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                texts[name], name = inspect.cleandoc(text), ""
            case _:
                name = ""
    return texts


def _describe(schema: dict[str, Any], section: type[BaseModel]) -> None:
    for name, text in descriptions_of(section).items():
        key = schema["properties"][name]
        schema["properties"][name] = dict(sorted((key | {"description": text}).items()))


def _sections_below(section: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in section.model_fields.values():
        inner = section_in(field.annotation)
        if inner is not None:
            yield inner
            yield from _sections_below(inner)
