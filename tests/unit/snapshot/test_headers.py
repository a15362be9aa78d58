"""Header rules of the whole gate and of one route, as one."""

from __future__ import annotations

from typing import Any

from proxy.config.model import RequestHeaders, ResponseHeaders
from proxy.observe.access_record import AccessRecord
from proxy.snapshot.headers import merged_request_rules, merged_response_rules

RECORD = AccessRecord("192.0.2.7")


def applied(*sections: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    rules = merged_response_rules(*(ResponseHeaders(**section) for section in sections))
    fields = [(b"server", b"Server", b"app")]
    made = fields if rules is None else rules.applied(fields, RECORD)
    return [(name, value) for _, name, value in made]


def test_without_rules_there_are_none():
    assert merged_response_rules(ResponseHeaders(), ResponseHeaders()) is None
    assert merged_request_rules(RequestHeaders()) is None


def test_a_route_has_the_last_word():
    gate = {"set": {"Server": "gate", "X-Both": "gate"}, "add": {"X-Gate": "1"}}
    route = {"set": {"x_both": "route"}, "remove": ("x-gate",)}
    assert applied(gate, route) == [(b"Server", b"gate"), (b"x_both", b"route")]


def test_what_the_gate_removes_a_route_may_add_again():
    assert applied({"remove": ("Server",)}, {"add": {"Server": "route"}}) == [(b"Server", b"route")]


def test_added_fields_add_up():
    made = applied({"add": {"X": "$remote_addr"}}, {"add": {"X": "2"}})
    assert made == [(b"Server", b"app"), (b"X", b"192.0.2.7"), (b"X", b"2")]


def test_the_nearest_host_counts_and_is_no_line():
    gate, route = RequestHeaders(set={"Host": "a"}), RequestHeaders(set={"hOST": "b:1"})
    rules = merged_request_rules(gate, route)
    assert rules is not None
    assert (rules.host, rules.dropped, rules.lines) == (b"b:1", frozenset(), ())
    only = merged_request_rules(gate, RequestHeaders(set={"X": "1"}))
    assert only is not None
    assert (only.host, only.dropped) == (b"a", {b"x"})
