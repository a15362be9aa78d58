"""From a file to a configuration, or to all the problems that it has.

The way: bytes → text → YAML tree (lines kept, no types guessed) → variables replaced → the model
validates, with the file's folder as context → each error is traced back to its line.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from proxy.config.advice import advise
from proxy.config.model import Config
from proxy.config.paths import Folder
from proxy.config.source import FileSource, Place, Source
from proxy.config.value_tree import NO_FACTS, Facts, read_values
from proxy.config.wording import message_of
from proxy.config.yaml_tree import Mapping as MappingNode
from proxy.config.yaml_tree import Scalar, YAMLFault, parse_yaml
from proxy.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

MAX_FILE_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration with what only its file can tell.

    Attributes:
        config: the configuration.
        warnings: what can be used, but was hardly meant so.
        source: tells where each key stands.
        variables: the names in its ``${NAME}`` references.
    """

    config: Config
    warnings: list[Problem]
    source: Source
    variables: frozenset[str]


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Return the configuration of a file.

    Args:
        path: the YAML file; relative file names in it count from its folder.
        environ: the variables for ``${NAME}``.

    Raises:
        ConfigError: with every problem that was found.
    """
    return load(path, environ).config


def load(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Return the configuration of a file together with its warnings and lines.

    Raises:
        ConfigError: with every problem that was found.
    """
    return parse(_read(path), str(path), path.absolute().parent, environ)


def parse(text: str, name: str, folder: Path, environ: Mapping[str, str]) -> Loaded:
    """Return the configuration of a YAML text.

    Args:
        text: the YAML.
        name: what to call it in messages, e.g. the file's name.
        folder: from where relative file names count.
        environ: the variables for ``${NAME}``.

    Raises:
        ConfigError: with every problem that was found.
    """
    try:
        root, faults = parse_yaml(text)
    except YAMLFault as fault:
        raise ConfigError([Problem(f"{name}:{fault.line}", "", fault.message)]) from None
    if not isinstance(root, MappingNode):
        what = "is empty" if root == Scalar(1, None) else "has no keys"
        raise ConfigError([Problem(name, "", f"the file {what}; see config.example.yaml")])
    values, facts = read_values(root, environ)
    source = FileSource(name, root)
    found = [Problem(f"{name}:{fault.line}", "", fault.message) for fault in faults]
    found += [source.problem(place, message) for place, message in facts.faults.items()]
    return validate(values, source, folder, found, facts)


def validate(
    values: object,
    source: Source,
    folder: Path,
    found: list[Problem],
    facts: Facts = NO_FACTS,
) -> Loaded:
    """Return the configuration that these values make.

    Args:
        values: mappings, lists and texts, as the schema wants them.
        source: tells where each key stands.
        folder: from where relative file names count.
        found: problems that were found on the way here.
        facts: what reading the values told; a value with a fault is not judged again.

    Raises:
        ConfigError: with the problems found before and the schema's own.
    """
    try:
        config = Config.model_validate(values, context=Folder(folder))
    except ValidationError as error:
        problems = found + _problems_of(error, source, facts)
        raise ConfigError(sorted(problems, key=_line_of)) from None
    if found:
        raise ConfigError(found)
    warnings = [source.problem(place, message) for place, message in advise(config)]
    return Loaded(config, warnings, source, facts.variables)


def _problems_of(error: ValidationError, source: Source, facts: Facts) -> list[Problem]:
    return [
        source.problem(_place_of(details), message_of(details, Config))
        for details in error.errors(include_url=False)
        if not _is_echo(details, facts)
    ]


def _place_of(details: ErrorDetails) -> Place:
    """Return the place of an error; a bad name in a mapping stands where its value stands.

    What the routes lack is said where it is to be written.
    """
    if details["type"] == "no_app":
        return ("upstreams",)
    return tuple(part for part in details["loc"] if part != "[key]")


def _is_echo(details: ErrorDetails, facts: Facts) -> bool:
    """Tell whether an error is only the consequence of one that is reported itself."""
    place = details["loc"]
    match details["type"]:
        case "too_short":  # refused entries do not count
            return bool(details["input"])
        case "extra_forbidden":
            return False
        case _:
            return any(place[: len(faulty)] == faulty for faulty in facts.faults)


def _line_of(problem: Problem) -> int:
    line = problem.where.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except IsADirectoryError:
        raise _unreadable(path, "is a folder; name a file") from None
    except FileNotFoundError:
        raise _unreadable(path, "does not exist") from None
    except PermissionError:
        user = f"the user of this process (uid {os.geteuid()})"
        raise _unreadable(path, f"permission denied; make it readable for {user}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or "not a file name"
        raise _unreadable(path, f"cannot be read: {reason}") from None
    if len(raw) > MAX_FILE_BYTES:
        raise _unreadable(path, f"is larger than {MAX_FILE_BYTES // 1024**2} MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(f"{path}:{line}", "", "is not UTF-8 text")]) from None


def _unreadable(path: Path, message: str) -> ConfigError:
    return ConfigError([Problem(str(path), "", message)])
