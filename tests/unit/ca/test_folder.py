"""Certificates in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.ca.folder import Folder, der_of, load_certificates, pem_of
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.authority import Authority


def test_every_certificate_of_a_pem_file_is_read(authority: Authority, tmp_path: Path):
    own = authority.registry.certificate
    path = tmp_path / "two.pem"
    path.write_bytes(b"a remark\n" + pem_of(own, own))
    assert load_certificates(path) == (own, own)
    path.write_bytes(der_of(own))
    assert load_certificates(path) == (own,)


@pytest.mark.parametrize("content", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_garbage_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "bad.crt"
    path.write_bytes(content)
    with pytest.raises(CertgateError, match=r"bad\.crt: not a certificate"):
        load_certificates(path)


def test_a_folder_that_may_not_be_entered_is_not_called_empty(tmp_path: Path):
    """A loop of links cannot be entered by anybody, root included."""
    (tmp_path / "ca").symlink_to("ca")
    with pytest.raises(CertgateError, match=r"ca\.crt: cannot read: too many levels"):
        Folder(tmp_path / "ca").load_chain()


def test_a_file_in_place_of_the_folder_holds_no_ca(tmp_path: Path):
    (tmp_path / "ca").write_text("")
    with pytest.raises(CertgateError, match="there is no CA here"):
        Folder(tmp_path / "ca").load_chain()
