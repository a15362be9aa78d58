"""A CA's folder: complete or not there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from proxy.ca.authority import Authority
from proxy.ca.creation import authority_validity
from proxy.ca.keys import KeyType, load_private_key
from proxy.ca.names import SubjectFields
from proxy.errors import CertgateError
from tests.authorities import PASSPHRASE, Clock, make_authority, names_in, new_authority

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"ca.key", "ca.crt", "crl.pem", "ca.db"}


def test_a_new_folder_has_four_files_and_the_key_is_locked_away(tmp_path: Path):
    directory = tmp_path / "deep" / "ca"
    make_authority(directory).close()
    assert names_in(directory) == FILES
    assert (directory / "ca.key").stat().st_mode & 0o777 == 0o600
    assert (directory / "ca.db").stat().st_mode & 0o777 == 0o600
    pem = (directory / "ca.key").read_bytes()
    assert b"ENCRYPTED" in pem
    with pytest.raises(CertgateError):
        load_private_key(pem, b"wrong", directory)


def test_nothing_is_overwritten(tmp_path: Path):
    make_authority(tmp_path).close()
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    with pytest.raises(CertgateError, match="exists already: certgate never overwrites a CA"):
        make_authority(tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_part_of_a_ca_is_not_overwritten_either(tmp_path: Path, name: str):
    (tmp_path / name).write_text("mine")
    reason = "never overwrites" if name == "ca.crt" else "not a whole CA: an interrupted init"
    with pytest.raises(CertgateError, match=f"{name} exists already.*{reason}"):
        make_authority(tmp_path)
    assert names_in(tmp_path) == {name}


def test_the_rest_of_a_killed_init_does_not_hinder(tmp_path: Path):
    """Everything is made in a folder inside; a kill leaves that, and no part of a CA."""
    (tmp_path / ".init-0123").mkdir()
    (tmp_path / ".init-0123" / "ca.key").write_text("")
    make_authority(tmp_path).close()
    assert names_in(tmp_path) >= FILES


def test_a_dangling_link_is_not_followed(tmp_path: Path):
    (tmp_path / "ca.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CertgateError, match=r"ca\.key exists already"):
        make_authority(tmp_path)


def test_a_failure_leaves_no_folder(tmp_path: Path):
    """An empty passphrase is met when the key is already made."""
    with pytest.raises(CertgateError, match="passphrase cannot be used"):
        Authority.create(tmp_path / "ca", new_authority(), b"")
    assert names_in(tmp_path) == set()


def test_a_failure_leaves_an_older_folder_as_it_was(tmp_path: Path):
    (tmp_path / "README").write_text("keep")
    with pytest.raises(CertgateError):
        Authority.create(tmp_path, new_authority(), b"")
    assert names_in(tmp_path) == {"README"}


@pytest.mark.parametrize("days", [0, -1, 36501, 10**9])
def test_impossible_lifetimes_are_refused(days: int):
    with pytest.raises(CertgateError, match="must be between 1 and 36500 days"):
        authority_validity(days, Clock()())


def test_a_lifetime_is_as_long_as_asked(tmp_path: Path):
    clock = Clock()
    with make_authority(tmp_path, clock, days=7) as authority:
        assert authority.registry.certificate.not_valid_after_utc == clock() + timedelta(days=7)


def test_a_blank_name_is_refused_before_a_key_is_made(tmp_path: Path):
    with pytest.raises(CertgateError, match="common name is blank"):
        make_authority(tmp_path / "ca", subject=SubjectFields(" "))


def test_rsa_4096_is_the_default():
    from proxy.ca.creation import NewAuthority

    assert NewAuthority(SubjectFields("x")).key_type is KeyType.RSA_4096


def test_a_folder_without_a_ca_is_explained(tmp_path: Path):
    with pytest.raises(CertgateError, match="there is no CA here; make one with: certgate ca init"):
        Authority.open(tmp_path, PASSPHRASE)
