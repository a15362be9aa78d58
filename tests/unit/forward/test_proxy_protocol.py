"""PROXY headers: what they say, and what is none."""

from __future__ import annotations

import pytest

from proxy.forward.proxy_protocol import (
    LOCAL_HEADER,
    MAX_HEADER,
    ProxyHeader,
    ProxyHeaderError,
    crc32c,
    is_proxy_header,
    read_proxy_header,
)
from tests.unit.forward.proxy_headers import (
    SIGNATURE,
    TCP4,
    TCP6,
    UNIX,
    addresses,
    summed,
    tlv,
    v1,
    v2,
    v2_tcp4,
)

V1_UNKNOWN = b"PROXY UNKNOWN\r\n"
TLS = b"\x16\x03\x01"


@pytest.mark.parametrize(
    ("header", "source", "port"),
    [
        (v1(), "203.0.113.9", 443),
        (v1("2001:db8::9", "2001:db8::1", "TCP6"), "2001:db8::9", 443),
        # HAProxy writes an IPv4 client so when the two families differ.
        (v1("::ffff:203.0.113.9", "2001:db8::1", "TCP6"), "203.0.113.9", 443),
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255", 65535),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 0 0\r\n", "1.2.3.4", 0),
        (v2_tcp4(), "203.0.113.9", 443),
        (v2(addresses("2001:db8::9", "2001:db8::1"), TCP6), "2001:db8::9", 443),
        (v2(addresses("::ffff:203.0.113.9", "::1"), TCP6), "203.0.113.9", 443),
        (v2_tcp4(extensions=tlv(4, b"padding") + tlv(0xEA, b"")), "203.0.113.9", 443),
        (summed(v2_tcp4(extensions=tlv(3, bytes(4)))), "203.0.113.9", 443),
        (v2(b"/run/a".ljust(216, b"\0"), UNIX), "unix:", 0),
        (v2(b"x" * 216 + tlv(1, b"h2"), UNIX), "unix:", 0),
    ],
)
def test_the_client_is_told(header: bytes, source: str, port: int):
    for rest in (b"", TLS):
        assert read_proxy_header(header + rest) == ProxyHeader(
            len(header), source=source, port=port
        )


@pytest.mark.parametrize(
    "header",
    [
        V1_UNKNOWN,
        b"PROXY UNKNOWN 1.2.3.4 whatever\xff\r\n",
        b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
        v2(),
        v2(tlv(4, b"")),
    ],
)
def test_the_client_is_not_told(header: bytes):
    assert read_proxy_header(header + TLS) == ProxyHeader(len(header))


@pytest.mark.parametrize(
    "header",
    [
        LOCAL_HEADER,
        v2(command=0x20),
        v2(addresses(), TCP4, command=0x20),
        v2(b"whatever", 0x77, command=0x20),
    ],
)
def test_a_proxy_may_speak_for_itself(header: bytes):
    """Then nothing in it counts, whatever it is."""
    assert read_proxy_header(header + TLS) == ProxyHeader(len(header), is_local=True)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (TLS, "there is no PROXY header"),
        (b"GET / HTTP/1.1\r\n", "there is no PROXY header"),
        (b"proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n", "there is no PROXY header"),
        (b"PROXY\tTCP4", "there is no PROXY header"),
        (SIGNATURE[:-1] + b"\r", "there is no PROXY header"),
        (b"PROXY " + b"x" * 101, "longer than 107 bytes"),
        (b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n", "longer than 107 bytes"),
        (b"PROXY UNKNOWNX\r\n", "malformed"),
        (b"PROXY UNKNOWN \n\r\n", "malformed"),
        (b"PROXY TCP4\r\n", "malformed"),
        (b"PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n", "malformed"),
        (b"PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n", "malformed"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "malformed"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n", "malformed"),
        (b"PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n", "malformed"),
        (b"PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n", "not one of TCP4"),
        (b"PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n", "not one of TCP4"),
        (b"PROXY TCP4 ::1 ::1 1 1\r\n", "not one of TCP4"),
        (b"PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n", "not one of TCP6"),
        (b"PROXY TCP4 1.2.3.4 nonsense 1 1\r\n", "not one of TCP4"),
        (b"PROXY TCP6 fe80::1%eth0 ::1 1 1\r\n", "zone"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n", "port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", "port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 \u00b9\r\n".encode("latin-1"), "port"),
        (v2(command=0x11), "0x11"),
        (v2(command=0x22), "0x22"),
        (v2(bytes(12), 0x12), "family is 0x12"),  # datagrams are not what TLS is spoken over
        (v2(bytes(12), 0x10), "family is 0x10"),
        (v2(bytes(12), 0x41), "family is 0x41"),
        (v2(bytes(11), TCP4), "cut off"),
        (v2(bytes(35), TCP6), "cut off"),
        (v2(bytes(215), UNIX), "cut off"),
        (v2_tcp4(extensions=b"\0"), "extension is cut off"),
        (v2_tcp4(extensions=b"\4\0"), "extension is cut off"),
        (v2_tcp4(extensions=b"\4\0\1"), "extension is cut off"),
        (v2_tcp4(extensions=tlv(3, bytes(4))), "checksum is wrong"),
        (v2_tcp4(extensions=tlv(3, bytes(5))), "not 4 bytes"),
        (v2_tcp4(extensions=tlv(4, bytes(MAX_HEADER))), "longer than 4096"),
        (v2(bytes(65535), command=0x20), "longer than 4096"),
    ],
)
def test_what_is_no_header(header: bytes, reason: str):
    with pytest.raises(ProxyHeaderError, match=reason):
        read_proxy_header(header)


def test_the_longest_line():
    line = b"PROXY UNKNOWN ".ljust(105, b"x") + b"\r\n"
    assert read_proxy_header(line) == ProxyHeader(107)


def test_the_longest_header():
    header = v2_tcp4(extensions=tlv(4, bytes(MAX_HEADER - 16 - 12 - 3)))
    assert len(header) == MAX_HEADER
    assert read_proxy_header(header) == ProxyHeader(MAX_HEADER, source="203.0.113.9", port=443)


def test_what_is_too_long_is_known_from_its_length():
    """Nobody has to wait for what will be refused."""
    with pytest.raises(ProxyHeaderError, match="longer"):
        read_proxy_header(v2(bytes(65535))[:16])


def test_the_checksum_is_castagnolis():
    """The check value of RFC 3720, and of every catalogue of such codes."""
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize(
    ("data", "is_one"),
    [(V1_UNKNOWN, True), (LOCAL_HEADER, True), (b"PROXY / HTTP/1.1", True), (TLS, False)],
)
def test_a_header_is_known_by_its_beginning(data: bytes, *, is_one: bool):
    assert is_proxy_header(data) is is_one


@pytest.mark.parametrize("header", [v1(), V1_UNKNOWN, v2_tcp4(), LOCAL_HEADER])
def test_half_a_header_is_not_one_yet(header: bytes):
    assert [read_proxy_header(header[:size]) for size in range(len(header))] == [None] * len(header)
