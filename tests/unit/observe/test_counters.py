"""Counters count, stay bounded, and add up over workers."""

from proxy.observe.counters import MAX_REASONS, OTHER, Counters


def test_counts_by_word():
    counters = Counters()
    counters.connections += 2
    counters.handshake_failed("timeout")
    counters.refused("certificate_expired")
    counters.refused("certificate_expired")
    for status in (200, 204, 403, 502, 101):
        counters.answered(status)
    counters.upstream_failed("app", "upstream_timeout")
    counters.turned_away("requests/address")
    counters.probe_failed("app", "upstream_unwell")
    counters.health_changed("app", is_up=False)
    counters.health_changed("app", is_up=True)
    assert counters.as_dict() == {
        "connections": 2,
        "handshake_failures": {"timeout": 1},
        "health_changes": {"app/down": 1, "app/up": 1},
        "probe_failures": {"app/upstream_unwell": 1},
        "refusals": {"certificate_expired": 2},
        "turned_away_by": {"requests/address": 1},
        "responses": {"1xx": 1, "2xx": 2, "4xx": 1, "5xx": 1},
        "upstream_errors": {"app/upstream_timeout": 1},
    }


def test_many_reasons_end_in_one_bucket():
    counters = Counters()
    for number in range(3 * MAX_REASONS):
        counters.handshake_failed(f"reason {number}")
    counters.handshake_failed("reason 0")
    assert len(counters.handshake_failures) == MAX_REASONS + 1
    assert counters.handshake_failures[OTHER] == 2 * MAX_REASONS
    assert counters.handshake_failures["reason 0"] == 2


def test_a_status_code_out_of_range_is_counted_somewhere():
    counters = Counters()
    counters.answered(1999)
    assert sum(counters.responses.values()) == 1
