"""Certificates reach a context from files, folders and memory."""

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption as Locked
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from proxy.errors import CertgateError
from proxy.identity.peer import PeerIdentity
from proxy.tls.context import ClientCertContext
from proxy.tls.peer import read_peer
from tests.pki import Files, client, crl_pem, impostor, server, trust
from tests.unit.tls.memory import join, server_certificate

ROOT = trust().root
ROOT_DER = ROOT.certificate.public_bytes(Encoding.DER)


@pytest.fixture
def context() -> ClientCertContext:
    """Return a context that has a server certificate and trusts nobody."""
    context = ClientCertContext()
    context.set_server_certificate(server_certificate())
    return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Return a server certificate and its key on disk."""
    return server().write(tmp_path, "server")


def peer(context: ClientCertContext, kind: str) -> PeerIdentity:
    return read_peer(join(context, client(kind)).server)


def numbers(context: ClientCertContext, kind: str) -> set[int]:
    return {error.number for error in peer(context, kind).errors}


def serves(context: ClientCertContext) -> bool:
    context.add_trust_anchors([ROOT.certificate])
    return join(context).client.getpeercert() is not None


@pytest.mark.parametrize("kind", [str, lambda path: str(path).encode(), Path])
def test_load_cert_chain_takes_each_kind_of_path(files: Files, kind: Callable[[Path], Any]):
    context = ClientCertContext()
    context.load_cert_chain(kind(files.certificate), kind(files.key))
    assert serves(context)


def test_load_cert_chain_finds_the_key_beside_the_certificate(files: Files):
    files.certificate.write_bytes(files.certificate.read_bytes() + files.key.read_bytes())
    context = ClientCertContext()
    context.load_cert_chain(files.certificate)
    assert serves(context)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize(
    "password",
    ["secret", b"secret", bytearray(b"secret"), lambda: "secret", lambda: b"secret"],
)
def test_load_cert_chain_takes_each_kind_of_password(
    tmp_path: Path, form: PrivateFormat, password: Any
):
    identity = server()
    files = identity.write(tmp_path, "server")
    files.key.write_bytes(identity.key.private_bytes(Encoding.PEM, form, Locked(b"secret")))
    context = ClientCertContext()
    context.load_cert_chain(files.certificate, files.key, password)
    assert serves(context)


def test_load_cert_chain_with_a_wrong_password_is_an_error(tmp_path: Path):
    files = server().write(tmp_path, "server", passphrase=b"secret")
    with pytest.raises(CertgateError, match="wrong passphrase"):
        ClientCertContext().load_cert_chain(files.certificate, files.key, "guess")


def test_a_second_default_certificate_is_an_error(files: Files, context: ClientCertContext):
    with pytest.raises(ValueError, match="has a certificate"):
        context.load_cert_chain(files.certificate, files.key)


def test_load_server_name_adds_a_certificate(context: ClientCertContext, tmp_path: Path):
    files = server("other.example").write(tmp_path, "other")
    context.load_server_name("Other.Example", files.certificate, files.key)
    context.add_trust_anchors([ROOT.certificate])
    shown = join(context, name="other.example").client.getpeercert()
    assert shown is not None
    assert shown["subjectAltName"] == (("DNS", "other.example"),)


def sources(tmp_path: Path) -> dict[str, dict[str, object]]:
    """Return each way to name the trust anchor."""
    path, der, folder = tmp_path / "ca.crt", tmp_path / "ca.der", tmp_path / "hashed"
    path.write_bytes(ROOT.pem)
    der.write_bytes(ROOT_DER)
    folder.mkdir()
    (folder / "ca.pem").write_bytes(ROOT.pem)
    (folder / "notes.txt").write_text("no certificate")
    subprocess.run(["openssl", "rehash", folder], check=True, capture_output=True)
    return {
        "cafile": {"cafile": path},
        "cafile as bytes": {"cafile": str(path).encode()},
        "cafile in DER": {"cafile": der},
        "capath": {"capath": folder},
        "cadata as text": {"cadata": ROOT.pem.decode()},
        "cadata as DER": {"cadata": trust().web.certificate.public_bytes(Encoding.DER) + ROOT_DER},
        "cadata as bytearray": {"cadata": bytearray(ROOT_DER)},
        "cadata as memoryview": {"cadata": memoryview(ROOT_DER)},
        "cadata as PEM bytes": {"cadata": ROOT.pem},
    }


@pytest.mark.parametrize(
    "source",
    [
        "cafile",
        "cafile as bytes",
        "cafile in DER",
        "capath",
        "cadata as text",
        "cadata as DER",
        "cadata as bytearray",
        "cadata as memoryview",
        "cadata as PEM bytes",
    ],
)
def test_anchors_come_from_each_kind_of_source(
    context: ClientCertContext, tmp_path: Path, source: str
):
    context.load_verify_locations(**sources(tmp_path)[source])  # type: ignore[arg-type]
    assert numbers(context, "good") == set()
    assert numbers(context, "unknown_ca") == {20, 21}


def test_sources_add_up(context: ClientCertContext):
    for data in (ROOT.pem, trust().web.pem):
        context.load_verify_locations(cadata=data.decode())
    assert context.get_ca_certs(binary_form=True) == [
        ROOT_DER,
        trust().web.certificate.public_bytes(Encoding.DER),
    ]
    assert context.get_ca_certs()[0]["subject"] == ((("commonName", "certgate test root"),),)
    context.add_crls(trust().crls)
    assert context.cert_store_stats() == {"x509": 2, "crl": 6, "x509_ca": 2}


def test_nothing_to_load_is_an_error(context: ClientCertContext, tmp_path: Path):
    with pytest.raises(TypeError):
        context.load_verify_locations()
    with pytest.raises(TypeError):
        context.load_client_intermediates()
    with pytest.raises(CertgateError, match="no hashed CA file"):
        context.load_verify_locations(capath=tmp_path)
    with pytest.raises(CertgateError, match="cannot be listed"):
        context.load_verify_locations(capath=tmp_path / "nowhere")
    with pytest.raises(CertgateError):
        context.load_verify_locations(cadata="")
    assert list(context._clients.anchors) == []


def test_empty_der_is_an_error(context: ClientCertContext):
    with pytest.raises(CertgateError):
        context.load_verify_locations(cadata=b"")


def test_intermediates_help_and_are_not_trusted(context: ClientCertContext, tmp_path: Path):
    path = tmp_path / "sub.crt"
    path.write_bytes(trust().sub.pem)
    context.load_client_intermediates(cafile=path)
    context.load_verify_locations(cadata=trust().web.pem.decode())
    assert numbers(context, "missing_known_intermediate") == {2}


def test_every_crl_of_a_file_counts_and_switches_the_check_on(context: ClientCertContext):
    """The CRL that matters is the last one of the file."""
    context.load_verify_locations(cadata=(ROOT.pem + trust().crl_pem).decode())
    assert context.verify_flags & ssl.VERIFY_CRL_CHECK_LEAF
    assert numbers(context, "revoked") == {23}


@pytest.mark.parametrize("kind", ["good", "with_intermediate"])
def test_clients_that_no_crl_names_pass(context: ClientCertContext, kind: str):
    context.load_verify_locations(cadata=(ROOT.pem + trust().crl_pem).decode())
    assert numbers(context, kind) == set()


def test_crls_may_be_loaded_by_themselves_and_be_told_to_rest(context: ClientCertContext):
    context.load_verify_locations(cadata=ROOT.pem.decode())
    context.load_verify_locations(cadata=trust().crl_pem.decode())
    context.verify_flags = ssl.VERIFY_DEFAULT
    assert numbers(context, "revoked") == set()


def test_a_missing_crl_refuses(context: ClientCertContext):
    context.load_verify_locations(cadata=(ROOT.pem + crl_pem(ROOT.crl())).decode())
    assert numbers(context, "with_intermediate") == {3}


def test_crl_check_of_the_chain_wants_each_issuer_s_crl(context: ClientCertContext):
    context.load_verify_locations(cadata=(ROOT.pem + crl_pem(trust().sub.crl())).decode())
    assert numbers(context, "with_intermediate") == set()
    again = ClientCertContext()
    again.set_server_certificate(server_certificate())
    again.load_verify_locations(cadata=(ROOT.pem + crl_pem(trust().sub.crl())).decode())
    again.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    assert numbers(again, "with_intermediate") == {3}


def test_a_crl_with_the_ca_s_name_and_another_key_admits_nobody(context: ClientCertContext):
    context.load_verify_locations(cadata=(ROOT.pem + crl_pem(impostor().crl())).decode())
    assert numbers(context, "revoked")
    assert numbers(context, "good")


def test_x509_strict_takes_effect(context: ClientCertContext):
    context.add_trust_anchors([ROOT.certificate])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert context.verify_flags & ssl.VERIFY_X509_STRICT
    assert numbers(context, "good") == set()
    assert numbers(context, "same_name_other_key") - {7}, "no key identifiers"


@pytest.mark.parametrize(
    "flag", [ssl.VERIFY_X509_PARTIAL_CHAIN, ssl.VERIFY_ALLOW_PROXY_CERTS, 1 << 4, 1 << 30]
)
def test_flags_that_admit_strangers_are_refused(context: ClientCertContext, flag: int):
    with pytest.raises(ValueError, match="admit strangers"):
        context.verify_flags |= flag


def test_half_of_the_chain_check_is_refused(context: ClientCertContext):
    with pytest.raises(ValueError, match="checks nothing"):
        context.verify_flags = ssl.VerifyFlags(0x8)


def test_verify_depth_takes_effect(context: ClientCertContext):
    context.add_trust_anchors([ROOT.certificate])
    assert context.verify_depth == 3
    context.verify_depth = 4
    assert numbers(context, "too_many_intermediates") == set()


def test_a_negative_depth_is_refused(context: ClientCertContext):
    with pytest.raises(ValueError, match="0 or more"):
        context.verify_depth = -1
