"""Nobody pays for the store who does not use it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.gate import ROOT, Gate, child_environment, settings, write

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "certificates.md"
PROGRAM = """
import sys
from proxy.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
loaded = {"sqlalchemy", "alembic"} & set(sys.modules)
assert not loaded, loaded
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "-c", "/nonexistent.yaml"],
        ["ca", "--help"],
        ["ca", "issue", "--help"],
        ["ca", "list", "--dir", "/nonexistent"],
    ],
    ids=" ".join,
)
def test_serving_and_helping_load_no_database(arguments: list[str]):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        check=False,
        env=child_environment(),
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr


def test_a_gate_that_serves_has_loaded_no_database(tmp_path: Path):
    """Python tells every module that it imports."""
    told = {"PYTHONPROFILEIMPORTTIME": "1"}
    gate = Gate(["serve", "-c", write(tmp_path, settings(tmp_path))], env=told)
    gate.close()
    imported = {line.rpartition("|")[2].strip() for line in gate.stderr.lines}
    assert "asyncio" in imported
    assert imported.isdisjoint({"sqlalchemy", "alembic"})


def test_a_shell_completes_verbs_and_names(tmp_path: Path):
    from tests.authorities import client, make_authority

    with make_authority(tmp_path / "ca") as authority:
        authority.issue(client("alice"))
        authority.issue(client("bob"))
    for words, expected in (
        (f"certgate ca --dir {tmp_path}/ca rev", {"revoke"}),
        (f"certgate ca --dir {tmp_path}/ca revoke al", {"alice"}),
        (f"certgate ca show --dir {tmp_path}/ca ", {"alice", "bob"}),
        ("certgate ca show --dir /nonexistent al", set()),
    ):
        count = len(words.split(" "))
        env = {
            "_CERTGATE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(count - 1),
        }
        done = subprocess.run(
            [sys.executable, "-m", "proxy"],
            capture_output=True,
            check=False,
            env=child_environment(env),
            text=True,
            timeout=30,
        )
        found = {line.partition(",")[2] for line in done.stdout.splitlines()}
        assert found - {""} == expected, done


SCRIPT = r"""
eval "$(_CERTGATE_COMPLETE=bash_source certgate)"
COMP_WORDS=(certgate ca show --dir ca al) COMP_CWORD=5
"$(complete -p certgate | sed -E 's/.*-F ([^ ]+).*/\1/')" certgate
printf '%s\n' "${COMPREPLY[@]}"
"""


def test_the_documented_line_makes_bash_complete_names(tmp_path: Path):
    """What bash does at the Tab key, with the line that is in the documentation."""
    from tests.authorities import client, make_authority

    assert SCRIPT.splitlines()[1] in PAGE.read_text(encoding="utf-8")
    with make_authority(tmp_path / "ca") as authority:
        for name in ("alice", "alfred", "bob"):
            authority.issue(client(name))
    command = tmp_path / "certgate"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m proxy "$@"\n')
    command.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", SCRIPT],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env=child_environment({"PATH": path}),
        text=True,
        timeout=30,
    )
    assert done.stdout.split() == ["alfred", "alice"]
    assert done.stderr == ""
