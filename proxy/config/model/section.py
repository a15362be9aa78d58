"""What all sections of the configuration have in common, and the kinds of values they share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticUndefined

from proxy.config.paths import ExistingFile
from proxy.config.units import parse_entries


class Section(BaseModel):
    """A mapping of the configuration: frozen, strict, and without keys that it does not know.

    The text below a key is its documentation (``proxy.config.descriptions``).
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def alone(key: str, written_as: Any = PydanticUndefined) -> BeforeValidator:
    """Let a value that is no mapping stand for ``{key: value}``.

    Args:
        key: of the mapping.
        written_as: the types for the JSON Schema, unless a list's own says it.
    """

    def wrap(value: object) -> object:
        return value if isinstance(value, dict | BaseModel) else {key: value}

    return BeforeValidator(wrap, json_schema_input_type=written_as)


ONE_OR_MANY = BeforeValidator(parse_entries, json_schema_input_type=str | list[str])
Files = Annotated[tuple[ExistingFile, ...], ONE_OR_MANY]
SomeFiles = Annotated[tuple[ExistingFile, ...], Field(min_length=1), ONE_OR_MANY]
