"""Properties of the balancing algorithms and of the health state machine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxy.routing.balancing import ip_hash, least_conn, random_two, round_robin
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
    chosen = least_conn(servers)
    assert all(one.in_use * chosen.weight >= chosen.in_use * one.weight for one in servers)


@given(SERVERS, DRAWS)
def test_the_busiest_of_all_is_never_drawn_unless_equal(
    servers: list[Server], draws: tuple[float, float]
):
    chosen = random_two(servers, draws)
    others = [server for server in servers if server is not chosen]
    assert not others or any(
        one.in_use * chosen.weight >= chosen.in_use * one.weight for one in others
    )


@given(SERVERS, st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16), st.data())
def test_a_hash_finds_a_fit_server_or_none(
    servers: list[Server], address: bytes, data: st.DataObject
):
    fit = data.draw(st.lists(st.sampled_from(servers), unique_by=id))
    home = ip_hash(address, servers, servers)
    chosen = ip_hash(address, servers, fit)
    assert chosen is None or chosen in fit
    if home in fit:
        assert chosen is home


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
