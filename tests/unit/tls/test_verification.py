"""What the handshake records about each kind of client."""

import gc
import ssl
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proxy.identity.peer import NO_CERTIFICATE, PeerIdentity
from proxy.tls import verification
from proxy.tls.failure import TLSError
from proxy.tls.files import pair
from proxy.tls.openssl import LIB, error_queue_is_empty
from proxy.tls.peer import read_peer
from proxy.tls.verification import VerificationRecord, current
from tests.pki import ADMITTED, REFUSED, Profile, client, ec_key, rsa_key, trust
from tests.unit.tls.memory import BOTH_VERSIONS, client_context, gate, join, open_ends

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
    assert ends.server.read(100) is None
    ends.client.write(b"hello")
    ends.to_server()
    assert ends.server.read(100) == b"hello"


@pytest.mark.parametrize("kind", ["good", "expired", "with_intermediate"])
def test_a_connection_goes_without_the_cycle_collector(kind: str):
    context = gate()
    gc.disable()
    try:
        ends = join(context, client(kind))
        read_peer(ends.server)
        connection = weakref.ref(ends.server)
        del ends
        assert connection() is None
    finally:
        gc.enable()


@dataclass
class Word:
    """What OpenSSL says of one certificate; stands for an ``X509_STORE_CTX``."""

    number: int
    depth: int
    good: int


class Broken:
    """A word that cannot be read."""

    good = 1

    @property
    def number(self) -> int:
        raise ValueError("not in the mood")


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> VerificationRecord:
    """Return the record of a handshake that runs, in which OpenSSL says what a test wants."""
    spoken = SimpleNamespace(
        X509_V_OK=0,
        X509_STORE_CTX_get_error=lambda word: word.number,
        X509_STORE_CTX_get_error_depth=lambda word: word.depth,
        X509_STORE_CTX_set_error=lambda word, number: setattr(word, "kept", number),
    )
    monkeypatch.setattr(verification, "LIB", spoken)
    record = VerificationRecord()
    monkeypatch.setattr(current, "record", record)
    return record


def told(word: Word | Broken) -> int:
    return verification._record_and_continue(word.good, word)


def test_only_a_good_word_about_depth_0_is_a_judgement(record: VerificationRecord):
    for word, judged in (
        (Word(0, 1, 1), False),
        (Word(10, 0, 0), False),
        (Word(0, 0, 1), True),
        (Word(0, 2, 1), True),
    ):
        assert told(word) == 1
        assert record.judged is judged


def test_what_is_let_through_is_no_error_to_openssl(record: VerificationRecord):
    word = Word(10, 0, 0)
    assert told(word) == 1
    assert vars(word)["kept"] == 0
    assert [(error.number, error.depth) for error in record.errors] == [(10, 0)]


@pytest.mark.parametrize("word", [Word(0, 0, 0), Word(1, 0, 1)])
def test_a_refusal_without_a_number_is_an_error_and_so_is_a_number(
    record: VerificationRecord, word: Word
):
    assert told(word) == 1
    assert [error.number for error in record.errors] == [1]
    assert not record.judged


def test_a_callback_that_breaks_lets_the_handshake_go_on_and_refuses_the_client(
    record: VerificationRecord,
):
    assert told(Broken()) == 1
    assert record.broken
    assert not record.judged


def test_outside_a_handshake_nobody_is_judged(
    record: VerificationRecord, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(current, "record", None)
    assert told(Word(0, 0, 1)) == 1
    assert verification._record_and_refuse(1, Word(0, 0, 1)) == 0
    assert not record.judged


def test_after_a_handshake_no_record_is_open():
    join(gate(), client("good"))
    assert current.record is None


def test_a_handshake_within_a_callback_of_another_leaves_its_record_open(
    record: VerificationRecord, monkeypatch: pytest.MonkeyPatch
):
    """A finalizer or a signal's handler may run there, in theory; errors must not get lost."""
    monkeypatch.setattr(verification, "LIB", LIB)
    inner = join(gate(crls=[trust().root.crl()]), client("expired")).server.record
    assert current.record is record
    assert [error.number for error in inner.errors] == [10]
    assert not record.errors
    assert not record.judged


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_interleaved_handshakes_keep_their_records_apart(version: ssl.TLSVersion):
    """On one thread, byte by byte, as an event loop may have them."""
    kinds = ["good", "expired", "self_signed", "tampered", "good"]
    context = gate()
    ends = [open_ends(context, client_context(client(kind), version)) for kind in kinds]
    done = [False] * len(ends)
    for _ in range(4):
        flights = []
        for one in ends:
            with suppress(ssl.SSLWantReadError):
                one.client.do_handshake()
            flights.append(one.from_client.read())
        for at in range(max(map(len, flights))):
            for number, one in enumerate(ends):
                one.server.feed(flights[number][at : at + 1])
                done[number] = one.server.handshake()
        for one in ends:
            one.back()
    assert all(done)
    for kind, one in zip(kinds, ends, strict=True):
        identity = read_peer(one.server)
        assert identity.leaf == client(kind).leaf
        assert {(error.number, error.depth) for error in identity.errors} == ERRORS.get(kind, set())


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_a_read_that_does_the_handshake_verifies_nobody(version: ssl.TLSVersion):
    """Nothing here reads so early; who did so would find everybody refused."""
    ends = open_ends(gate(), client_context(client("good"), version))
    for _ in range(3):
        with suppress(ssl.SSLWantReadError):
            ends.client.do_handshake()
        ends.to_server()
        assert ends.server.read(100) is None
        ends.back()
    assert ends.server.handshake() is True
    identity = read_peer(ends.server)
    assert identity.errors
    assert not identity.judged


@pytest.mark.parametrize("changes", [{}, {"crls": [trust().root.crl()]}], ids=["after", "within"])
def test_an_interruption_in_a_callback_ends_the_handshake(
    changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
):
    """Ctrl-C just there cannot get through OpenSSL; the client is refused, at least."""

    def interrupt(_store: object = None) -> int:
        raise KeyboardInterrupt

    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told_of: told.append(told_of.exc_type))
    ends = open_ends(gate(**changes), client_context(client("good")))
    monkeypatch.setattr(verification, "LIB", SimpleNamespace(X509_STORE_CTX_get_error=interrupt))
    monkeypatch.setattr(verification, "clear_error_queue", interrupt)
    with pytest.raises(TLSError, match="certificate verify failed"):
        ends.shake_hands()
    assert told == [KeyboardInterrupt]
    assert current.record is None
    assert not ends.server.record.judged


def test_a_context_that_takes_all_says_so_and_nothing_good():
    ends = join(gate(), client("good"))
    assert ends.server.record.presented
    assert not ends.server.record.judged
    assert LIB.SSL_get_verify_result(ends.server._ssl) != LIB.X509_V_OK


def test_a_client_without_a_certificate_presents_nothing():
    assert not join(gate(), None).server.record.presented


@pytest.mark.parametrize("good", [0, 1])
def test_outside_a_handshake_nothing_is_presented(good: int):
    assert current.record is None
    assert verification._take(good, None) == 1


@pytest.mark.parametrize(("word", "answer"), [(Word(0, 0, 1), 1), (Word(10, 0, 0), 0)])
def test_the_refusing_callback_says_no_to_errors(
    record: VerificationRecord, word: Word, answer: int
):
    assert verification._record_and_refuse(word.good, word) == answer
    assert bool(record.errors) is not bool(answer)


def test_the_refusing_callback_says_no_when_it_breaks(record: VerificationRecord):
    assert verification._record_and_refuse(1, Broken()) == 0
    assert record.broken


def test_handshakes_in_several_threads_keep_their_records_apart():
    """OpenSSL runs without Python's lock: one thread's handshake goes on in another's."""
    kinds = [kind for kind in ERRORS if kind != "revoked"] * 4
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda kind: peer(kind, ssl.TLSVersion.TLSv1_3), kinds)
        for kind, identity in zip(kinds, found, strict=True):
            assert {(error.number, error.depth) for error in identity.errors} == ERRORS[kind]
