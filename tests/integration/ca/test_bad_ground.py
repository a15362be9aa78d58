"""A folder that may not be written, a store of the future: one clear line, nothing half-done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.authorities import names_in, openssl
from tests.authorities.commands import Shell
from tests.privileges import open_folder, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANGING = ("issue bob", "sign bob.csr", "renew alice", "revoke alice", "crl", "export alice")
READING = ("list", "show alice", "crl --show")


@pytest.fixture
def user_shell(
    empty_shell: Shell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """A shell of somebody who is not root, with a CA, a certificate and a request."""
    with open_folder() as folder:
        monkeypatch.chdir(folder)
        shell = Shell(folder, capsys)
        shell.done("init", "--key-type", "p256")
        shell.done("issue", "alice")
        openssl("req", "-new", "-key", "ca/issued/alice.key", "-subj", "/CN=bob", "-out", "bob.csr")
        (folder / "out").mkdir()
        with owner_of(folder):
            yield shell
        monkeypatch.undo()


def state(shell: Shell) -> tuple[object, bytes, set[str]]:
    """Return what the store says, the CRL, and the names of all files."""
    ca = shell.folder / "ca"
    names = names_in(shell.folder) | names_in(ca) | names_in(ca / "issued")
    return shell.done("list", "--json").json, (ca / "crl.pem").read_bytes(), names


@pytest.mark.parametrize("line", CHANGING)
def test_a_read_only_authority_stays_as_it_is(user_shell: Shell, line: str):
    before = state(user_shell)
    ca = user_shell.folder / "ca"
    ca.chmod(0o555)
    reason = user_shell.ca(*line.split()).reason
    ca.chmod(0o755)
    assert reason == f"{ca}/ca.db: the store is read-only here; nothing was changed"
    assert state(user_shell) == before


@pytest.mark.parametrize(
    "line",
    ["issue bob -o out", "sign bob.csr -o out/x", "renew alice -o out", "crl -o out/x"]
    + [f"export alice --format {form} -o out/x" for form in ("p12", "pem", "der", "mobileconfig")],
)
def test_where_the_result_cannot_go_nothing_is_done(user_shell: Shell, line: str):
    (user_shell.folder / "out").chmod(0o555)
    before = state(user_shell)
    reason = user_shell.ca(*line.split()).reason
    assert reason.startswith("out/")
    assert reason.endswith(": cannot write: permission denied")
    assert names_in(user_shell.folder / "out") == set()
    assert state(user_shell) == before
    verbs = [entry["verb"] for entry in user_shell.done("show", "alice", "--json").json["history"]]
    assert verbs == ["issue"]


def test_no_bundle_is_left_whose_password_nobody_knows(shell: Shell):
    """A folder lies where the password's file would go."""
    shell.done("issue", "alice")
    (shell.folder / "x.p12.password").mkdir()
    reason = shell.ca("export", "alice", "-o", "x.p12").reason
    assert reason == "x.p12.password: cannot write: is a directory"
    assert "x.p12" not in names_in(shell.folder)
    assert not [name for name in names_in(shell.folder) if name.endswith(".tmp")]


def test_a_folder_for_the_authority_that_cannot_be_made_is_named(user_shell: Shell):
    user_shell.folder.chmod(0o555)
    reason = Shell(user_shell.folder / "new", user_shell.capsys).ca("init").reason
    user_shell.folder.chmod(0o755)
    assert reason == f"{user_shell.folder}/new/ca: cannot make the folder: permission denied"


@pytest.mark.parametrize("line", [*CHANGING, *READING])
def test_a_store_of_a_newer_version_is_left_alone(shell: Shell, line: str):
    shell.done("issue", "alice")
    openssl("req", "-new", "-key", "ca/issued/alice.key", "-subj", "/CN=bob", "-out", "bob.csr")
    store = shell.folder / "ca" / "ca.db"
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
        connection.commit()
    before = store.read_bytes(), names_in(shell.folder), names_in(shell.folder / "ca" / "issued")
    reason = shell.ca(*line.split()).reason
    assert reason == (
        f"{store}: the store has schema 0099, which is newer than this certgate knows (0001); "
        "update certgate"
    )
    after = store.read_bytes(), names_in(shell.folder), names_in(shell.folder / "ca" / "issued")
    assert after == before
