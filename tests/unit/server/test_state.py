"""What all connections share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proxy.identity.peer import NO_CERTIFICATE, PeerIdentity, VerifyError
from proxy.server import state as module
from tests.pki import client, trust
from tests.unit.server.fakes import settle

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld
    from tests.unit.server.world import World


def peer_of(kind: str) -> PeerIdentity:
    leaf = client(kind).leaf
    return PeerIdentity(leaf, (leaf, trust().root.certificate), (), judged=True)


def test_a_certificate_that_comes_again_is_known(world: World):
    known = world.state.credentials_of(peer_of("good"))
    assert world.state.credentials_of(peer_of("good")) is known


def test_two_certificates_are_never_mixed_up(world: World):
    """Not with the same subject, not with the same leaf under another chain."""
    one, other = world.state.credentials_of(peer_of("good")), peer_of("good_rsa")
    assert world.state.credentials_of(other) is not one
    leaf = client("good").leaf
    cross = PeerIdentity(leaf, (leaf, trust().sub.certificate), (), judged=True)
    assert world.state.credentials_of(cross) is not one
    alone = PeerIdentity(leaf, (leaf,), (), judged=True)
    assert world.state.credentials_of(alone) is not one
    assert world.state.credentials_of(peer_of("good")) is one


def test_an_id_that_is_used_again_cannot_lead_to_another_certificate(world: World):
    """The key is made of the objects' ids: an entry has to keep its objects alive."""
    seen = set()
    for number in range(20):
        leaf = trust().root.client(f"guest {number}").leaf
        chain = (leaf, trust().root.certificate)
        peer = PeerIdentity(leaf, chain, (), judged=True)
        credentials = world.state.credentials_of(peer)
        assert credentials.peer.leaf is leaf
        seen.add(credentials.facts and credentials.facts.subject)
        del leaf, chain, peer, credentials
    assert len(seen) == 20


@pytest.mark.parametrize(
    "peer",
    [
        NO_CERTIFICATE,
        replace(peer_of("good"), judged=False),
        replace(peer_of("good"), errors=(VerifyError(20, 0, "x"),)),
    ],
)
def test_strangers_are_not_kept(world: World, peer: PeerIdentity):
    assert world.state.credentials_of(peer) is not world.state.credentials_of(peer)
    assert world.state._credentials == {}


def test_what_is_kept_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_MAX_CREDENTIALS", 2)
    for kind in ("good", "good_rsa", "no_eku"):
        world.state.credentials_of(peer_of(kind))
    assert len(world.state._credentials) == 1


def test_request_ids_are_32_digits_and_differ(world: World):
    ids = {world.state.next_request_id() for _ in range(100)}
    assert len(ids) == 100
    for one in ids:
        assert len(one) == 32
        int(one, 16)


async def test_more_connections_than_the_limit_are_turned_away(make_world: MakeWorld):
    world = make_world(limits={"connections": 2})
    first, _ = world.client(), world.client()
    with pytest.raises(AssertionError):
        world.client()
    first.send_end()
    await settle()
    assert len(world.state.connections) == 1
    await world.round_trip(world.client())


def test_the_log_is_flushed(world: World):
    world.state.flush_access_log()
    assert world.log.calls == ["flush"]
