"""What ``up`` makes: everything that is missing, and nothing twice."""

from __future__ import annotations

import dataclasses
import datetime as dt
import getpass
import stat
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest
from cryptography import x509

from proxy.cli.up import provision as module
from proxy.cli.up.provision import Provisioner, Provisions, Wishes, check_pair
from proxy.errors import CertgateError
from tests.pki import START, Profile, server, trust

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "CERTGATE_CA_PASSPHRASE"


@pytest.fixture(autouse=True)
def _no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def wishes(tmp_path: Path) -> Wishes:
    return Wishes(
        folder=tmp_path / "certs",
        names=("localhost", "127.0.0.1"),
        found=("127.0.0.1", "box"),
        client="alice",
        certificate=None,
        private_key=None,
        passphrase_file=None,
    )


def provide(wishes: Wishes, **changes: Any) -> Provisions:
    return Provisioner(dataclasses.replace(wishes, **changes)).run()


def names_of(certificate: Path) -> list[object]:
    leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
    entries = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(entry.value) for entry in entries]


def test_from_nothing(wishes: Wishes):
    made = provide(wishes)
    files = (made.ca, made.crl, made.certificate, made.private_key)
    assert [path.relative_to(wishes.folder).as_posix() for path in files] == [
        "ca/ca.crt",
        "ca/crl.pem",
        "server.crt",
        "server.key",
    ]
    assert all(path.exists() for path in files)
    assert stat.S_IMODE(made.private_key.stat().st_mode) == 0o600
    assert names_of(made.certificate) == ["localhost", "127.0.0.1", "box"]
    assert not made.is_own_server
    assert {path.name for path in (wishes.folder / "clients").iterdir()} >= {
        "alice.crt",
        "alice.key",
        "alice.p12",
    }


def test_secrets_go_to_files_that_only_the_owner_reads_and_are_not_shown(wishes: Wishes):
    """Standard output is no terminal here."""
    made = provide(wishes)
    secret = wishes.folder / "ca.passphrase"
    assert made.passphrase_file == secret
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    shown = "\n".join(made.notes)
    assert secret.read_text().strip() not in shown
    [kept] = [path for path in (wishes.folder / "clients").iterdir() if "pass" in path.name]
    assert kept.read_text().strip() not in shown
    assert str(kept) in shown


def test_a_second_run_makes_nothing(wishes: Wishes):
    provide(wishes)
    before = {path: path.read_bytes() for path in wishes.folder.rglob("*") if path.is_file()}
    assert provide(wishes).notes == ()
    after = {path: path.read_bytes() for path in wishes.folder.rglob("*") if path.is_file()}
    assert after == before


def test_a_second_run_needs_no_passphrase(wishes: Wishes):
    provide(wishes)
    (wishes.folder / "ca.passphrase").unlink()
    assert provide(wishes).passphrase_file is None


def test_another_client_is_made_with_the_passphrase_that_was_kept(wishes: Wishes):
    provide(wishes)
    [made, _] = provide(wishes, client="bob").notes
    assert made.startswith("made a client certificate for bob: ")


@pytest.mark.parametrize("how", ["file", "environment"])
def test_a_passphrase_that_somebody_knows_is_not_written(
    wishes: Wishes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
):
    path = None
    if how == "file":
        path = tmp_path / "secret"
        path.write_text("correct horse battery staple\n")
        path.chmod(0o600)
    else:
        monkeypatch.setenv(VARIABLE, "correct horse battery staple")
    assert provide(wishes, passphrase_file=path).passphrase_file is None
    assert not (wishes.folder / "ca.passphrase").exists()
    assert provide(wishes, passphrase_file=path, client="bob").notes


def test_a_wrong_passphrase_is_one_error(wishes: Wishes, monkeypatch: pytest.MonkeyPatch):
    provide(wishes)
    monkeypatch.setenv(VARIABLE, "another one, long enough")
    with pytest.raises(CertgateError, match="passphrase"):
        provide(wishes, client="bob")


@pytest.mark.parametrize("answer", ["correct horse battery staple", ""])
def test_at_a_terminal_the_passphrase_is_asked_for(
    wishes: Wishes, monkeypatch: pytest.MonkeyPatch, answer: str
):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: answer)
    monkeypatch.setattr(module, "may_print_secrets", lambda **_: True)
    made = provide(wishes)
    assert made.passphrase_file is None
    shown = [note for note in made.notes if "shown this once" in note]
    assert len(shown) == (1 if answer else 2)
    assert answer == "" or answer not in "".join(made.notes)


@pytest.mark.parametrize(
    ("why", "names"),
    [
        ("the old one ends", ("localhost",)),
        ("the old one lacks gate.example.com", ("localhost", "gate.example.com")),
        ("the old one has no names", ("localhost",)),
        ("there was none", ("localhost",)),
    ],
)
def test_a_server_certificate_that_is_not_usable_is_replaced(
    wishes: Wishes, why: str, names: tuple[str, ...]
):
    made = provide(wishes)
    if why == "the old one ends":
        made.certificate.write_bytes(server_ending_in(dt.timedelta(days=6)))
    elif why == "the old one has no names":
        made.certificate.write_bytes(trust().web.issue(Profile()).chain_pem)
    elif why == "there was none":
        made.private_key.unlink()
    old = made.certificate.read_bytes()
    [note] = provide(wishes, names=names).notes
    assert note.startswith(f"made a server certificate ({why}) for ")
    assert made.certificate.read_bytes() != old


def server_ending_in(rest: dt.timedelta) -> bytes:
    return trust().web.server("localhost", not_after=START + rest).chain_pem


def test_an_operators_own_certificate_is_taken_as_it_is(wishes: Wishes, tmp_path: Path):
    files = server().write(tmp_path, "own")
    made = provide(wishes, certificate=files.certificate, private_key=files.key)
    assert (made.certificate, made.private_key) == (files.certificate, files.key)
    assert made.is_own_server
    assert not (wishes.folder / "server.crt").exists()


def test_without_a_name_the_client_is_the_user(wishes: Wishes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "carol")
    provide(wishes, client="")
    assert (wishes.folder / "clients" / "carol.crt").exists()


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_user_without_a_name_is_admin(monkeypatch: pytest.MonkeyPatch, error: type[Exception]):
    def fail() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", fail)
    assert module._user_name() == "admin"


def test_half_of_a_pair_is_refused(tmp_path: Path):
    check_pair(None, None)
    check_pair(tmp_path, tmp_path)
    for pair in ((tmp_path, None), (None, tmp_path)):
        with pytest.raises(CertgateError, match="go together"):
            check_pair(*pair)
