"""``certgate schema``: one document that editors understand."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner

from proxy.cli.schema import schema


def described() -> dict[str, Any]:
    result = CliRunner().invoke(schema)
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_the_schema_names_its_dialect_and_the_required_keys():
    found = described()
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["required"] == ["tls", "client_auth"]
    assert found["additionalProperties"] is False


def test_short_forms_are_in_the_schema():
    """An editor must not underline what the loader takes."""
    keys = described()["properties"]
    assert {"type": "string"} in keys["listen"]["anyOf"]
    assert {"type": "integer"} in keys["upstream"]["anyOf"]
    ca = described()["$defs"]["ClientAuth"]["properties"]["ca"]
    assert {"type": "string"} in ca["anyOf"]
    timeout = described()["$defs"]["Timeouts"]["properties"]["head"]
    assert {"type": "string"} in timeout["anyOf"]


def test_every_key_is_explained():
    found = described()
    for section in [found, *found["$defs"].values()]:
        for name, key in section.get("properties", {}).items():
            assert key.get("description") or "$ref" in key, name


def test_the_schema_uses_no_words_that_are_not_json_schema():
    """`ge` and the like would be ignored by every validator."""
    assert '"ge"' not in CliRunner().invoke(schema).stdout
