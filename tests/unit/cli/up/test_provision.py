"""What ``up`` makes: everything that is missing, and nothing twice."""

from __future__ import annotations

import dataclasses
import datetime as dt
import getpass
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from proxy.ca.authority import Authority
from proxy.ca.delivery import Target, issue_files
from proxy.ca.names import SubjectFields, host_name
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest
from proxy.ca.store import open_store
from proxy.cli.up import provision as module
from proxy.cli.up.provision import Provisioner, Provisions, Wishes
from proxy.errors import CertgateError
from tests.pki import server, stranger

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "CERTGATE_CA_PASSPHRASE"
NOW = dt.datetime.now(dt.UTC)
YEARS = dt.timedelta(days=366 * 2)


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


def provide(
    wishes: Wishes, notes: list[str] | None = None, now: dt.datetime = NOW, **changes: Any
) -> Provisions:
    tell = (notes if notes is not None else []).append
    return Provisioner(dataclasses.replace(wishes, **changes), tell, now).run()


def notes_of(wishes: Wishes, now: dt.datetime = NOW, **changes: Any) -> list[str]:
    notes: list[str] = []
    provide(wishes, notes, now, **changes)
    return notes


def authority(wishes: Wishes) -> Authority:
    passphrase = (wishes.folder / "ca.passphrase").read_bytes().strip()
    return Authority.open(wishes.folder / "ca", passphrase)


def issue(wishes: Wishes, target: Target, names: tuple[str, ...], rest: dt.timedelta) -> None:
    """Put a certificate of the same CA in the place of what was made."""
    profile = Profile.SERVER if target.stem == "server" else Profile.CLIENT
    with authority(wishes) as ca:
        request = LeafRequest(
            profile,
            SubjectFields("localhost"),
            alternative_names=tuple(host_name(name) for name in names),
            lifetime=rest,
        )
        issue_files(ca, request, target)


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
    notes: list[str] = []
    made = provide(wishes, notes)
    secret = wishes.folder / "ca.passphrase"
    assert made.passphrase_file == secret
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    shown = "\n".join(notes)
    assert secret.read_text().strip() not in shown
    [kept] = [path for path in (wishes.folder / "clients").iterdir() if "pass" in path.name]
    assert kept.read_text().strip() not in shown
    assert str(kept) in shown


def test_a_second_run_makes_nothing(wishes: Wishes):
    provide(wishes)
    before = {path: path.read_bytes() for path in wishes.folder.rglob("*") if path.is_file()}
    assert notes_of(wishes) == []
    after = {path: path.read_bytes() for path in wishes.folder.rglob("*") if path.is_file()}
    assert after == before


def test_a_second_run_needs_no_passphrase(wishes: Wishes):
    provide(wishes)
    (wishes.folder / "ca.passphrase").unlink()
    assert provide(wishes).passphrase_file is None


def test_another_client_is_made_with_the_passphrase_that_was_kept(wishes: Wishes):
    provide(wishes)
    [made, _] = notes_of(wishes, client="bob")
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
    assert provide(wishes, passphrase_file=path).passphrase_file == path
    assert not (wishes.folder / "ca.passphrase").exists()
    assert notes_of(wishes, passphrase_file=path, client="bob")


def test_a_wrong_passphrase_is_one_error(wishes: Wishes, monkeypatch: pytest.MonkeyPatch):
    provide(wishes)
    monkeypatch.setenv(VARIABLE, "another one, long enough")
    with pytest.raises(CertgateError, match="passphrase"):
        provide(wishes, client="bob")


def test_at_a_terminal_secrets_are_shown_once_and_nothing_is_asked(
    wishes: Wishes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "may_print_secrets", lambda **_: True)
    notes: list[str] = []
    assert provide(wishes, notes).passphrase_file is None
    assert len([note for note in notes if "shown this once" in note]) == 2
    assert not [path for path in wishes.folder.rglob("*") if "pass" in path.name]


def test_a_secret_is_shown_although_the_next_step_fails(
    wishes: Wishes, monkeypatch: pytest.MonkeyPatch
):
    """A CA whose passphrase nobody has seen is worth nothing."""
    monkeypatch.setattr(module, "may_print_secrets", lambda **_: True)
    notes: list[str] = []
    with pytest.raises(CertgateError):
        provide(wishes, notes, client=" ")
    assert [note for note in notes if note.startswith("its passphrase, shown this once")]


def test_two_at_once_make_one_of_everything(wishes: Wishes):
    """The one that comes second waits, and finds it all there."""
    notes: list[str] = []
    both = [threading.Thread(target=provide, args=(wishes, notes)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(notes) == len(set(notes)) == 5
    authority(wishes).close()


@pytest.mark.parametrize(
    ("why", "names"),
    [
        (" (the old one ends soon)", ("localhost",)),
        (" (the old one lacks gate.example.com)", ("localhost", "gate.example.com")),
        ("", ("localhost",)),
    ],
)
def test_a_server_certificate_that_is_not_usable_is_replaced(
    wishes: Wishes, why: str, names: tuple[str, ...]
):
    made = provide(wishes)
    if "ends" in why:
        issue(wishes, Target(wishes.folder, "server"), names, dt.timedelta(days=6))
    elif not why:
        made.private_key.unlink()
    old = made.certificate.read_bytes()
    [note] = notes_of(wishes, names=names)
    assert note.startswith(f"made a server certificate{why} for ")
    assert made.certificate.read_bytes() != old


def test_after_years_everything_that_ended_is_made_anew(wishes: Wishes):
    provide(wishes)
    told = notes_of(wishes, now=NOW + YEARS)
    assert [note.partition(")")[0] for note in told[:3]] == [
        "signed the revocation list again (the old one ends soon",
        "made a server certificate (the old one has expired",
        "made a client certificate (the old one has expired",
    ]


def test_a_revocation_list_that_ends_soon_is_signed_again(wishes: Wishes):
    """One that has ended refuses everybody."""
    made = provide(wishes)
    with authority(wishes) as ca:
        ca.revocation.publish(dt.timedelta(days=20))
    old = made.crl.read_bytes()
    [note] = notes_of(wishes)
    assert note.startswith("signed the revocation list again")
    assert made.crl.read_bytes() != old


def test_a_revocation_list_that_is_gone_is_signed_again(wishes: Wishes):
    provide(wishes).crl.unlink()
    [note] = notes_of(wishes)
    assert note.startswith("signed the revocation list again (there was none)")


def test_a_folder_that_was_moved_is_as_good_as_before(wishes: Wishes):
    """The store knows the old place of the keys. None is lost."""
    key = provide(wishes).private_key.read_bytes()
    moved = wishes.folder.rename(wishes.folder.with_name("elsewhere"))
    [note] = notes_of(wishes, folder=moved, names=("gate.example.com",))
    assert note.startswith("made a server certificate (the old one lacks gate.example.com)")
    assert (moved / "server-1.key").read_bytes() == key
    assert (moved / "server.key").read_bytes() != key


@pytest.mark.parametrize("junk", [b"rubbish, and not a little of it", b""])
def test_a_store_that_is_none_is_refused_in_the_words_of_ca(wishes: Wishes, junk: bytes):
    provide(wishes)
    folder = wishes.folder / "ca"
    for name in ("ca.db-wal", "ca.db-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "ca.db").write_bytes(junk)
    with pytest.raises(CertgateError) as of_up:
        provide(wishes)
    with pytest.raises(CertgateError) as of_ca:
        open_store(folder / "ca.db")
    assert (
        str(of_up.value) == str(of_ca.value) == f"{folder}/ca.db: this file is not a certgate store"
    )


def test_a_ca_that_has_ended_is_the_end_of_everything(wishes: Wishes):
    provide(wishes)
    with pytest.raises(CertgateError, match=r"this CA expired on .*certs/ away and everything"):
        provide(wishes, now=NOW + 6 * YEARS)


@pytest.mark.parametrize("gone", ["ca.passphrase", "ca/ca.key"])
def test_what_still_works_is_used_when_the_ca_cannot_be_opened(wishes: Wishes, gone: str):
    """The gate must start, although nobody is there who could renew."""
    made = provide(wishes)
    with authority(wishes) as ca:
        ca.revocation.publish(dt.timedelta(days=20))
    issue(wishes, Target(wishes.folder, "server"), wishes.names, dt.timedelta(days=6))
    old = made.certificate.read_bytes()
    (wishes.folder / gone).unlink()
    assert notes_of(wishes) == []
    assert made.certificate.read_bytes() == old


def test_an_expired_client_that_cannot_be_made_anew_is_told(wishes: Wishes):
    provide(wishes)
    issue(wishes, Target(wishes.folder / "clients", "alice"), (), dt.timedelta(days=1))
    (wishes.folder / "ca.passphrase").unlink()
    [note] = notes_of(wishes, now=NOW + dt.timedelta(days=2))
    assert "alice.crt has expired" in note
    assert "certgate ca issue alice" in note


@pytest.mark.parametrize(
    ("place", "otherwise"),
    [("server", "--certificate and --private-key"), ("clients/alice", "another --client")],
)
def test_what_another_ca_issued_is_left_alone(wishes: Wishes, place: str, otherwise: str):
    """The CA was made anew beside it, or it is the operator's own."""
    provide(wishes)
    issued = stranger().server() if place == "server" else stranger().client("alice")
    files = issued.write(wishes.folder, place)
    with pytest.raises(CertgateError, match=r"did not issue this; move it") as error:
        provide(wishes)
    assert otherwise in str(error.value)
    assert files.certificate.exists()


def test_a_certificate_that_is_unreadable_is_named_with_what_to_do(wishes: Wishes):
    provide(wishes).certificate.write_bytes(b"")
    with pytest.raises(
        CertgateError, match=r"server\.crt: .*; or remove it, and a new one is made"
    ):
        provide(wishes)


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
