"""What people get wrong with ``certgate up``: one line that says what to do, exit code 1."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.gate import Gate, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``certgate up`` ran once."""
    folder = tmp_path_factory.mktemp("up")
    gate = Gate(["up", "--client", "alice", "--listen", "127.0.0.1:0"], cwd=folder)
    gate.stdout.wait_for("^Stop with")
    gate.close()
    return folder


def refused(folder: Path, *arguments: str) -> str:
    """Run it and return the one line with which it ends."""
    done = run("up", *arguments, "--client", "alice", "--listen", "127.0.0.1:0", cwd=folder)
    assert done.returncode == 1, done
    [line] = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "bad name"], "--host: “bad name” is neither a host name nor an IP address"),
        (["--host", "https://gate.example.com"], "write it without https:// and port"),
        (["--certificate", "x.crt", "--private-key", "x.key"], "x.crt: no such file"),
        (["nonsense"], "UPSTREAM: “nonsense” has no port"),
        (["ftp://127.0.0.1:3000"], "is not a URL of a server"),
        (["http://127.0.0.1:3000/app"], "UPSTREAM: a server is only a host and a port"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_made(
    tmp_path: Path, arguments: list[str], words: str
):
    assert words in refused(tmp_path, *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["ca/ca.crt", "ca/crl.pem", "server.crt", "clients/alice.crt"])
def test_an_empty_file_is_named(made: Path, tmp_path: Path, file: str):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    (tmp_path / "certs" / file).write_bytes(b"")
    assert file in refused(tmp_path)


def test_certificates_of_a_ca_that_was_thrown_away_are_named(made: Path, tmp_path: Path):
    """The printed line would not work: the new CA did not issue them."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "certs/ca")
    line = refused(tmp_path)
    assert "certs/server.crt: the CA in certs/ca/ did not issue this; move it and" in line


def test_a_folder_that_cannot_be_entered_is_named(made: Path, tmp_path: Path):
    """A file is in its place, which stops root as well."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "certs/clients")
    (tmp_path / "certs/clients").touch()
    assert "certs/clients" in refused(tmp_path)
