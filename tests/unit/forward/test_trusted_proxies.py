"""Which peers may speak for others: networks of both families, however an address is written."""

from __future__ import annotations

import pytest

from proxy.forward.trusted_proxies import TrustedProxies, canonical_address

TRUSTED = TrustedProxies(["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1", "172.16.0.0/12"])


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.0", "10.255.255.255", "192.0.2.1", "172.31.0.1", "2001:db8::1", "::1"),
        *("::ffff:10.1.2.3", "2001:DB8:0:0::1"),
    ],
)
def test_who_is_among_them(address: str):
    assert address in TRUSTED


@pytest.mark.parametrize(
    "address",
    [
        *("11.0.0.0", "192.0.2.2", "172.32.0.0", "2001:db9::", "::2", "unix:", "", "x", "10.0.0"),
        *("010.0.0.1", "10.0.0.1:80", "10.0.0.1 ", "2001:db8::1%eth0", "::10.0.0.1", "127.1"),
    ],
)
def test_who_is_not(address: str):
    assert address not in TRUSTED


def test_every_address_of_a_family_is_not_every_address():
    assert "1.2.3.4" in TrustedProxies(["0.0.0.0/0"])
    assert "::1" not in TrustedProxies(["0.0.0.0/0"])
    assert "1.2.3.4" not in TrustedProxies(["::/0"])


def test_unix_sockets_are_trusted_by_name_only():
    assert "unix:" in TrustedProxies(["unix:"])
    assert "unix:" not in TrustedProxies(["0.0.0.0/0", "::/0"])


def test_an_empty_set_is_false():
    assert not TrustedProxies()
    assert TrustedProxies(["unix:"])
    assert TrustedProxies(["::1"])


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="appear to be"):
        TrustedProxies(["nonsense"])


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("fe80::1%eth0", ""),
        ("fe80::1", "fe80::1"),
        ("192.0.2.1:80", ""),
        ("192.0.2.01", ""),
        ("", ""),
        ("unknown", ""),
        ("_hidden", ""),
    ],
)
def test_an_address_has_one_form(text: str, canonical: str):
    assert canonical_address(text) == canonical
