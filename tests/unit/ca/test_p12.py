"""Bundles that every device opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.ca.keys import KeyType, generate_key
from proxy.ca.p12 import Encoding, build_p12, generate_password
from proxy.errors import CertgateError
from tests.authorities import client, openssl

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.authority import Authority

MARKS = {
    Encoding.LEGACY: ("pbeWithSHA1And3-KeyTripleDES-CBC", "MAC: sha1"),
    Encoding.MODERN: ("AES-256-CBC", "MAC: sha256"),
}


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("key_type", [KeyType.P256, KeyType.RSA_2048])
def test_openssl_opens_it_and_finds_key_certificate_and_chain(
    authority: Authority, tmp_path: Path, encoding: Encoding, key_type: KeyType
):
    issued = authority.issue(client(key_type=key_type))
    assert issued.key
    path = tmp_path / "alice.p12"
    path.write_bytes(build_p12(issued.key, issued.certificate, issued.chain, "pässword", encoding))
    told = openssl("pkcs12", "-in", path, "-passin", "pass:pässword", "-nodes", "-info")
    for mark in (*MARKS[encoding], "friendlyName: alice", "BEGIN PRIVATE KEY"):
        assert mark in told
    assert told.count("BEGIN CERTIFICATE") == 2


def test_an_empty_password_is_refused(authority: Authority):
    issued = authority.issue(client())
    assert issued.key
    with pytest.raises(CertgateError, match="password is empty"):
        build_p12(issued.key, issued.certificate, issued.chain, "")


def test_a_foreign_key_is_refused(authority: Authority):
    issued = authority.issue(client())
    with pytest.raises(CertgateError, match="does not belong to this certificate"):
        build_p12(generate_key(KeyType.P256), issued.certificate, issued.chain, "secret")


def test_generated_passwords_can_be_typed_and_differ():
    """No capital letters, and nothing that looks like another letter: no l, 1, o, 0, i."""
    passwords = {generate_password() for _ in range(100)}
    assert len(passwords) == 100
    for password in passwords:
        groups = password.split("-")
        assert [len(group) for group in groups] == [4] * 5
        assert set("".join(groups)) <= set("abcdefghjkmnpqrstuvwxyz23456789")
