"""Properties of the balancing algorithms and of the health state machine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxy.routing.balancing import Roster, ip_hash, least_conn, random_two, round_robin
from proxy.routing.hash_ring import HashRing
from proxy.routing.health import Health


@dataclass(eq=False)
class Server:
    weight: int
    in_use: int = 0
    credit: int = 0


SERVERS = st.lists(
    st.builds(Server, st.integers(1, 50), st.integers(0, 50)), min_size=1, max_size=8
)
DRAWS = st.tuples(
    st.floats(0, 1, exclude_max=True, allow_nan=False),
    st.floats(0, 1, exclude_max=True, allow_nan=False),
)


@given(SERVERS)
def test_one_round_gives_each_server_exactly_its_weight(servers: list[Server]):
    total = sum(server.weight for server in servers)
    counts = Counter(id(round_robin(servers)) for _ in range(total))
    assert counts == {id(server): server.weight for server in servers}
    assert all(server.credit == 0 for server in servers)


@given(SERVERS, st.lists(st.sets(st.integers(0, 7), min_size=1), max_size=60))
def test_credit_is_bounded_whoever_is_away_when(servers: list[Server], rounds: list[set[int]]):
    """Nobody saves up a burst."""
    total = sum(server.weight for server in servers)
    for present in rounds:
        fit = [server for number, server in enumerate(servers) if number in present]
        if fit:
            assert round_robin(fit) in fit
        assert sum(server.credit for server in servers) == 0
        assert all(abs(server.credit) <= len(servers) * total for server in servers)


@given(SERVERS)
def test_nobody_is_less_loaded_than_the_one_with_the_least(servers: list[Server]):
    chosen = least_conn(Roster(servers))
    assert all(one.in_use * chosen.weight >= chosen.in_use * one.weight for one in servers)


@given(SERVERS, DRAWS)
def test_the_busiest_of_all_is_never_drawn_unless_equal(
    servers: list[Server], draws: tuple[float, float]
):
    chosen = random_two(Roster(servers), draws)
    others = [server for server in servers if server is not chosen]
    assert not others or any(
        one.in_use * chosen.weight >= chosen.in_use * one.weight for one in others
    )


@given(SERVERS, st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16), st.data())
def test_a_hash_finds_a_fit_server_or_none(
    servers: list[Server], address: bytes, data: st.DataObject
):
    fit = data.draw(st.lists(st.sampled_from(servers), unique_by=id))
    home = ip_hash(address, Roster(servers), servers)
    chosen = ip_hash(address, Roster(servers), fit)
    assert chosen is None or chosen in fit
    if home in fit:
        assert chosen is home


@given(SERVERS)
def test_a_roster_takes_turns_as_nginx_does_round_after_round(servers: list[Server]):
    """What it remembers is what would be computed."""
    total = sum(server.weight for server in servers)
    roster = Roster(servers)
    remembered = [roster.in_turn() for _ in range(2 * total)]
    computed = [round_robin(servers) for _ in range(2 * total)]
    assert list(map(id, remembered)) == list(map(id, computed))


@given(SERVERS, st.data())
def test_what_one_server_takes_up_is_left_out(servers: list[Server], data: st.DataObject):
    """Every position of the others, and only those, each one once."""
    roster = Roster(servers)
    place = data.draw(st.integers(0, len(servers) - 1))
    positions = range(roster.total - servers[place].weight)
    counts = Counter(roster.without(place, position) for position in positions)
    assert counts == {at: one.weight for at, one in enumerate(servers) if at != place}


NAMES = st.integers(1, 60000).map(lambda port: f"10.0.0.1:{port}")
MEMBERS = st.lists(
    st.tuples(NAMES, st.integers(1, 5)), min_size=2, max_size=8, unique_by=itemgetter(0)
)


@given(MEMBERS, st.lists(st.binary(max_size=20), max_size=40), st.data())
def test_a_server_that_is_removed_moves_only_its_own_keys(
    members: list[tuple[str, int]], keys: list[bytes], data: st.DataObject
):
    """Those that were its own go where they go while it is down."""
    place = data.draw(st.integers(0, len(members) - 1))
    before, after = HashRing(members), HashRing(members[:place] + members[place + 1 :])
    left = [at for at in range(len(members)) if at != place]
    for key in keys:
        stand_in = next(at for at in before.walk(key) if at != place)
        assert left[next(after.walk(key))] == stand_in


class Checked(RuleBasedStateMachine):
    """A server that is down is asked at most once in each ``fail_timeout``."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.health = Health(2, 10.0)
        self.asked_while_down: list[float] = []

    @rule(seconds=st.floats(0, 30, allow_nan=False))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(outcome=st.sampled_from(["failure", "success", "none"]))
    def ask(self, outcome: str) -> None:
        if not self.health.is_fit(self.now):
            return
        if self.health.is_down:
            self.asked_while_down.append(self.now)
        self.health.chosen(self.now)
        if outcome == "failure":
            self.health.failed(self.now)
        elif outcome == "success":
            was_down = self.health.is_down
            assert self.health.succeeded() is was_down
            assert not self.health.is_down

    @invariant()
    def rarely(self) -> None:
        if not self.health.is_down:
            self.asked_while_down.clear()
        times = self.asked_while_down
        assert all(later - earlier > 9.99 for earlier, later in pairwise(times))


TestHealth = Checked.TestCase
