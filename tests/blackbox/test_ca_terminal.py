"""At a terminal certgate asks for what is missing, and only there it shows a secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.authorities import openssl
from tests.authorities.shells import PASSPHRASE, on_a_terminal

if TYPE_CHECKING:
    from pathlib import Path


def test_a_ca_and_a_client_are_made_by_answering_questions(tmp_path: Path):
    """Name and organisation have defaults; the passphrase is typed twice and never echoed."""
    terminal = on_a_terminal(tmp_path, "init", "--key-type", "p256")
    terminal.expect("Name of the CA [certgate CA ")
    terminal.type("")
    terminal.expect("Organisation")
    terminal.type("Acme")
    terminal.expect("The CA's passphrase:")
    terminal.type(PASSPHRASE)
    terminal.expect("Repeat for confirmation:")
    terminal.type(PASSPHRASE)
    assert terminal.end() == 0
    assert re.search(r"CN=certgate CA [0-9A-F]{6},O=Acme", terminal.text)
    assert PASSPHRASE not in terminal.text

    terminal = on_a_terminal(tmp_path, "issue", "alice", "-o", "out")
    terminal.expect("The CA's passphrase:")
    terminal.type(PASSPHRASE)
    assert terminal.end() == 0
    found = re.search(r"p12_password +((?:\w{4}-){4}\w{4})", terminal.text)
    assert found, terminal.text
    assert not (tmp_path / "out" / "alice.p12.password").exists()
    bundle = tmp_path / "out" / "alice.p12"
    openssl("pkcs12", "-in", bundle, "-passin", f"pass:{found[1]}", "-noout")


def test_what_is_wrong_with_the_name_is_said_before_the_passphrase_is_asked(tmp_path: Path):
    terminal = on_a_terminal(tmp_path, "init", "--cn", " ")
    assert terminal.end() == 1
    assert "common name is blank" in terminal.text
    assert "passphrase" not in terminal.text
