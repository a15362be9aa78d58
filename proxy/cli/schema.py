"""``certgate schema``: the configuration's JSON Schema, for editors and other tools."""

from __future__ import annotations

import json

import click

from proxy.config.descriptions import described_schema
from proxy.config.model import Config


@click.command()
def schema() -> None:
    """Print the JSON Schema of the configuration.

    An editor with YAML support completes and explains the keys when the file begins with
    `# yaml-language-server: $schema=certgate.schema.json`.
    """
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    described |= described_schema(Config)
    click.echo(json.dumps(described, indent=2, ensure_ascii=False))
