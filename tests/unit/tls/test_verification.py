"""What the handshake records about each kind of client."""

import gc
import ssl
import weakref
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from OpenSSL import SSL

from proxy.identity.peer import NO_CERTIFICATE, PeerIdentity
from proxy.tls.authorities import Authorities
from proxy.tls.files import pair
from proxy.tls.openssl import error_queue_is_empty
from proxy.tls.peer import read_peer
from proxy.tls.verification import VerificationRecord, record_and_continue, record_and_refuse
from tests.pki import ADMITTED, REFUSED, Profile, client, ec_key, rsa_key, trust
from tests.unit.tls.memory import BOTH_VERSIONS, gate, join

# OpenSSL's numbers for each kind, with depths; CRLs are not the handshake's business here.
ERRORS = {
    "self_signed": {(18, 0)},
    "self_signed_ca": {(18, 0)},
    "unknown_ca": {(20, 0), (21, 0)},
    "unknown_ca_with_its_root": {(19, 1)},
    "same_name_other_key": {(7, 0)},
    "same_name_other_key_with_key_identifiers": {(20, 0), (21, 0)},
    "expired": {(10, 0)},
    "not_yet_valid": {(9, 0)},
    "expired_intermediate": {(10, 1)},
    "wrong_eku": {(26, 0)},
    "code_signing_eku": {(26, 0)},
    "any_eku": {(26, 0)},
    "wrong_key_usage": {(26, 0)},
    "missing_intermediate": {(20, 0), (21, 0)},
    "missing_known_intermediate": {(20, 0), (21, 0)},
    "too_many_intermediates": {(22, 4), (20, 4)},
    "path_length": {(25, 2)},
    "weak_rsa_1024": {(66, 0)},
    "weak_sha1": {(68, 0)},
    "tampered": {(7, 0)},
    "revoked": set(),
    "expired_and_unknown_ca": {(20, 0), (21, 0), (10, 0)},
    "expired_and_wrong_eku": {(26, 0), (10, 0)},
    "same_subject_as_ca": {(18, 0)},
    "unknown_critical_extension": {(34, 0)},
    "issued_by_a_leaf": {(79, 1), (26, 1), (32, 1)},
}


def peer(kind: str, version: ssl.TLSVersion, **changes: object) -> PeerIdentity:
    """Return what the gate learns about a client of this kind."""
    return read_peer(join(gate(**changes), client(kind), version=version).server)


def test_every_kind_of_bad_client_of_the_factory_is_listed():
    assert ERRORS.keys() == REFUSED.keys() - {"none"}


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("kind", ADMITTED)
def test_a_good_client_is_judged_without_errors(kind: str, version: ssl.TLSVersion):
    identity = peer(kind, version)
    assert identity.leaf == client(kind).leaf
    assert identity.chain[-1] == trust().root.certificate
    assert identity.judged
    assert identity.errors == ()


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("kind", ERRORS)
def test_a_bad_client_completes_the_handshake_with_its_errors(kind: str, version: ssl.TLSVersion):
    identity = peer(kind, version)
    assert identity.leaf == client(kind).leaf
    assert {(error.number, error.depth) for error in identity.errors} == ERRORS[kind]
    assert identity.judged


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_a_client_without_a_certificate_is_nobody(version: ssl.TLSVersion):
    assert read_peer(join(gate(), None, version=version).server) == NO_CERTIFICATE


KEYS = {"RSA": rsa_key(2048), "ECDSA": ec_key(), "Ed25519": Ed25519PrivateKey.generate()}


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("key", KEYS)
def test_each_kind_of_key_works_on_both_sides(key: str, version: ssl.TLSVersion):
    server = trust().web.server("localhost", key=KEYS[key])  # type: ignore[arg-type]
    context = gate(default=pair(server.certificates, server.key, "crt", "key"))
    who = trust().root.issue(key=KEYS[key])  # type: ignore[arg-type]
    identity = read_peer(join(context, who, version=version).server)
    assert identity.judged
    assert identity.errors == ()


def test_name_constraints_of_a_ca_bind_its_clients():
    only = x509.NameConstraints([x509.RFC822Name("example.com")], None)
    sub = trust().root.intermediate("bound", Profile(more=((only, True),)))
    for address, numbers in (("alice@example.com", set()), ("alice@evil.example", {47})):
        who = sub.client("alice", alternative_names=(x509.RFC822Name(address),))
        errors = read_peer(join(gate(), who).server).errors
        assert {error.number for error in errors} == numbers


def test_errors_carry_openssl_s_words():
    (error,) = peer("expired", ssl.TLSVersion.TLSv1_3).errors
    assert error.text == "certificate has expired"


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_a_configured_intermediate_helps_the_client_that_forgot_it(version: ssl.TLSVersion):
    identity = peer("missing_known_intermediate", version, intermediates=[trust().sub.certificate])
    assert identity.errors == ()
    assert [one.subject for one in identity.chain[1:]] == [
        trust().sub.certificate.subject,
        trust().root.certificate.subject,
    ]


@pytest.mark.parametrize(("depth", "number_of_errors"), [(0, 2), (1, 0), (3, 0)])
def test_verify_depth_counts_the_intermediates(depth: int, number_of_errors: int):
    identity = peer("with_intermediate", ssl.TLSVersion.TLSv1_3, verify_depth=depth)
    assert len(identity.errors) == number_of_errors


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("kind", ["tampered", "same_name_other_key", "issued_by_a_leaf"])
def test_after_a_bad_signature_an_innocent_read_finds_nothing_wrong(
    kind: str, version: ssl.TLSVersion
):
    ends = join(gate(), client(kind), version=version)
    assert error_queue_is_empty()
    read_peer(ends.server)
    with pytest.raises(SSL.WantReadError):
        ends.server.recv(100)
    ends.client.write(b"hello")
    ends.to_server()
    assert ends.server.recv(100) == b"hello"


@pytest.mark.parametrize("kind", ["good", "expired", "with_intermediate"])
def test_a_connection_goes_without_the_cycle_collector(kind: str):
    context = gate()
    gc.disable()
    try:
        ends = join(context, client(kind))
        read_peer(ends.server)
        connection, record = weakref.ref(ends.server), ends.server.get_app_data()
        assert not any(held is ends.server for held in gc.get_referents(record))
        del ends
        assert connection() is None
    finally:
        gc.enable()


def connection(record: object) -> SSL.Connection:
    """Return what the callback needs of a connection."""
    return SimpleNamespace(get_app_data=lambda: record)  # type: ignore[return-value]


def told(record: object, number: int, depth: int, good: int) -> bool:
    return record_and_continue(connection(record), None, number, depth, good)  # type: ignore[arg-type]


def test_only_a_good_word_about_depth_0_is_a_judgement():
    record = VerificationRecord(Authorities(()))
    assert told(record, 0, 1, 1)
    assert not record.judged
    assert told(record, 10, 0, 0)
    assert not record.judged
    assert told(record, 0, 0, 1)
    assert record.judged
    assert told(record, 0, 2, 1)
    assert record.judged


def test_a_refusal_without_a_number_is_still_an_error():
    record = VerificationRecord(Authorities(()))
    assert told(record, 0, 0, 0)
    assert [error.number for error in record.errors] == [1]
    assert not record.judged


def test_a_callback_that_breaks_lets_the_handshake_go_on_and_refuses_the_client():
    record = VerificationRecord({}, errors=None)  # type: ignore[arg-type]  # append() will fail
    assert told(record, 10, 0, 0)
    assert record.broken


def test_a_callback_without_a_record_does_not_raise():
    assert told(None, 10, 0, 0)
    assert told(None, 0, 0, 1)


def test_the_refusing_callback_says_no_to_errors_and_to_its_own_failure():
    record = VerificationRecord(Authorities(()))
    for number, good, verdict in ((0, 1, True), (10, 0, False)):
        answer = record_and_refuse(connection(record), None, number, 0, good)  # type: ignore[arg-type]
        assert answer is verdict
    assert record_and_refuse(connection(None), None, 0, 0, 1) is False  # type: ignore[arg-type]
