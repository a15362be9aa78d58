"""Broken input of every kind: one clear message, exit code 1, no traceback."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import run, settings, write
from tests.pki import ec_key, key_pem, server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def missing_key(folder: Path, _: dict[str, Any]) -> str:
    (folder / "server.key").unlink()
    return "server.key"


def key_of_another_certificate(folder: Path, _: dict[str, Any]) -> str:
    (folder / "server.key").write_bytes(key_pem(ec_key()))
    return "server.crt"


def key_is_no_key(folder: Path, _: dict[str, Any]) -> str:
    (folder / "server.key").write_bytes(b"not a key\n")
    return "server.key"


def encrypted_key_without_passphrase(folder: Path, _: dict[str, Any]) -> str:
    server().write(folder, "server", passphrase=b"secret")
    return "passphrase"


def wrong_passphrase(folder: Path, values: dict[str, Any]) -> str:
    server().write(folder, "server", passphrase=b"secret")
    (folder / "passphrase").write_text("wrong\n", encoding="utf-8")
    values["tls"]["private_key_passphrase_file"] = "passphrase"
    return "passphrase"


def empty_certificate(folder: Path, _: dict[str, Any]) -> str:
    (folder / "server.crt").write_bytes(b"")
    return "server.crt"


def empty_ca(folder: Path, _: dict[str, Any]) -> str:
    (folder / "ca.crt").write_bytes(b"")
    return "ca.crt"


def garbage_ca(folder: Path, _: dict[str, Any]) -> str:
    (folder / "ca.crt").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n")
    return "ca.crt"


def missing_ca(folder: Path, _: dict[str, Any]) -> str:
    (folder / "ca.crt").unlink()
    return "ca.crt"


def empty_crl(folder: Path, _: dict[str, Any]) -> str:
    (folder / "crl.pem").write_bytes(b"")
    return "crl.pem"


def no_ca(_: Path, values: dict[str, Any]) -> str:
    del values["client_auth"]["ca"]
    return "client_auth.ca"


def no_upstream(_: Path, values: dict[str, Any]) -> str:
    del values["upstream"]
    return "upstream"


def unknown_key(_: Path, values: dict[str, Any]) -> str:
    values["upsteam"] = "http://127.0.0.1:1"
    return "upsteam"


def planned_key(_: Path, values: dict[str, Any]) -> str:
    values["status"] = {"address": "127.0.0.1:9180"}
    return "not in this version"


def wrong_type(_: Path, values: dict[str, Any]) -> str:
    values["client_auth"]["verify_depth"] = "deep"
    return "client_auth.verify_depth"


def bad_listen(_: Path, values: dict[str, Any]) -> str:
    values["listen"] = "127.0.0.1:99999"
    return "listen"


def folder_in_place_of_a_file(folder: Path, values: dict[str, Any]) -> str:
    values["tls"]["certificate"] = str(folder)
    return "tls.certificate"


FAULTS = (
    missing_key,
    key_of_another_certificate,
    key_is_no_key,
    encrypted_key_without_passphrase,
    wrong_passphrase,
    empty_certificate,
    empty_ca,
    garbage_ca,
    missing_ca,
    empty_crl,
    no_ca,
    no_upstream,
    unknown_key,
    planned_key,
    wrong_type,
    bad_listen,
    folder_in_place_of_a_file,
)


# Both commands read the configuration in the same way: three faults show that for ``check``.
@pytest.mark.parametrize(
    ("command", "break_it"),
    [
        *(("serve", fault) for fault in FAULTS),
        *(("check", fault) for fault in (missing_key, key_of_another_certificate, wrong_type)),
    ],
)
def test_a_fault_is_named_and_the_exit_code_is_1(
    tmp_path: Path, command: str, break_it: Callable[[Path, dict[str, Any]], str]
):
    """``serve`` refuses to start on it, ``check`` reports it, both in the same words."""
    values = settings(tmp_path)
    expected = break_it(tmp_path, values)
    done = run(command, "-c", write(tmp_path, values))
    assert done.returncode == 1, done
    said = done.stderr + done.stdout
    assert expected in said
    assert len(said.splitlines()) <= 3, "one clear message, not a wall"


def test_a_yaml_typo_is_shown_with_its_line(tmp_path: Path):
    """The parser's place, in the words of the file."""
    path = write(tmp_path, settings(tmp_path))
    path.write_text(path.read_text() + "limits: {head: 1KiB\n", encoding="utf-8")
    done = run("serve", "-c", path)
    assert done.returncode == 1
    assert "gate.yaml:" in done.stderr


def test_all_faults_are_reported_at_once(tmp_path: Path):
    """Three mistakes, three lines, each with its place and key."""
    values = settings(tmp_path, limits={"head": "lots"}, lisen="127.0.0.1:0")
    values["tls"]["private_key"] = "nowhere.key"
    done = run("check", "-c", write(tmp_path, values))
    assert done.returncode == 1
    for expected in ("limits.head", "lisen", "tls.private_key"):
        line = next(line for line in done.stderr.splitlines() if expected in line)
        assert "gate.yaml:" in line


def test_a_port_in_use_is_named(tmp_path: Path):
    """Somebody else listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "-c", write(tmp_path, settings(tmp_path, listen=f"127.0.0.1:{port}")))
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "in use" in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_an_address_that_is_not_ours_is_named(tmp_path: Path):
    """192.0.2.0/24 is documentation only (RFC 5737)."""
    done = run("serve", "-c", write(tmp_path, settings(tmp_path, listen="192.0.2.1:8443")))
    assert done.returncode == 1
    assert "192.0.2.1:8443" in done.stderr


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path):
    """The most common mistake of all."""
    done = run("serve", "-c", tmp_path / "nowhere.yaml")
    assert done.returncode == 1
    assert "nowhere.yaml" in done.stderr


def test_wrong_usage_has_exit_code_2():
    """Unknown commands and options are not faults of the configuration."""
    assert run("serv").returncode == 2
    assert run("serve", "--nonsense").returncode == 2


def test_a_good_configuration_passes_check(tmp_path: Path):
    """And an upstream that is down is only a warning: a sidecar may start before its app."""
    done = run("check", "-c", write(tmp_path, settings(tmp_path)))
    assert done.returncode == 0, done
