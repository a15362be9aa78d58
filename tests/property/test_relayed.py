"""Whatever a trusted proxy and its clients write, nobody can choose more than their own place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.forward.relayed import find_client, read_relayed
from proxy.forward.trusted_proxies import TrustedProxies, canonical_address

TRUSTED = TrustedProxies(["10.0.0.0/8", "fd00::/8"])
PEER = "10.0.0.1"
HOP = st.integers(0, 2**24 - 1).map(
    lambda number: f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
)
CLIENT = (
    st.ip_addresses().map(str).map(canonical_address).filter(lambda one: one and one not in TRUSTED)
)
# What stands in a field value (RFC 9110, section 5.5).
VALUE = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f")
).map(lambda text: text.strip().encode("latin-1"))
NAMES = [
    *(b"x-forwarded-for", b"x-real-ip", b"x-forwarded-proto", b"x-forwarded-port"),
    *(b"x-forwarded-host", b"forwarded", b"x-request-id", b"cookie", b"x-ssl-client-verify"),
]
FIELDS = st.lists(st.builds(lambda name, value: (name, name, value), st.sampled_from(NAMES), VALUE))


@given(VALUE, CLIENT, st.lists(HOP, max_size=8))
def test_what_a_client_writes_before_its_own_address_is_never_reached(
    spoofed: bytes, client: str, hops: list[str]
):
    """Each trusted proxy appends whom it saw; the first one saw the client."""
    row = ", ".join([client, *hops]).encode()
    assert find_client([spoofed + b", " + row], PEER, TRUSTED) == client
    assert find_client([spoofed, row], PEER, TRUSTED) == client


@given(st.lists(VALUE, max_size=4))
def test_the_client_is_an_address(values: list[bytes]):
    found = find_client(values, PEER, TRUSTED)
    assert canonical_address(found) == found


@given(FIELDS)
def test_every_line_is_one_line_and_of_a_known_name(fields: list[tuple[bytes, bytes, bytes]]):
    made = read_relayed(fields, b"host", PEER, 8443, TRUSTED)
    assert made.lines.endswith(b"\r\n")
    names = [line.partition(b": ")[0] for line in made.lines[:-2].split(b"\r\n")]
    once = [name for name in names if name != b"Forwarded"]
    assert sorted(once) == sorted(
        [
            *(b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Forwarded-Port"),
            *(b"X-Forwarded-Proto", b"X-Real-IP"),
        ]
    )
    assert made.request_id.isascii()
    assert made.request_id.isprintable()
