"""PROXY headers: any bytes have one result, whatever pieces they come in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.forward.proxy_protocol import (
    MAX_HEADER,
    ProxyHeader,
    ProxyHeaderError,
    read_proxy_header,
)
from proxy.forward.trusted_proxies import canonical_address
from tests.unit.forward.proxy_headers import (
    SIGNATURE,
    TCP4,
    TCP6,
    UNIX,
    UNSPECIFIED,
    addresses,
    summed,
    tlv,
    v1,
    v2,
)

IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.ip_addresses(v=6).map(str)
EXTENSIONS = st.lists(st.builds(tlv, st.integers(4, 255), st.binary(max_size=40)), max_size=4).map(
    b"".join
)
GOOD = (
    st.builds(v1, IPV4, IPV4)
    | st.builds(v1, IPV6, IPV6, st.just("TCP6"))
    | st.builds(lambda a, b, more: v2(addresses(a, b) + more, TCP4), IPV4, IPV4, EXTENSIONS)
    | st.builds(lambda a, b, more: v2(addresses(a, b) + more, TCP6), IPV6, IPV6, EXTENSIONS)
    | st.builds(
        lambda a, b, more: summed(v2(addresses(a, b) + more + tlv(3, bytes(4)), TCP4)),
        IPV4,
        IPV4,
        EXTENSIONS,
    )
    | st.builds(lambda more: v2(more, UNSPECIFIED), EXTENSIONS)
    | st.builds(lambda more: v2(bytes(216) + more, UNIX), EXTENSIONS)
    | st.builds(lambda body: v2(body, command=0x20), st.binary(max_size=300))
)
BAD = (
    st.binary(max_size=200)
    | st.builds(lambda rest: b"PROXY " + rest, st.binary(max_size=200))
    | st.builds(
        lambda rest: b"PROXY TCP4 " + rest + b"\r\n", st.text("0123456789. ").map(str.encode)
    )
    | st.builds(lambda rest: SIGNATURE + rest, st.binary(max_size=200))
    | st.builds(v2, st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255))
)


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(GOOD))
    data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


ANY = st.builds(lambda head, rest: head + rest, GOOD | BAD | _damaged(), st.binary(max_size=20))


def outcome(pieces: list[bytes]) -> ProxyHeader | str | None:
    """What comes of pieces that arrive one after the other; the first verdict counts."""
    data = b""
    for piece in pieces:
        data += piece
        try:
            header = read_proxy_header(data)
        except ProxyHeaderError as error:
            return str(error)
        if header is not None:
            return header
    return None


@given(ANY, st.data())
def test_the_pieces_make_no_difference(data: bytes, draw: st.DataObject):
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    whole = outcome([data])
    assert outcome(pieces) == whole
    assert outcome([data[at : at + 1] for at in range(len(data))]) == whole


@given(GOOD, st.binary(max_size=20))
def test_what_follows_the_header_is_not_touched(header: bytes, rest: bytes):
    found = read_proxy_header(header + rest)
    assert found is not None
    assert found.size == len(header)


@given(GOOD)
def test_every_beginning_of_a_header_may_go_on(header: bytes):
    for size in range(len(header)):
        assert read_proxy_header(header[:size]) is None


@given(ANY)
def test_the_address_is_one_or_none(data: bytes):
    """What log, app and ip_hash get is in the one form in which addresses are compared."""
    found = outcome([data])
    if isinstance(found, str):
        assert found.isprintable()
    elif found is None:
        assert len(data) < MAX_HEADER
    elif found.source not in ("", "unix:"):
        assert canonical_address(found.source) == found.source
