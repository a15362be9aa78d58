"""File names in a configuration: relative ones count from its folder, and files have to be there.

Both need to know the folder, which comes as pydantic's validation context. Without one (a
configuration built in code) names stay as they are and nothing is looked at.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationInfo

from proxy.config.units import quoted, refuse_switch

_URL_SCHEMES: Final = ("http://", "https://")


_LOG_ADVICE: Final = "name a file, - for the standard output, or off"
# What other programs take there, and what would be a file of that name here.
_LOG_WORDS: Final = frozenset({"stdout", "stderr", "none"})


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder from which relative file names count."""

    path: Path


def _parse_path(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value:
        raise ValueError("is empty; write a file name")
    if value.startswith(_URL_SCHEMES):
        raise ValueError(f"{quoted(value)}: taking files by URL is not in this version")
    if "\0" in value:
        raise ValueError(f"{quoted(value)} is not a file name")
    return Path(value)


def _resolve(path: Path, info: ValidationInfo) -> Path:
    return info.context.path / path if isinstance(info.context, Folder) else path


def _require_file(path: Path, info: ValidationInfo) -> Path:
    if isinstance(info.context, Folder):
        fault = _fault_of_file(path)
        if fault:
            raise ValueError(f"{quoted(str(path))} {fault}")
    return path


def _fault_of_file(path: Path) -> str:
    try:
        if path.is_dir():
            return "is a folder; name a file"
        if path.is_file() and path.stat().st_size == 0:
            return "is empty"
        if path.exists():
            # The number, because a container's user has no name: it is what chown needs.
            return (
                ""
                if os.access(path, os.R_OK)
                else f"is not readable for this user (uid {os.geteuid()})"
            )
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    return "is a link to a missing file" if path.is_symlink() else "does not exist"


def _require_folder(path: Path, info: ValidationInfo) -> Path:
    if isinstance(info.context, Folder):
        if path.is_dir():
            raise ValueError(f"{quoted(str(path))} is a folder; name a file")
        if not path.parent.is_dir():
            raise ValueError(f"the folder of {quoted(str(path))} does not exist")
    return path


def _require_readable_folder(path: Path, info: ValidationInfo) -> Path:
    if isinstance(info.context, Folder):
        fault = _fault_of_folder(path)
        if fault:
            raise ValueError(f"{quoted(str(path))} {fault}")
    return path


def _fault_of_folder(path: Path) -> str:
    try:
        if path.is_dir():
            readable = os.access(path, os.X_OK)
            return "" if readable else f"is not open to this user (uid {os.geteuid()})"
        return "is a file; name a folder" if path.exists() else "does not exist"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"


def _require_writable_folder(path: Path, info: ValidationInfo) -> Path:
    if isinstance(info.context, Folder):
        if not path.is_dir():
            raise ValueError(f"{quoted(str(path))} is no folder")
        if not os.access(path, os.W_OK | os.X_OK):
            uid = os.geteuid()
            raise ValueError(f"{quoted(str(path))} is not writable for this user (uid {uid})")
    return path


def _parse_log_target(value: object, info: ValidationInfo) -> object:
    path = _parse_path(value)
    if not isinstance(path, Path):
        raise ValueError("expects a file name, - or off")  # noqa: TRY004 - as pydantic wants it
    if value in {"-", "off"}:
        return value
    word = str(value)
    refuse_switch(word, _LOG_ADVICE)
    if word.lower() in _LOG_WORDS or word.startswith("syslog:"):
        raise ValueError(f"{quoted(word)}: {_LOG_ADVICE}")
    return _require_folder(_resolve(path, info), info)


def _refuse_switch(value: object) -> object:
    if isinstance(value, str):
        refuse_switch(value, "name a file, or remove the key for none")
    return value


_Named = Annotated[
    Path, AfterValidator(_resolve), BeforeValidator(_parse_path, json_schema_input_type=str)
]
ExistingFile = Annotated[_Named, AfterValidator(_require_file)]
ExistingFolder = Annotated[_Named, AfterValidator(_require_readable_folder)]
WritableFile = Annotated[
    _Named,
    AfterValidator(_require_folder),
    BeforeValidator(_refuse_switch, json_schema_input_type=str),
]
WritableFolder = Annotated[_Named, AfterValidator(_require_writable_folder)]
LogTarget = Annotated[
    Literal["-", "off"] | Path, PlainValidator(_parse_log_target, json_schema_input_type=str)
]
