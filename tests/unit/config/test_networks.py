"""Whose word counts, as people write it."""

from __future__ import annotations

import pytest

from proxy.config.networks import parse_network
from proxy.forward.trusted_proxies import TrustedProxies


@pytest.mark.parametrize(
    ("written", "network"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1/32", "192.0.2.1/32"),
        ("2001:DB8:0::/32", "2001:db8::/32"),
        ("::1", "::1"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("unix:", "unix:"),
    ],
)
def test_networks(written: str, network: str):
    assert parse_network(written) == network
    assert TrustedProxies([network])


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("10.0.0.1/8", "write 10.0.0.0/8"),
        ("10.0.0.0/08", "is not a network"),
        ("10.0.0.0/", "is not a network"),
        ("10.0.0.0/255.0.0.0", "is not a network"),
        ("::/129", "is not a network"),
        ("fe80::1%eth0", "is not a network"),
        ("proxy.example.com", "is not a network"),
        ("unix:/run/a.sock", "is not a network"),
        ("::ffff:10.0.0.1", "as such"),
        (["10.0.0.0/8"], "expects a network"),
        (167772160, "expects a network"),
    ],
)
def test_what_is_no_network(written: object, advice: str):
    with pytest.raises(ValueError, match=advice):
        parse_network(written)
