"""File names: which files are taken, and what is said about the others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy.config.paths import ExistingFile, Folder, WritableFile
from tests.privileges import forbidden_file

if TYPE_CHECKING:
    from pathlib import Path

EXISTING: TypeAdapter[Path] = TypeAdapter(ExistingFile)
WRITABLE: TypeAdapter[Path] = TypeAdapter(WritableFile)


def refusal(folder: Path, name: str) -> str:
    with pytest.raises(ValidationError) as caught:
        EXISTING.validate_python(name, context=Folder(folder))
    return caught.value.errors()[0]["msg"].removeprefix("Value error, ")


def test_a_link_to_nothing_is_called_that(tmp_path: Path):
    (tmp_path / "link").symlink_to("nowhere")
    assert refusal(tmp_path, "link") == f"“{tmp_path}/link” is a link to a missing file"


def test_a_name_that_the_system_refuses_is_reported(tmp_path: Path):
    found = refusal(tmp_path, "x" * 300)
    assert found.endswith("” cannot be looked at: File name too long")


def test_a_nul_is_no_file_name(tmp_path: Path):
    assert refusal(tmp_path, "a\0b") == "“a\\x00b” is not a file name"


def test_an_unreadable_file_is_reported():
    with forbidden_file() as path:
        found = refusal(path.parent, path.name)
        assert found.endswith(f"is not readable for this user (uid {os.geteuid()})")


def test_a_pipe_has_no_size_and_is_taken(tmp_path: Path):
    """Secrets come through pipes and /dev/fd as well."""
    os.mkfifo(tmp_path / "pipe")
    assert EXISTING.validate_python("pipe", context=Folder(tmp_path)) == tmp_path / "pipe"


def test_a_file_to_write_needs_only_its_folder(tmp_path: Path):
    assert WRITABLE.validate_python("new.log", context=Folder(tmp_path)) == tmp_path / "new.log"


def test_without_a_folder_nothing_is_looked_at():
    """A configuration that is built in code keeps its names."""
    assert str(EXISTING.validate_python("no/such/file")) == "no/such/file"
    assert str(WRITABLE.validate_python("no/such/file")) == "no/such/file"
