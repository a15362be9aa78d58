"""What a certificate is worth now: judged again whenever anything may have changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proxy.identity.codes import RefusalCode
from proxy.identity.facts import CertificateFacts
from proxy.identity.peer import NO_CERTIFICATE, PeerIdentity, VerifyError
from proxy.server import credentials as module
from proxy.server.credentials import Credentials
from tests.pki import client, stranger, trust

if TYPE_CHECKING:
    from proxy.forward.identity_headers import Family
    from proxy.identity.verdict import Verdict
    from proxy.snapshot import Snapshot
    from tests.unit.server.world import World


def peer_of(kind: str = "good", *errors: VerifyError) -> PeerIdentity:
    leaf = client(kind).leaf
    return PeerIdentity(leaf, (leaf, trust().root.certificate), errors, judged=True)


@pytest.fixture
def snapshot(world: World) -> Snapshot:
    return world.state.snapshot


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times at which a verdict was made."""
    times: list[float] = []
    judge = module.judge

    def count(peer: PeerIdentity, now: float, *rest: object) -> Verdict:
        times.append(now)
        return judge(peer, now, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "judge", count)
    return times


def test_a_verdict_is_kept_while_nothing_moves(
    world: World, snapshot: Snapshot, judged: list[float]
):
    credentials = Credentials(peer_of())
    for second in range(10):
        assert credentials.verdict(snapshot, world.wall + second).code is None
    assert credentials.verify == "SUCCESS"
    assert judged == [world.wall]


def test_another_snapshot_is_another_question(
    world: World, snapshot: Snapshot, judged: list[float]
):
    """Also one that is equal in everything: nobody compares what it holds."""
    credentials = Credentials(peer_of())
    credentials.verdict(snapshot, world.wall)
    credentials.verdict(replace(snapshot), world.wall)
    credentials.verdict(snapshot, world.wall)
    assert len(judged) == 3


def test_a_moment_at_which_the_answer_may_change_is_another_question(
    world: World, snapshot: Snapshot, judged: list[float]
):
    credentials = Credentials(peer_of())
    until = credentials.verdict(snapshot, world.wall).valid_until
    assert credentials.verdict(snapshot, until - 1).code is None
    assert len(judged) == 1
    assert credentials.verdict(snapshot, until).code is not None
    assert len(judged) == 2


def test_lists_that_come_into_force_count_at_once(world: World, snapshot: Snapshot):
    credentials = Credentials(peer_of("revoked"))
    assert credentials.verdict(snapshot, world.wall).code == RefusalCode.CERTIFICATE_REVOKED
    assert credentials.verify == "FAILED:certificate revoked"


@pytest.mark.parametrize("what", ["judge", "_judge_chain"])
def test_an_exception_refuses_and_is_not_remembered_as_anything_better(
    world: World, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, what: str
):
    def fail(*_: object) -> Verdict:
        raise RuntimeError("surprise")

    credentials = Credentials(peer_of())
    assert credentials.verdict(snapshot, world.wall).code is None
    if what == "judge":
        monkeypatch.setattr(module, "judge", fail)
    else:
        monkeypatch.setattr("proxy.identity.verdict._judge_chain", fail)
    for _ in range(2):
        verdict = credentials.verdict(replace(snapshot), world.wall)
        assert verdict.code == RefusalCode.CERTIFICATE_INVALID
        assert credentials.verify == "FAILED:certificate was not verified"


def test_a_certificate_that_cannot_be_read_is_refused_although_it_verifies(
    world: World, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
):
    """The app would be told nothing about it."""

    def fail(_: object) -> CertificateFacts:
        raise ValueError("unreadable")

    monkeypatch.setattr(CertificateFacts, "read", fail)
    credentials = Credentials(peer_of())
    assert credentials.facts is None
    assert credentials.verdict(snapshot, world.wall).code == RefusalCode.CERTIFICATE_INVALID
    assert credentials.logged("TLSv1.3", "X", 443).subject == ""
    assert credentials.header_lines(world.wall) == (
        b"X-SSL-Client-Verify: FAILED:certificate was not verified\r\n"
    )


@pytest.mark.parametrize(
    ("peer", "code", "verify"),
    [
        (NO_CERTIFICATE, RefusalCode.CERTIFICATE_MISSING, "NONE"),
        (
            replace(peer_of(), judged=False),
            RefusalCode.CERTIFICATE_INVALID,
            "FAILED:certificate was not verified",
        ),
        (
            replace(peer_of(), chain=()),
            RefusalCode.CERTIFICATE_INVALID,
            "FAILED:certificate was not verified",
        ),
        (
            peer_of("good", VerifyError(26, 0, "unsuitable certificate purpose")),
            RefusalCode.CERTIFICATE_WRONG_PURPOSE,
            "FAILED:unsuitable certificate purpose",
        ),
    ],
)
def test_what_was_not_verified_is_refused(
    world: World, snapshot: Snapshot, peer: PeerIdentity, code: RefusalCode, verify: str
):
    credentials = Credentials(peer)
    assert credentials.verdict(snapshot, world.wall).code == code
    assert credentials.verify == verify


def test_a_chain_to_an_anchor_that_is_gone_is_refused(world: World, snapshot: Snapshot):
    credentials = Credentials(peer_of())
    others = replace(snapshot, anchors=frozenset([stranger().certificate]))
    assert credentials.verdict(others, world.wall).code == RefusalCode.CERTIFICATE_UNKNOWN_ISSUER
    assert credentials.verdict(snapshot, world.wall).code is None


def test_a_chain_that_has_become_too_long_is_refused(world: World, snapshot: Snapshot):
    leaf = client("with_intermediate").leaf
    chain = (leaf, trust().sub.certificate, trust().root.certificate)
    credentials = Credentials(PeerIdentity(leaf, chain, (), judged=True))
    assert credentials.verdict(snapshot, world.wall).code is None
    short = snapshot.client_auth.model_copy(update={"verify_depth": 0})
    verdict = credentials.verdict(replace(snapshot, client_auth=short), world.wall)
    assert verdict.code == RefusalCode.CERTIFICATE_CHAIN_TOO_LONG


def test_the_fields_for_the_app_follow_the_verdict(world: World, snapshot: Snapshot):
    credentials = Credentials(peer_of())
    assert credentials.header_lines(world.wall) == b""
    credentials.verdict(snapshot, world.wall)
    assert b"X-SSL-Client-S-DN: CN=alice\r\n" in credentials.header_lines(world.wall)
    credentials.verdict(replace(snapshot, anchors=frozenset()), world.wall)
    lines = credentials.header_lines(world.wall)
    assert lines.startswith(b"X-SSL-Client-Verify: FAILED:")
    assert lines.count(b"\r\n") == 1


def test_the_fields_for_the_app_are_made_once_and_again_when_they_are_stale(
    world: World, snapshot: Snapshot
):
    families: tuple[Family, ...] = ("x-ssl-client",)
    small = replace(snapshot, identity_headers=families)
    credentials = Credentials(peer_of())
    credentials.verdict(small, world.wall)
    lines = credentials.header_lines(world.wall)
    assert credentials.header_lines(world.wall + 1) is lines
    later = credentials.header_lines(world.wall + 86_400)
    assert later != lines  # one day fewer in V-Remain
    assert b"\nClient-Cert:" not in later


def test_a_parser_lives_as_long_as_its_limit(snapshot: Snapshot):
    credentials = Credentials(peer_of())
    parser = credentials.parser(snapshot)
    assert credentials.parser(replace(snapshot)) is parser
    fewer = replace(snapshot, limits=replace(snapshot.limits, fields=1))
    assert credentials.parser(fewer) is not parser


def test_the_log_is_told_once_for_each_cipher():
    credentials = Credentials(peer_of())
    one = credentials.logged("TLSv1.3", "A", 443)
    assert credentials.logged("TLSv1.3", "A", 443) is one
    other = credentials.logged("TLSv1.2", "B", 443)
    assert (other.tls_protocol, other.tls_cipher, other.subject) == ("TLSv1.2", "B", "CN=alice")
