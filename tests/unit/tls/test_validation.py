"""Paths validated after the handshake: OpenSSL's own answers, and only the good ones remembered."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from proxy.errors import CertgateError
from proxy.tls import validation, verification
from proxy.tls.authorities import Authorities
from proxy.tls.connection import TLSConnection
from proxy.tls.openssl import error_queue_is_empty
from proxy.tls.peer import read_peer
from proxy.tls.settings import ClientAuthentication
from proxy.tls.validation import PathValidator
from tests.pki import (
    ADMITTED,
    REFUSED,
    Identity,
    Profile,
    client,
    trust,
    with_bit_string_name,
)
from tests.unit.tls.memory import BOTH_VERSIONS, gate, join

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.identity.peer import PeerIdentity
    from proxy.tls.compiled import CompiledContext

KINDS = [*ADMITTED, *(kind for kind in REFUSED if kind != "none")]


def validator(**changes: object) -> PathValidator:
    """Return a validator that trusts the test root."""
    clients = ClientAuthentication(anchors=(trust().root.certificate,), **changes)  # type: ignore[arg-type]
    return PathValidator(clients, Authorities((*clients.anchors, *clients.intermediates)))


def presented(who: Identity) -> tuple[bytes, ...]:
    """Return what a client sends."""
    return tuple(one.public_bytes(Encoding.DER) for one in who.certificates)


def constrained(address: str, *, unreadable: bool = False) -> Identity:
    """Return alice, of a CA that may name nobody outside of example.com."""
    names = x509.NameConstraints([x509.RFC822Name("example.com"), x509.DNSName("a.example")], None)
    sub = trust().root.intermediate("bound", Profile(more=((names, True),)))
    who = sub.client("alice", alternative_names=(x509.RFC822Name(address),))
    if unreadable:
        assert isinstance(sub.key, EllipticCurvePrivateKey)
        odd = with_bit_string_name(who.leaf, sub.key)
        who = replace(who, certificates=(odd, *who.certificates[1:]))
    return who


def numbers(peer: PeerIdentity) -> list[tuple[int, int]]:
    return [(error.number, error.depth) for error in peer.errors]


@pytest.fixture
def rehearsals(monkeypatch: pytest.MonkeyPatch) -> list[TLSConnection]:
    """Return what will hold every rehearsal."""
    held: list[TLSConnection] = []

    def begin(context: CompiledContext) -> TLSConnection:
        held.append(TLSConnection(context))
        return held[-1]

    monkeypatch.setattr(validation, "TLSConnection", begin)
    return held


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_says_what_openssl_says_in_the_handshake(kind: str, version: ssl.TLSVersion):
    """A context with CRLs has its clients validated there; ``off`` leaves the CRLs aside."""
    strict = gate(crls=[trust().root.crl()], crl_check="off")
    in_handshake = read_peer(join(strict, client(kind), version=version).server)
    afterwards = read_peer(join(gate(), client(kind), version=version).server)
    assert afterwards == in_handshake
    assert afterwards.judged
    assert error_queue_is_empty()


def test_the_settings_count():
    who = client("with_intermediate")
    assert numbers(validator().validate(presented(who))) == []
    assert numbers(validator(verify_depth=0).validate(presented(who))) == [(22, 1), (20, 1)]
    forgetful = presented(client("missing_known_intermediate"))
    assert numbers(validator().validate(forgetful))
    helped = validator(intermediates=(trust().sub.certificate,)).validate(forgetful)
    assert helped.judged
    assert not helped.errors


def test_flags_count():
    """A missing authority key identifier is one of the things that X509_STRICT minds."""
    who = trust().root.issue(Profile(key_identifiers=False))
    assert numbers(validator().validate(presented(who))) == []
    strict = validator(verify_flags=int(ssl.VERIFY_X509_STRICT))
    assert numbers(strict.validate(presented(who)))


def test_a_client_that_comes_again_is_not_worked_out_anew(rehearsals: list[TLSConnection]):
    context = gate()
    first, again = (read_peer(join(context, client("good")).server) for _ in range(2))
    assert again is first
    assert len(rehearsals) == 2  # one is the context's own, when it is made


def test_another_gate_knows_nothing_of_it(rehearsals: list[TLSConnection]):
    """A reload makes another context: whom the old one trusted is worked out anew."""
    who = client("good")
    assert not read_peer(join(gate(), who).server).errors
    other = gate(anchors=[trust().web.certificate])
    assert numbers(read_peer(join(other, who).server)) == [(20, 0), (21, 0)]
    assert len(rehearsals) == 4


@pytest.mark.parametrize("kind", ["self_signed", "expired", "tampered", "weak_sha1"])
def test_whoever_failed_is_worked_out_each_time(kind: str, rehearsals: list[TLSConnection]):
    ours = validator()
    for _ in range(3):
        assert ours.validate(presented(client(kind))).errors
    assert len(rehearsals) == 1 + 3


def test_what_else_a_client_sends_belongs_to_the_question():
    """The same leaf without its intermediate is another path; nobody lends his to another."""
    ours, who = validator(), client("with_intermediate")
    assert not ours.validate(presented(who)).errors
    assert numbers(ours.validate(presented(who)[:1])) == [(20, 0), (21, 0)]
    assert not ours.validate(presented(who)).errors


def test_one_changed_byte_is_another_certificate():
    ours, good = validator(), presented(client("good"))
    assert not ours.validate(good).errors
    changed = bytearray(good[0])
    changed[-1] ^= 1  # the signature
    assert numbers(ours.validate((bytes(changed),))) == [(7, 0)]


@pytest.mark.parametrize("moment", ["not_valid_before_utc", "not_valid_after_utc"])
def test_outside_of_its_validity_it_is_worked_out_again(
    moment: str, rehearsals: list[TLSConnection], monkeypatch: pytest.MonkeyPatch
):
    """OpenSSL has its own clock, and says good again; with the expired it does not."""
    ours, good = validator(), client("good")
    ours.validate(presented(good))
    end = getattr(good.leaf, moment).timestamp() - (moment == "not_valid_before_utc")
    monkeypatch.setattr(validation, "time", SimpleNamespace(time=lambda: end))
    ours.validate(presented(good))
    assert len(rehearsals) == 1 + 2
    monkeypatch.setattr(validation, "time", time)
    ours.validate(presented(good))
    assert len(rehearsals) == 1 + 2


def test_a_path_that_openssl_does_not_follow_to_its_end_is_refused_and_not_remembered():
    """It says "good" of the leaf, and fails over its name constraints without another word."""
    ours, who = validator(), constrained("alice@example.com", unreadable=True)
    for _ in range(2):
        with pytest.raises(ValueError, match="not come to an end: certificate verify failed"):
            ours.validate(presented(who))
    assert not ours._valid
    identity = read_peer(join(gate(), who).server)
    assert not identity.judged
    assert identity.errors


def test_a_path_in_whose_validation_somebody_is_interrupted_is_not_valid(
    monkeypatch: pytest.MonkeyPatch,
):
    """Ctrl-C, when OpenSSL has said "good" already and now tells what is wrong after all."""

    def interrupt(number: int) -> str:
        raise KeyboardInterrupt(number)

    ours, who = validator(), constrained("alice@evil.example")
    monkeypatch.setattr(sys, "unraisablehook", lambda _told: None)
    monkeypatch.setattr(verification, "verify_error_text", interrupt)
    with pytest.raises(ValueError, match="not come to an end"):
        ours.validate(presented(who))
    monkeypatch.undo()
    assert numbers(ours.validate(presented(who))) == [(47, 0)]


def test_one_client_pushes_out_nobody_but_itself(
    rehearsals: list[TLSConnection], monkeypatch: pytest.MonkeyPatch
):
    ours, good, eve = validator(), client("good"), client("good_rsa")
    ours.validate(presented(good))
    for kind in ("self_signed", "expired", "no_eku"):
        assert not ours.validate(presented(eve.sending(client(kind).leaf))).errors
    assert len(ours._valid) == 2
    assert len(rehearsals) == 1 + 4
    ours.validate(presented(good))
    assert len(rehearsals) == 1 + 4
    monkeypatch.setattr(validation, "_MOST_KEPT", 2)
    assert not ours.validate(presented(eve)).errors
    assert len(ours._valid) == 2


@pytest.mark.parametrize(
    "setting", ["MinProtocol = TLSv1.3", "SignatureAlgorithms = ECDSA+SHA256:RSA-PSS+SHA256"]
)
def test_a_system_s_settings_do_not_stop_it(setting: str, tmp_path: Path):
    """An openssl.cnf counts for each context of each process; here is a process of its own."""
    told = tmp_path / "openssl.cnf"
    told.write_text(f"openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\n{setting}\n")
    script = (
        "from tests.unit.tls.test_validation import client, presented, validator\n"
        "print(validator().validate(presented(client('good'))).errors)"
    )
    environment = {**os.environ, "OPENSSL_CONF": str(told), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "()\n", done.stderr


@pytest.mark.parametrize(
    ("suite", "reason"),
    [
        (b"no such suite", "no cipher match"),
        (b"ECDHE-ECDSA-AES128-GCM-SHA256", "OpenSSL has not come to an end: no shared cipher"),
    ],
)
def test_where_openssl_validates_nothing_it_says_so_at_the_start(
    suite: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
):
    """A build without the suite of the rehearsals, or settings that forbid it."""
    monkeypatch.setattr(validation, "_SUITE", suite)
    with pytest.raises(CertgateError, match=f"validates no client certificates: {reason};"):
        validator()


def test_the_memory_has_an_end(rehearsals: list[TLSConnection], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(validation, "_MOST_KEPT", 2)
    ours = validator()
    for kind in ("good", "good_rsa", "no_eku", "no_eku", "good"):
        assert not ours.validate(presented(client(kind))).errors
    assert len(rehearsals) == 1 + 4
    assert len(ours._valid) == 2


def test_long_paths_are_not_kept(rehearsals: list[TLSConnection], monkeypatch: pytest.MonkeyPatch):
    good = presented(client("good"))
    monkeypatch.setattr(validation, "_LONGEST_KEPT", len(good[0]) - 1)
    ours = validator()
    assert not ours.validate(good).errors
    assert not ours.validate(good).errors
    assert len(rehearsals) == 1 + 2


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_more_certificates_than_a_record_holds(version: ssl.TLSVersion):
    junk = [client(kind).leaf for kind in ("good_rsa", "self_signed", "no_eku")] * 12
    who = client("with_intermediate")
    who = who.sending(*who.certificates[1:], *junk)
    assert sum(map(len, presented(who))) > 1 << 14
    identity = read_peer(join(gate(), who, version=version).server)
    assert identity.judged
    assert not identity.errors


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x30\x80"])
def test_what_openssl_has_not_looked_at_is_refused(junk: bytes):
    """It never answers like somebody who has no certificate, whom an open route lets in."""
    with pytest.raises(ValueError, match="OpenSSL has not come to an end"):
        validator().validate((junk,))
    assert error_queue_is_empty()


def test_a_message_that_openssl_waits_for_the_rest_of_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
):
    """It waits after a whole message as well; what counts then is whether it has seen the leaf."""
    ours, whole = validator(), validation._certificate_message
    monkeypatch.setattr(validation, "_certificate_message", lambda sent: whole(sent)[:-1])
    with pytest.raises(ValueError, match="OpenSSL has said nothing"):
        ours.validate(presented(client("good")))


def test_it_answers_about_the_first_certificate_or_not_at_all(monkeypatch: pytest.MonkeyPatch):
    stranger = read_peer(join(gate(), client("good_rsa")).server)
    ours = validator()
    monkeypatch.setattr(validation, "read_recorded", lambda _rehearsal: stranger)
    with pytest.raises(ValueError, match="OpenSSL has said nothing"):
        ours.validate(presented(client("good")))


def test_without_an_anchor_there_is_nothing_to_validate_against():
    with pytest.raises(CertgateError, match="no CA certificate for clients"):
        PathValidator(ClientAuthentication(), Authorities(()))


def test_several_threads_ask_at_once():
    ours, sent = validator(), {kind: presented(client(kind)) for kind in KINDS}
    with ThreadPoolExecutor(8) as threads:
        asked = KINDS * 4
        answers = threads.map(lambda kind: ours.validate(sent[kind]), asked)
        found = dict(zip(asked, answers, strict=True))
    for kind, peer in found.items():
        assert peer.leaf == client(kind).leaf
        assert bool(peer.errors) is (kind not in ADMITTED and kind != "revoked")


def test_a_name_constraint_of_a_ca_binds_its_clients():
    for address, expected in (("alice@example.com", []), ("alice@evil.example", [(47, 0)])):
        who = constrained(address)
        assert numbers(validator().validate(presented(who))) == expected
