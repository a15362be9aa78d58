"""``certgate ca issue`` and ``renew``."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.authorities import names_in, openssl

if TYPE_CHECKING:
    from tests.authorities.commands import Shell


def test_a_name_becomes_key_certificate_and_bundle(shell: Shell):
    issued = shell.done("issue", "alice", "-o", "out", "--json").json
    assert issued["serial"] == "1"
    assert issued["status"] == "valid"
    assert issued["subject"] == "CN=alice"
    assert issued["files"] == {
        "key": "out/alice.key",
        "certificate": "out/alice.crt",
        "p12": "out/alice.p12",
        "p12_password_file": "out/alice.p12.password",
    }
    password = f"file:{issued['files']['p12_password_file']}"
    told = openssl("pkcs12", "-in", "out/alice.p12", "-passin", password, "-nodes")
    assert told.count("BEGIN CERTIFICATE") == 2
    options = ("-x509_strict", "-purpose", "sslclient", "-CAfile", "ca/ca.crt")
    assert "OK" in openssl("verify", *options, "out/alice.crt")


def test_the_default_folder_is_inside_the_authoritys(shell: Shell):
    shell.done("issue", "alice")
    assert "alice.key" in names_in(shell.folder / "ca" / "issued")


def test_the_password_never_goes_into_a_pipe(shell: Shell):
    outcome = shell.done("issue", "alice", "-o", "out")
    password = (shell.folder / "out" / "alice.p12.password").read_text().strip()
    assert re.fullmatch(r"(\w{4}-){4}\w{4}", password)
    assert password not in outcome.stdout + outcome.stderr
    assert "alice.p12.password" in outcome.stdout


def test_a_password_that_was_given_is_used_and_not_written(shell: Shell):
    file = shell.folder / "word"
    file.write_text("my own word\nsecond line")
    file.chmod(0o600)
    shell.done("issue", "alice", "-o", "out", "--p12-password-file", file)
    assert "alice.p12.password" not in names_in(shell.folder / "out")
    openssl("pkcs12", "-in", "out/alice.p12", "-passin", "pass:my own word", "-noout")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n"])
def test_a_password_that_is_none_is_refused(shell: Shell, content: bytes):
    (shell.folder / "word").write_bytes(content)
    assert "word: " in shell.ca("issue", "alice", "--p12-password-file", "word").reason


def test_an_hour_too_many_is_refused(shell: Shell):
    reason = shell.ca("issue", "alice", "--hours", "99999999999999").reason
    assert "longer than the CA's own" in reason


def test_every_field_can_be_given(shell: Shell):
    names = ("--email", "a@example.com", "--san", "dns:a.example.com", "--san", "ip:10.0.0.1")
    fields = ("--org", "Acme", "--ou", "ops", "--days", "90", "--key-type", "rsa-2048")
    shell.done("issue", "alice", "-o", "out", *names, *fields)
    text = openssl("x509", "-in", "out/alice.crt", "-noout", "-text")
    for expected in (
        "Subject: O = Acme, OU = ops, CN = alice",
        "email:a@example.com",
        "DNS:a.example.com",
        "IP Address:10.0.0.1",
        "Public-Key: (2048 bit)",
    ):
        assert expected in text


def test_an_hour_is_short_enough(shell: Shell):
    issued = shell.done("issue", "robot", "--hours", "1", "--json").json
    assert issued["not_after"] > issued["not_before"]
    assert shell.done("list", "--expiring", "2h", "--json").json[0]["subject"] == "CN=robot"


def test_a_server_gets_no_bundle(shell: Shell):
    shell.done("issue", "gate.example.com", "--profile", "server", "-o", "out")
    assert names_in(shell.folder / "out") == {"gate.example.com.key", "gate.example.com.crt"}
    options = ("-x509_strict", "-purpose", "sslserver", "-verify_hostname", "gate.example.com")
    openssl("verify", *options, "-CAfile", "ca/ca.crt", "out/gate.example.com.crt")


@pytest.mark.parametrize("encoding", ["legacy", "modern"])
def test_the_encoding_can_be_chosen(shell: Shell, encoding: str):
    shell.done("issue", "alice", "-o", "out", "--encoding", encoding)
    told = openssl(
        *("pkcs12", "-in", "out/alice.p12", "-passin", "file:out/alice.p12.password"),
        *("-info", "-noout"),
    )
    assert ("3-KeyTripleDES" in told) == (encoding == "legacy")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([""], "the common name is blank"),
        (["Test CA"], "the CA's own name"),
        (["x" * 65], "the subject cannot be used"),
        (["a\nb"], "cannot be printed"),
        (["alice", "--san", "alice"], "needs a kind: dns:, email:, uri: or ip:"),
        (["alice", "--days", "4000"], "longer than the CA's own"),
        (["alice", "--days", "99999999999"], "longer than the CA's own"),
        (["a b", "--profile", "server"], "not a DNS name"),
        (["gate", "--profile", "server", "--days", "900"], "at most 825 days"),
    ],
)
def test_what_cannot_be_is_one_clear_line(shell: Shell, arguments: list[str], reason: str):
    assert reason in shell.ca("issue", *arguments).reason
    assert shell.done("list", "--json").json == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["alice", "--days", "0"],
        ["alice", "--days", "1", "--hours", "1"],
        ["gate", "--profile", "server", "--p12-password-file", "x"],
        ["alice", "--encoding", "strong"],
    ],
)
def test_wrong_usage_exits_with_two(shell: Shell, arguments: list[str]):
    assert shell.ca("issue", *arguments).code == 2


def test_a_wrong_passphrase_is_one_clear_line(shell: Shell):
    (shell.folder / "wrong").write_text("wrong")
    reason = shell.ca("issue", "alice", "--passphrase-file", "wrong").reason
    assert "ca.key: wrong passphrase" in reason


def test_a_renewed_certificate_replaces_the_file_and_fits_the_key(shell: Shell):
    shell.done("issue", "alice", "-o", "out")
    before = (shell.folder / "out" / "alice.key").read_bytes()
    renewed = shell.done("renew", "alice", "--days", "20", "--json").json
    assert renewed["serial"] == "2"
    assert (shell.folder / "out" / "alice.key").read_bytes() == before
    shown = openssl("x509", "-in", "out/alice.crt", "-noout", "-serial")
    assert "serial=02" in shown
    password = "file:out/alice.p12.password"
    assert "alice" in openssl("pkcs12", "-in", "out/alice.p12", "-passin", password, "-nodes")


def test_a_renewal_without_a_known_key_goes_to_standard_output_or_a_file(shell: Shell):
    shell.done("issue", "alice", "-o", "out")
    for path in (shell.folder / "out").iterdir():
        path.unlink()
    assert shell.done("renew", "1").stdout.startswith("-----BEGIN CERTIFICATE-----")
    assert "BEGIN" in shell.done("renew", "1", "--json").json["certificate"]
    shell.done("renew", "1", "-o", "new.crt")
    shell.done("renew", "1", "-o", "folder")
    assert names_in(shell.folder / "folder") == {"alice.crt"}
    assert "serial=04" in openssl("x509", "-in", "new.crt", "-noout", "-serial")


@pytest.mark.parametrize("content", ["garbage", "another"])
def test_a_key_file_that_changed_does_not_hinder_a_renewal(shell: Shell, content: str):
    """Only the bundle needs the key; what is there now would not fit."""
    shell.done("issue", "alice", "-o", "out")
    shell.done("issue", "bob", "-o", "out")
    key = shell.folder / "out" / "alice.key"
    other = (shell.folder / "out" / "bob.key").read_text()
    key.write_text(other if content == "another" else content)
    assert shell.done("renew", "alice").stdout.startswith("-----BEGIN CERTIFICATE-----")
    assert shell.done("list", "--json", "--search", "alice").json[-1]["serial"] == "3"


def test_no_password_of_an_older_bundle_stays_behind(shell: Shell):
    shell.done("issue", "alice", "-o", "out")
    (shell.folder / "word").write_text("my own word")
    shell.done("renew", "alice", "--p12-password-file", "word")
    assert "alice.p12.password" not in names_in(shell.folder / "out")
    openssl("pkcs12", "-in", "out/alice.p12", "-passin", "pass:my own word", "-noout")


@pytest.mark.parametrize("verb", ["renew alice", "export alice -o out/alice.p12"])
def test_the_password_of_the_older_bundle_can_be_given_again_and_stays(shell: Shell, verb: str):
    """So that the holder need not learn another one."""
    shell.done("issue", "alice", "-o", "out")
    file = shell.folder / "out" / "alice.p12.password"
    before = file.read_bytes()
    shell.done(*verb.split(), "--p12-password-file", file)
    assert file.read_bytes() == before
    openssl("pkcs12", "-in", "out/alice.p12", "-passin", f"file:{file}", "-noout")


def test_a_renewed_server_certificate_takes_its_place_without_a_bundle(shell: Shell):
    shell.done("issue", "gate.example.com", "--profile", "server", "-o", "out")
    shell.done("renew", "gate.example.com")
    assert names_in(shell.folder / "out") == {"gate.example.com.key", "gate.example.com.crt"}
    text = openssl("x509", "-in", "out/gate.example.com.crt", "-noout", "-text")
    assert "Serial Number: 2" in text
    assert "TLS Web Server Authentication" in text


def test_json_is_one_document(shell: Shell):
    """Whatever else is said goes to standard error."""
    for arguments in (["issue", "alice"], ["list"], ["show", "1"], ["crl"], ["revoke", "1"]):
        assert json.loads(shell.done(*arguments, "--json").stdout)
