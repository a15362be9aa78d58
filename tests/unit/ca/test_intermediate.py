"""A root in a safe, and a CA below it that works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from proxy.ca.authority import Authority
from proxy.ca.folder import pem_of
from proxy.ca.intermediate import create_with_root
from proxy.ca.names import SubjectFields
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest
from proxy.errors import CertgateError
from tests.authorities import PASSPHRASE, Clock, client, new_authority, openssl, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def below(tmp_path: Path, clock: Clock) -> Iterator[Authority]:
    with create_with_root(
        tmp_path / "ca", tmp_path / "root", new_authority("Acme"), PASSPHRASE, clock
    ) as authority:
        yield authority


def test_openssl_builds_the_whole_path(below: Authority, tmp_path: Path):
    issued = below.issue(client())
    leaf, middle = tmp_path / "leaf.crt", tmp_path / "middle.crt"
    leaf.write_bytes(pem_of(issued.certificate))
    middle.write_bytes(pem_of(below.registry.certificate))
    root = tmp_path / "root" / "ca.crt"
    options = ("-x509_strict", "-purpose", "sslclient", "-CAfile", root, "-untrusted", middle)
    assert "OK" in openssl("verify", *options, leaf)


def test_both_lists_are_good_for_a_check_of_the_whole_path(below: Authority, tmp_path: Path):
    issued = below.issue(client())
    leaf, lists = tmp_path / "leaf.crt", tmp_path / "lists.pem"
    leaf.write_bytes(pem_of(issued.certificate))
    root_list = (tmp_path / "root" / "crl.pem").read_bytes()
    lists.write_bytes(below.registry.folder.crl.read_bytes() + root_list)
    authorities = below.registry.folder.certificate
    options = ("-x509_strict", "-crl_check_all", "-CRLfile", lists, "-CAfile", authorities)
    assert "OK" in openssl("verify", *options, leaf)


def test_the_chain_goes_along_and_a_server_leaves_out_the_root(below: Authority):
    names = [certificate.subject for certificate in below.issue(client()).chain]
    assert names == [SubjectFields("Acme").to_name(), SubjectFields("Acme Root").to_name()]
    server = below.issue(LeafRequest(Profile.SERVER, SubjectFields("gate.example.com")))
    assert [certificate.subject for certificate in server.chain] == names[:1]


def test_no_ca_may_stand_below_the_intermediate(below: Authority):
    basic = below.registry.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.value.path_length == 0


def test_the_name_of_the_root_is_refused_too(below: Authority):
    with pytest.raises(CertgateError, match="CA's own name"):
        below.issue(LeafRequest(Profile.CLIENT, SubjectFields("Acme Root")))


def test_the_root_knows_and_can_revoke_the_intermediate(
    below: Authority, tmp_path: Path, clock: Clock
):
    serial = below.registry.certificate.serial_number
    with Authority.open(tmp_path / "root", PASSPHRASE, clock) as root:
        with pytest.raises(CertgateError, match="is a CA: make a new one"):
            root.renew(record_of(root, serial))
        root.revocation.revoke([record_of(root, serial)], "cACompromise")
        assert root.registry.crl().get_revoked_certificate_by_serial_number(serial)


def test_a_taken_folder_stops_it_before_a_root_is_made(tmp_path: Path):
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "ca.key").write_text("")
    with pytest.raises(CertgateError, match="exists already"):
        create_with_root(tmp_path / "ca", tmp_path / "root", new_authority(), PASSPHRASE)
    assert not (tmp_path / "root").exists()
