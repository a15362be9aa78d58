"""``certgate ca sign``, ``revoke``, ``unrevoke``, ``crl``, ``list``, ``show``, ``export``."""

from __future__ import annotations

import plistlib
from typing import TYPE_CHECKING

import pytest

from tests.authorities import names_in, openssl

if TYPE_CHECKING:
    from pathlib import Path

    from tests.authorities.commands import Shell


def request(folder: Path, subject: str = "/O=Acme/CN=bob", *options: object) -> Path:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    files = ("-keyout", folder / "bob.key", "-out", folder / "bob.csr")
    openssl("req", "-new", *key, *files, "-subj", subject, *options)
    return folder / "bob.csr"


def test_a_request_of_openssl_is_signed_and_shown(shell: Shell):
    request(shell.folder)
    openssl("req", "-in", "bob.csr", "-verify", "-noout")
    signed = shell.done("sign", "bob.csr", "-o", "bob.crt")
    assert "asks for  CN=bob,O=Acme" in signed.stderr
    options = ("-x509_strict", "-purpose", "sslclient", "-CAfile", "ca/ca.crt")
    assert "OK" in openssl("verify", *options, "bob.crt")


def test_without_an_output_the_certificate_goes_to_standard_output(shell: Shell):
    request(shell.folder)
    assert shell.done("sign", "bob.csr").stdout.count("BEGIN CERTIFICATE") == 2
    signed = shell.done("sign", "bob.csr", "--json").json
    assert signed["serial"] == "2"
    assert "BEGIN CERTIFICATE" in signed["certificate"]


def test_a_folder_as_output_gets_a_file_named_like_the_subject(shell: Shell):
    request(shell.folder)
    (shell.folder / "out").mkdir()
    shell.done("sign", "bob.csr", "-o", "out")
    assert names_in(shell.folder / "out") == {"bob.crt"}


def test_a_request_to_be_a_ca_gets_a_clients_certificate(shell: Shell):
    request(shell.folder, "/CN=bob", "-addext", "basicConstraints=critical,CA:TRUE")
    signed = shell.done("sign", "bob.csr", "-o", "bob.crt", "--json")
    assert signed.json["not_granted"] == ["extension basicConstraints (asks to be a CA)"]
    assert "CA:FALSE" in openssl("x509", "-in", "bob.crt", "-noout", "-text")


@pytest.mark.parametrize(
    ("subject", "reason"),
    [("/O=Acme", "the common name is blank"), ("/CN=Test CA", "the CA's own name")],
)
def test_a_subject_that_misleads_is_refused_with_the_reason(
    shell: Shell, subject: str, reason: str
):
    request(shell.folder, subject)
    assert reason in shell.ca("sign", "bob.csr").reason


def test_a_garbage_request_is_one_clear_line(shell: Shell):
    (shell.folder / "bad.csr").write_text("garbage")
    assert "bad.csr: not a certificate signing request" in shell.ca("sign", "bad.csr").reason
    assert "gone.csr: cannot read: no such file" in shell.ca("sign", "gone.csr").reason


def test_revoking_by_serial_name_and_file(shell: Shell):
    for name in ("alice", "bob", "carol"):
        shell.done("issue", name, "-o", "out")
    assert "serial 1 (CN=alice) is revoked" in shell.done("revoke", "1").stdout
    [revoked] = shell.done("revoke", "bob", "--reason", "keyCompromise", "--json").json
    assert revoked["status"] == "revoked"
    shell.done("revoke", "out/carol.crt", "--reason", "KEYCOMPROMISE")
    text = openssl("crl", "-in", "ca/crl.pem", "-noout", "-text", "-CAfile", "ca/ca.crt")
    assert text.count("Serial Number:") == 3
    assert text.count("Key Compromise") == 2
    assert "was revoked already" in shell.ca("revoke", "1").reason
    assert "no certificate with the serial" in shell.ca("revoke", "99").reason


def test_openssl_verify_looks_into_the_list(shell: Shell):
    for name in ("alice", "bob"):
        shell.done("issue", name, "-o", "out")
    shell.done("revoke", "bob", "--reason", "keyCompromise")
    lists = ("-crl_check", "-CRLfile", "ca/crl.pem", "-CAfile", "ca/ca.crt")
    options = ("-x509_strict", "-purpose", "sslclient", *lists)
    assert "OK" in openssl("verify", *options, "out/alice.crt")
    with pytest.raises(AssertionError, match="certificate revoked"):
        openssl("verify", *options, "out/bob.crt")


def test_several_of_one_name_need_all(shell: Shell):
    for _ in range(2):
        shell.done("issue", "alice", "-o", "out")
    assert "serials 1, 2" in shell.ca("revoke", "alice").reason
    assert len(shell.done("revoke", "alice", "--all", "--json").json) == 2
    assert len(shell.done("list", "--revoked", "--json").json) == 2


def test_only_a_hold_is_taken_back(shell: Shell):
    shell.done("issue", "alice")
    shell.done("issue", "bob")
    shell.done("revoke", "alice", "--reason", "certificateHold")
    shell.done("revoke", "bob")
    assert "serial 1 (CN=alice) is valid" in shell.done("unrevoke", "alice").stdout
    assert "revoked for good (unspecified)" in shell.ca("unrevoke", "bob").reason
    assert "is not revoked" in shell.ca("unrevoke", "alice").reason


def test_the_list_is_signed_shown_and_copied(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    shell.done("issue", "alice")
    shell.done("revoke", "alice", "--reason", "superseded")
    signed = shell.done("crl", "--json", "-o", "list.der", "--format", "der").json
    assert signed["number"] == 3
    assert signed["revoked"][0]["serial"] == "1"
    assert signed["revoked"][0]["reason"] == "superseded"
    assert "crlNumber=0x03" in openssl(
        "crl", "-in", "list.der", "-inform", "der", "-noout", "-crlnumber"
    )
    monkeypatch.delenv("CERTGATE_CA_PASSPHRASE")
    shown = shell.done("crl", "--show", "-o", "list.pem")
    assert "signs it again before next_update: certgate ca crl" in shown.stderr
    assert (shell.folder / "list.pem").read_bytes() == (
        shell.folder / "ca" / "crl.pem"
    ).read_bytes()


def test_a_copy_of_the_list_may_go_into_a_folder(shell: Shell):
    (shell.folder / "out").mkdir()
    for form in ("pem", "der"):
        shown = shell.done("crl", "--show", "-o", "out", "--format", form, "--json").json
        assert shown["file"] == f"out/crl.{form}"
    assert names_in(shell.folder / "out") == {"crl.pem", "crl.der"}


def test_a_short_lived_list_warns_in_every_listing(shell: Shell):
    shell.done("crl", "--lifetime", "20d")
    assert "the CRL ends on" in shell.done("list").stderr
    assert "a CRL must live for an hour" in shell.ca("crl", "--lifetime", "0").reason
    assert shell.ca("crl", "--lifetime", "soon").code == 2


def test_the_listing_has_the_shape_of_the_contract(shell: Shell):
    shell.done("issue", "alice")
    [entry] = shell.done("list", "--json").json
    assert set(entry) == {
        *("serial", "subject", "status", "not_before", "not_after", "fingerprint_sha256")
    }
    assert entry["not_after"].endswith("Z")
    assert shell.done("list", "--json", "--search", "nobody").json == []


def test_a_listing_of_many_is_still_one_document(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    """Names may hold what stands between two objects."""
    names = ["alice", 'a"}, {"b', '"}, {"', "Jürgen", "}, {"]
    for name in names:
        shell.done("issue", name)
    for size in (1, 2, 500):
        monkeypatch.setattr("proxy.cli.ca.output._LINES_IN_A_WRITE", size)
        outcome = shell.done("list", "--json")
        assert [entry["serial"] for entry in outcome.json] == ["1", "2", "3", "4", "5"]
        assert len(outcome.stdout.splitlines()) == len(names) + 2


def test_people_get_a_table_and_long_tables_plain_lines(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
):
    assert shell.done("list").stdout == "no certificates\n"
    for name in ("alice", "[bold]bob"):
        shell.done("issue", name)
    table = shell.done("list").stdout
    assert "serial  subject" in table
    assert "CN=[bold]bob" in table
    monkeypatch.setattr("proxy.cli.ca.listing._MOST_ROWS_IN_A_TABLE", 1)
    lines = shell.done("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"]


def test_a_certificate_is_shown_with_its_history(shell: Shell):
    shell.done("issue", "alice", "--email", "a@example.com")
    shell.done("revoke", "alice", "--reason", "superseded")
    shown = shell.done("show", "alice", "--json").json
    assert shown["alternative_names"] == ["email:a@example.com"]
    assert shown["revocation"]["reason"] == "superseded"
    assert [entry["verb"] for entry in shown["history"]] == ["issue", "revoke"]
    assert "revoke by" in shell.done("show", "1").stdout
    shell.done("issue", "alice")
    assert len(shell.done("show", "alice", "--all", "--json").json) == 2
    assert shell.done("show", "alice", "--all").stdout.count("fingerprint_sha256") == 2


def test_each_format_is_exported(shell: Shell):
    shell.done("issue", "alice")
    for form in ("p12", "pem", "der", "mobileconfig"):
        exported = shell.done("export", "alice", "--format", form, "--json").json
        assert exported["file"] == f"alice.{form}"
    secret = "file:alice.p12.password"
    told = openssl("pkcs12", "-in", "alice.p12", "-passin", secret, "-nodes")
    assert told.count("BEGIN CERTIFICATE") == 2
    assert (shell.folder / "alice.pem").read_text().count("BEGIN CERTIFICATE") == 2
    openssl("x509", "-in", "alice.der", "-inform", "der", "-noout")
    profile = plistlib.loads((shell.folder / "alice.mobileconfig").read_bytes())
    assert len(profile["PayloadContent"]) == 2
    for name in ("alice.p12", "alice.p12.password", "alice.mobileconfig"):
        assert (shell.folder / name).stat().st_mode & 0o777 == 0o600
    (shell.folder / "out").mkdir()
    shell.done("export", "alice", "--format", "pem", "-o", "out")
    assert names_in(shell.folder / "out") == {"alice.pem"}


def test_a_signed_request_is_bundled_with_the_clients_own_encrypted_key(shell: Shell):
    """The openssl page, verb for verb: its key has a passphrase of its own."""
    openssl("genrsa", "-aes256", "-passout", "pass:bobs own", "-out", "bob.key", 2048)
    key = ("-key", "bob.key", "-passin", "pass:bobs own", "-subj", "/CN=bob")
    openssl("req", "-new", *key, "-out", "bob.csr")
    shell.done("sign", "bob.csr", "-o", "bob.crt")
    assert "was not made here: say where it is with --key" in shell.ca("export", "bob").reason
    assert "no terminal to ask" in shell.ca("export", "bob", "--key", "bob.key").reason
    (shell.folder / "own").write_text("bobs own\n")
    shell.done("export", "bob", "--key", "bob.key", "--key-passphrase-file", "own")
    openssl("pkcs12", "-in", "bob.p12", "-passin", "file:bob.p12.password", "-noout")


def test_a_bundle_with_the_wrong_key_is_refused(shell: Shell):
    shell.done("issue", "alice")
    shell.done("issue", "bob")
    reason = shell.ca("export", "alice", "--key", "ca/issued/bob.key").reason
    assert reason == "this private key does not belong to this certificate"
    (shell.folder / "ca" / "issued" / "alice.key").unlink()
    assert "any more: say where it is with --key" in shell.ca("export", "alice").reason


def test_the_folder_may_stand_before_the_verb(shell: Shell, capsys: pytest.CaptureFixture[str]):
    from proxy.cli.main import main

    with pytest.raises(SystemExit) as exited:
        main(["ca", "--dir", str(shell.folder / "ca"), "list", "--json"])
    assert exited.value.code == 0
    assert capsys.readouterr().out == "[\n]\n"


@pytest.mark.parametrize(
    "line",
    [
        "export alice --format pem --key x",
        "export alice --format mobileconfig --encoding modern",
        "export alice --format jks",
        "crl --format der",
        "crl --lifetime 999999999999y",
        "revoke alice --reason boredom",
        "list --expiring tomorrow",
        "show",
    ],
)
def test_wrong_usage_exits_with_two(empty_shell: Shell, line: str):
    """An option that would have no effect is said to be wrong, never ignored."""
    assert empty_shell.ca(*line.split()).code == 2


def test_a_dated_list_needs_no_years(shell: Shell):
    """An absurd lifetime ends where the CA ends."""
    signed = shell.done("crl", "--lifetime", "999999y", "--json").json
    assert signed["next_update"] < "2100"
    assert shell.done("list", "--expiring", "99999y", "--json").json == []


def test_no_authority_is_explained_before_a_passphrase_is_asked(empty_shell: Shell):
    for line in (["issue", "x"], ["list"], ["revoke", "x"], ["crl"], ["export", "x"]):
        assert "there is no CA here" in empty_shell.ca(*line).reason
