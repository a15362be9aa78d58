"""``certgate ca init``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.authorities import names_in, openssl
from tests.authorities.commands import PASSPHRASE, VARIABLE, Shell

if TYPE_CHECKING:
    from pathlib import Path


def test_it_prints_where_everything_is(empty_shell: Shell):
    made = empty_shell.done("init", "--key-type", "p256", "--org", "Acme", "--json").json
    assert made["subject"].startswith("CN=certgate CA ")
    assert made["subject"].endswith(",O=Acme")
    assert set(made) >= {"key", "certificate", "crl", "store", "fingerprint_sha256", "not_after"}
    assert names_in(empty_shell.folder / "ca") == {"ca.key", "ca.crt", "crl.pem", "ca.db"}


def test_two_unnamed_authorities_have_different_names(empty_shell: Shell):
    """The same name with another key confuses browsers and CRL checks."""
    one = empty_shell.done("init", "--key-type", "p256", "--json").json["subject"]
    (empty_shell.folder / "ca").rename(empty_shell.folder / "first")
    assert empty_shell.done("init", "--key-type", "p256", "--json").json["subject"] != one


def test_it_never_overwrites(shell: Shell):
    assert "never overwrites a CA" in shell.ca("init").reason


def test_the_passphrase_file_counts_to_its_first_line_end(
    empty_shell: Shell, monkeypatch: pytest.MonkeyPatch
):
    """The file wins over the environment; a carriage return belongs to the line end."""
    file = empty_shell.folder / "passphrase"
    file.write_bytes(b"a long enough secret\r\nsecond line\n")
    file.chmod(0o600)
    empty_shell.done("init", "--key-type", "p256", "--passphrase-file", file)
    monkeypatch.setenv(VARIABLE, "a long enough secret")
    assert empty_shell.done("issue", "alice", "--json").stderr == ""


def test_a_short_passphrase_and_an_open_file_warn(empty_shell: Shell):
    file = empty_shell.folder / "passphrase"
    file.write_text("short")
    file.chmod(0o644)
    told = empty_shell.done("init", "--key-type", "p256", "--passphrase-file", file).stderr
    assert "the passphrase is short (5 characters)" in told
    assert "passphrase can be read by others; chmod 600" in told
    assert "short\n" not in told


@pytest.mark.parametrize("content", ["", "\n", "\nsecond"])
def test_an_empty_passphrase_is_refused(empty_shell: Shell, content: str):
    file = empty_shell.folder / "passphrase"
    file.write_text(content)
    assert "first line is empty" in empty_shell.ca("init", "--passphrase-file", file).reason
    assert not (empty_shell.folder / "ca").exists()


def test_without_terminal_and_passphrase_nobody_is_asked(
    empty_shell: Shell, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(VARIABLE)
    reason = empty_shell.ca("init").reason
    assert reason == (
        "no passphrase, and no terminal to ask for it: set CERTGATE_CA_PASSPHRASE "
        "or give --passphrase-file"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--import", "only-one"],
        ["--import", "a", "b", "--intermediate"],
        ["--import", "a", "b", "--cn", "x"],
        ["--next-serial", "5"],
        ["--root-dir", "x"],
        ["--key-type", "dsa"],
        ["--no-such-option"],
    ],
)
def test_wrong_usage_exits_with_two(empty_shell: Shell, arguments: list[str]):
    assert empty_shell.ca("init", *arguments).code == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--cn", ""], "common name is blank"),
        (["--cn", "x", "--country", "Germany"], "is not two letters, like DE"),
        (["--cn", "x", "--days", "0"], "must be between 1 and 36500 days"),
    ],
)
def test_what_cannot_be_is_refused(empty_shell: Shell, arguments: list[str], reason: str):
    assert reason in empty_shell.ca("init", "--key-type", "p256", *arguments).reason
    assert not (empty_shell.folder / "ca").exists()


def test_an_intermediate_leaves_its_root_elsewhere(empty_shell: Shell):
    folder = empty_shell.folder
    root = folder / "safe"
    empty_shell.done(
        "init", "--cn", "A", "--key-type", "p256", "--intermediate", "--root-dir", root
    )
    assert (root / "ca.key").exists()
    assert (folder / "ca" / "ca.crt").read_text().count("BEGIN CERTIFICATE") == 2
    empty_shell.done("issue", "alice", "-o", folder)
    ca = folder / "ca" / "ca.crt"
    assert "OK" in openssl("verify", "-x509_strict", "-CAfile", ca, folder / "alice.crt")


def test_the_root_goes_beside_the_folder_unless_told_otherwise(empty_shell: Shell):
    told = empty_shell.done("init", "--cn", "A", "--key-type", "p256", "--intermediate").stderr
    assert (empty_shell.folder / "ca-root" / "ca.key").exists()
    assert "move the folder to a safe place" in told


def openssl_ca(folder: Path) -> tuple[Path, Path]:
    key, certificate = folder / "old.key", folder / "old.crt"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    secret = ("-passout", f"pass:{PASSPHRASE}", "-keyout", key)
    openssl("req", "-x509", *curve, *secret, "-subj", "/CN=Old", "-out", certificate)
    return certificate, key


def test_an_openssl_authority_is_taken_over(empty_shell: Shell):
    certificate, key = openssl_ca(empty_shell.folder)
    told = empty_shell.done("init", "--import", certificate, key).stderr
    assert "serials begin at 1000001" in told
    assert "no --import-crl" in told
    assert empty_shell.done("issue", "alice", "--json").json["serial"] == "1000001"


def test_the_next_serial_can_be_said_or_drawn(empty_shell: Shell):
    certificate, key = openssl_ca(empty_shell.folder)
    empty_shell.done("init", "--import", certificate, key, "--next-serial", "77")
    assert empty_shell.done("issue", "alice", "--json").json["serial"] == "77"


def test_random_serials_are_for_those_who_want_them(empty_shell: Shell):
    empty_shell.done("init", "--key-type", "p256", "--serial", "random")
    assert int(empty_shell.done("issue", "alice", "--json").json["serial"]) > 2**64


def test_a_plain_key_gets_the_passphrase(empty_shell: Shell):
    """What was chosen badly is told, as for a new CA."""
    certificate, key = openssl_ca(empty_shell.folder)
    plain = empty_shell.folder / "plain.key"
    openssl("pkey", "-in", key, "-passin", f"pass:{PASSPHRASE}", "-out", plain)
    empty_shell.done("init", "--import", certificate, plain)
    assert "ENCRYPTED" in (empty_shell.folder / "ca" / "ca.key").read_text()
    empty_shell.done("issue", "alice")


def test_serials_go_on_after_a_serial_file(empty_shell: Shell):
    certificate, key = openssl_ca(empty_shell.folder)
    certificate.with_suffix(".srl").write_text("0A\n")
    assert "serials begin" not in empty_shell.done("init", "--import", certificate, key).stderr
    assert empty_shell.done("issue", "alice", "--json").json["serial"] == "11"


def test_an_adopted_authority_can_draw_serials(empty_shell: Shell):
    certificate, key = openssl_ca(empty_shell.folder)
    empty_shell.done("init", "--import", certificate, key, "--serial", "random")
    assert int(empty_shell.done("issue", "alice", "--json").json["serial"]) > 2**64


def test_garbage_is_not_taken_over(empty_shell: Shell):
    (empty_shell.folder / "bad").write_text("garbage")
    assert "bad: not a certificate" in empty_shell.ca("init", "--import", "bad", "bad").reason
