"""The texts below the keys of the model."""

from __future__ import annotations

from proxy.config.descriptions import described_schema, descriptions_of
from proxy.config.model import Config
from proxy.config.model.section import Section


class Base(Section):
    """A section."""

    kept: int = 1
    """Kept,
    over two lines."""

    changed: int = 1
    """Of the base."""


class Part(Base):
    """A section on top of another one."""

    changed: int = 2
    """Of the part."""

    silent: int = 3

    def method(self) -> None:
        """Of a method: no key's."""


class Whole(Section):
    """A section with another one in it."""

    parts: tuple[Part, ...] = ()
    """All parts."""

    one: Part = Part()
    """A part with a default of its own."""


def test_the_nearest_text_counts():
    assert descriptions_of(Part) == {"kept": "Kept,\nover two lines.", "changed": "Of the part."}


def test_the_schema_explains_every_key():
    """Also a section with a default of its own, of which pydantic leaves the text out."""
    schema = described_schema(Whole)
    assert schema["properties"]["parts"]["description"] == "All parts."
    assert schema["properties"]["one"]["description"] == "A part with a default of its own."
    assert schema["$defs"]["Part"]["properties"]["changed"]["description"] == "Of the part."
    assert "description" not in schema["$defs"]["Part"]["properties"]["silent"]


def test_the_model_is_loaded_without_them():
    assert all(field.description is None for field in Config.model_fields.values())
