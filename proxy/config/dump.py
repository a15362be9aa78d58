"""A configuration as YAML again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from proxy.config.model import Config


def dump(config: Config) -> str:
    """Return YAML that loads as an equal configuration; what was left to default stays away."""
    return yaml.safe_dump(
        _escaped(config.model_dump(mode="json", exclude_unset=True)), sort_keys=False
    )


def _escaped(value: object) -> object:
    """Keep ``${`` from being taken for a variable when the text is loaded."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    return value
