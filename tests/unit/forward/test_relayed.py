"""What a trusted proxy may say about its clients, and what it may not."""

from __future__ import annotations

import pytest

from proxy.forward.relayed import find_client, read_relayed
from proxy.forward.trusted_proxies import TrustedProxies

PEER = "10.0.0.1"
TRUSTED = TrustedProxies(["10.0.0.0/8", "2001:db8::/32", "unix:"])
OWN = {
    "X-Forwarded-For": PEER,
    "X-Real-IP": PEER,
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Host": "app.example.com",
}


def lines(*fields: str, peer: str = PEER, port: int = 8443) -> dict[str, str]:
    """Return what the app gets when the peer sends these fields."""
    parsed = [tuple(part.encode("latin-1") for part in one.split(": ", 1)) for one in fields]
    made = read_relayed(
        [(name.lower(), name, value) for name, value in parsed],
        b"app.example.com",
        peer,
        port,
        TRUSTED,
    )
    text = made.lines.decode("latin-1").removesuffix("\r\n").split("\r\n")
    found = [tuple(line.split(": ", 1)) for line in text]
    assert len(dict(found)) == len(found)
    return dict(found)


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ([], PEER),
        (["203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (["1.1.1.1, 203.0.113.9, 10.0.0.2, 10.0.0.3"], "203.0.113.9"),
        (["1.1.1.1", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        (["10.0.0.3,10.0.0.2"], "10.0.0.3"),
        (["203.0.113.9\t,\t10.0.0.2 "], "203.0.113.9"),
        (["203.0.113.9:1234, 10.0.0.2:80"], "203.0.113.9"),
        (["[2001:db9::9]:1234"], "2001:db9::9"),
        (["[2001:db9::9]"], "2001:db9::9"),
        (["2001:DB9::0:9, 2001:db8::1"], "2001:db9::9"),
        (["203.0.113.9, ::ffff:10.0.0.2"], "203.0.113.9"),
        # What is no address ends the walk: nobody says who was before it.
        (["203.0.113.9, unknown"], PEER),
        (["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
        (["203.0.113.9, , 10.0.0.2"], "10.0.0.2"),
        (["203.0.113.9,"], PEER),
        ([""], PEER),
        (["unix:"], PEER),
        (["_obfuscated"], PEER),
        (["fe80::1%eth0"], PEER),
        (["999.1.1.1"], PEER),
        (["203.0.113.9:123456"], PEER),
        (["\xb2.1.1.1"], PEER),
    ],
)
def test_the_client_is_found_from_the_right(hops: list[str], client: str):
    assert find_client([hop.encode("latin-1") for hop in hops], PEER, TRUSTED) == client


def test_a_peer_on_a_unix_socket_speaks_for_others():
    assert find_client([b"203.0.113.9"], "unix:", TRUSTED) == "203.0.113.9"
    assert find_client([], "unix:", TRUSTED) == "unix:"


def test_a_long_row_of_trusted_names_costs_little():
    """A client can write as many as a head has room for."""
    row = b"203.0.113.9" + b",10.0.0.2" * 3000
    assert find_client([row], PEER, TRUSTED) == "10.0.0.2"


def test_a_peer_that_says_nothing_is_the_client():
    assert lines() == OWN


def test_the_list_grows_by_the_peer():
    assert lines("X-Forwarded-For: 1.1.1.1, 203.0.113.9") == OWN | {
        "X-Forwarded-For": f"1.1.1.1, 203.0.113.9, {PEER}",
        "X-Real-IP": "203.0.113.9",
    }


def test_several_lists_are_one():
    made = lines("X-Forwarded-For: 1.1.1.1", "x-forwarded-for: 203.0.113.9")
    assert made["X-Forwarded-For"] == f"1.1.1.1, 203.0.113.9, {PEER}"


def test_what_the_peer_says_is_kept():
    said = {
        "X-Real-IP": "203.0.113.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Port": "80",
        "X-Forwarded-Host": "public.example.com",
        "Forwarded": 'for="[2001:db8:cafe::17]";proto=https',
    }
    made = lines(*(f"{name}: {value}" for name, value in said.items()))
    assert made == OWN | said


def test_every_forwarded_field_is_kept():
    fields = [(b"forwarded", b"Forwarded", value) for value in (b"for=1.1.1.1", b"for=2.2.2.2")]
    made = read_relayed(fields, b"a", PEER, 8443, TRUSTED).lines
    assert made.endswith(b"\r\nForwarded: for=1.1.1.1\r\nForwarded: for=2.2.2.2\r\n")


@pytest.mark.parametrize("name", ["X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Host"])
def test_what_came_twice_is_made_anew(name: str):
    """The first one may be the client's, which a careless proxy let through."""
    assert lines(f"{name}: one", f"{name.lower()}: two") == OWN


@pytest.mark.parametrize("name", ["X-Forwarded-Proto", "X-Forwarded-For", "X-Real-IP"])
def test_what_is_empty_was_not_said(name: str):
    assert lines(f"{name}: ") == OWN


def test_the_real_address_is_the_one_that_was_found():
    """A proxy that writes the list only, and lets the client's X-Real-IP through, is no way in."""
    made = lines("X-Forwarded-For: 203.0.113.9", "X-Real-IP: 1.1.1.1")
    assert made["X-Real-IP"] == "203.0.113.9"


@pytest.mark.parametrize("value", ["nonsense", "1.1.1.1, 2.2.2.2", "1.1.1.1:80"])
def test_a_real_address_is_an_address(value: str):
    assert lines(f"X-Real-IP: {value}") == OWN


@pytest.mark.parametrize(
    "field",
    [
        "X_Forwarded_For: 203.0.113.9",
        "X-Forwarded-User: admin",
        "X-Forwarded-Prefix: /x",
        "X-Forwarded: for=1.1.1.1",
        "X-Original-URL: /admin",
        "X-SSL-Client-Verify: SUCCESS",
        "X-Forwarded-Client-Cert: By=x",
        "Cookie: a=b",
    ],
)
def test_nothing_else_is_kept(field: str):
    assert lines(field) == OWN


def test_a_unix_socket_has_no_address_and_no_port():
    assert lines(peer="unix:", port=0) == {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "app.example.com",
    }
    made = lines("X-Forwarded-For: 203.0.113.9", peer="unix:", port=0)
    assert made["X-Forwarded-For"] == made["X-Real-IP"] == "203.0.113.9"


@pytest.mark.parametrize(
    ("values", "request_id"),
    [
        (["0af7651916cd43dd8448eb211c80319c"], "0af7651916cd43dd8448eb211c80319c"),
        (["Root=1-67891233-abcdef012345678912345678"], "Root=1-67891233-abcdef012345678912345678"),
        (["x" * 128], "x" * 128),
        (["x" * 129], ""),
        ([""], ""),
        (["a b"], ""),
        (['"'], ""),
        (["<script>"], ""),
        (["\xe9"], ""),
        (["one", "two"], ""),
        ([], ""),
    ],
)
def test_an_id_is_kept_if_it_is_sane(values: list[str], request_id: str):
    fields = [(b"x-request-id", b"X-Request-ID", value.encode("latin-1")) for value in values]
    made = read_relayed(fields, b"a", PEER, 8443, TRUSTED)
    assert made.request_id == request_id
    assert b"X-Request-ID" not in made.lines
