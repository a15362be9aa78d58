"""Which server is next: nginx's sequences, to the letter where there is one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from proxy.routing.balancing import Remainder, Roster, ip_hash, least_conn, random_two, round_robin


@dataclass(eq=False)
class Server:
    name: str
    weight: int = 1
    in_use: int = 0
    credit: int = 0


def names(servers: list[Server], times: int) -> str:
    return "".join(round_robin(servers).name for _ in range(times))


def test_equal_servers_take_turns():
    assert names([Server("a"), Server("b"), Server("c")], 7) == "abcabca"


def test_weights_are_spread_as_nginx_spreads_them():
    """The example of nginx's own commit (52327e0627f4)."""
    assert names([Server("a", 5), Server("b"), Server("c")], 14) == "aabacaa" * 2


def test_a_server_that_was_away_does_not_catch_up():
    """Credit grows only while a server takes part."""
    a, b = Server("a"), Server("b")
    names([a], 10)
    assert names([a, b], 4) in {"abab", "baba"}


def test_the_fewest_connections_win():
    assert least_conn(Roster([Server("a", in_use=2), Server("b", in_use=1)])).name == "b"


def test_connections_count_by_weight():
    assert least_conn(Roster([Server("a", 1, in_use=1), Server("b", 4, in_use=3)])).name == "b"


def test_equally_busy_servers_take_turns():
    servers = [Server("a", 1, 1), Server("b", 2, 2), Server("c", in_use=5)]
    assert "".join(least_conn(Roster(servers)).name for _ in range(3)) in {"bab", "bba"}


@pytest.mark.parametrize(
    ("draws", "chosen"),
    [((0.0, 0.0), "b"), ((0.5, 0.0), "b"), ((0.9, 0.9), "b"), ((0.9, 0.0), "a")],
)
def test_the_less_busy_of_two_is_taken(draws: tuple[float, float], chosen: str):
    servers = [Server("a", in_use=1), Server("b", in_use=0), Server("c", in_use=2)]
    assert random_two(Roster(servers), draws).name == chosen


def test_of_two_equals_the_first_drawn_is_taken():
    servers = [Server("a"), Server("b")]
    assert [random_two(Roster(servers), (draw, 0.5)).name for draw in (0.1, 0.9)] == ["a", "b"]


def test_lots_are_drawn_by_weight():
    servers = [Server("a", 1), Server("b", 9)]
    assert [random_two(Roster(servers), (tenth / 10, 0)).name for tenth in range(10)] == [
        "a",
        *"b" * 9,
    ]


def test_the_only_server_is_drawn():
    assert random_two(Roster([only := Server("a")]), (0.7, 0.7)) is only


def test_a_client_stays_with_its_server():
    servers = [Server("a"), Server("b"), Server("c")]
    first = ip_hash(b"\xc0\x00\x02\x07", Roster(servers), servers)
    assert all(ip_hash(b"\xc0\x00\x02\x07", Roster(servers), servers) is first for _ in range(5))
    # So does its network, but not everybody.
    assert ip_hash(b"\xc0\x00\x02\xff", Roster(servers), servers) is first
    found = {ip_hash(bytes([10, n, 0, 1]), Roster(servers), servers) for n in range(50)}
    assert found == set(servers)


def test_nginx_would_choose_the_same():
    """Computed by hand from ngx_http_upstream_get_ip_hash_peer, for 127.0.0.0/24."""
    number = 89
    for octet in (127, 0, 0):
        number = (number * 113 + octet) % 6271
    servers = [Server("a", 2), Server("b", 3)]
    expected = servers[0] if number % 5 < 2 else servers[1]
    assert ip_hash(bytes([127, 0, 0, 1]), Roster(servers), servers) is expected


def test_only_the_clients_of_a_server_that_is_away_move():
    servers = [Server("a"), Server("b"), Server("c")]
    for number in range(100):
        address = bytes([10, number, 3, 4])
        home = ip_hash(address, Roster(servers), servers)
        away = ip_hash(address, Roster(servers), servers[1:])
        assert away in servers[1:]
        assert home is servers[0] or away is home


def test_all_of_an_ipv6_address_counts():
    servers = [Server("a"), Server("b")]
    found = {ip_hash(bytes(15) + bytes([n]), Roster(servers), servers) for n in range(20)}
    assert found == set(servers)


def test_no_attempt_that_meets_a_fit_server_is_none():
    assert ip_hash(b"\1\2\3\4", Roster([Server("a"), Server("b")]), ()) is None


def test_what_is_left_over_for_one_request_takes_turns_by_its_own_credit():
    """Each such roster is new; its first turn must not always be the same server's."""
    servers = [Server("a"), Server("b")]
    assert "".join(Remainder(servers).in_turn().name for _ in range(4)) == "abab"


def test_weights_with_a_common_divisor_have_a_short_round():
    roster = Roster([Server("a", 500), Server("b", 500)])
    assert "".join(roster.in_turn().name for _ in range(6)) == "ababab"
    assert len(roster._round) == 2


def test_servers_with_nothing_to_do_take_turns():
    roster = Roster([Server("a", 2), Server("b")])
    assert "".join(least_conn(roster).name for _ in range(6)) == "abaaba"
