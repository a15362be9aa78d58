"""What a trusted proxy says about the client that it speaks for.

Only a peer among ``trusted_proxies`` gets here. What anybody else says about itself is dropped
(``names.is_client_field``), and so is everything here that is not named below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from proxy.forward.trusted_proxies import canonical_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proxy.forward.trusted_proxies import TrustedProxies
    from proxy.http1.messages import Field

# More proxies than that do not stand in a row; a client can write as many names of trusted ones as
# a head has room for.
_MAX_HOPS: Final = 32
# UUIDs, base64, and what AWS and Envoy make. It goes into logs and pages of ours.
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._~+/=:@-]{1,128}")
# With a port, as some load balancers write it: 192.0.2.1:1234, [2001:db8::1]:1234, [2001:db8::1].
_WITH_PORT: Final = re.compile(r"(?:\[([^]]*)\]|([0-9.]+))(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Relayed:
    """One request's origin.

    Attributes:
        client: the client's address, as far back as the trusted proxies vouch for it.
        request_id: the id that the proxy gave the request; empty where it gave none.
        lines: the field lines that tell the app so, without ``X-Request-ID``.
    """

    client: str
    request_id: str
    lines: bytes


def read_relayed(
    fields: Iterable[Field], host: bytes, peer: str, port: int, trusted: TrustedProxies
) -> Relayed:
    """Return what a trusted peer's request says of where it came from.

    ``X-Forwarded-Proto``, ``-Host``, ``-Port`` and ``Forwarded`` are the peer's, where it sent
    them; one that came twice has two readings, and is made anew. ``X-Forwarded-For`` is its list
    with its own address at the end. ``X-Real-IP`` is the client that was found in the list; without
    a list it is the peer's own. A name in ``Connection`` takes none of them away: the client of the
    peer could have written it there (CVE-2022-31813).

    Args:
        fields: of the request; empty for a peer that is not trusted any more.
        host: the request's authority.
        peer: the peer's address, ``unix:`` for one without; it is taken to be trusted.
        port: the port that was connected to; 0 for a Unix socket.
        trusted: all trusted proxies.
    """
    received: dict[bytes, list[bytes]] = {}
    for lower, _, value in fields:
        if lower in _TRUSTED_NAMES and value:
            received.setdefault(lower, []).append(value)
    hops = received.get(b"x-forwarded-for", [])
    client = find_client(hops, peer, trusted)
    own = {
        b"X-Forwarded-For": b", ".join(filter(None, [*hops, canonical_address(peer).encode()])),
        b"X-Real-IP": canonical_address(client).encode(),
        b"X-Forwarded-Proto": b"https",
        b"X-Forwarded-Port": b"%d" % port if port else b"",
        b"X-Forwarded-Host": host,
    }
    own |= _kept(received)
    lines = [b"%b: %b\r\n" % item for item in own.items() if item[1]]
    lines += [b"Forwarded: %b\r\n" % value for value in received.get(b"forwarded", [])]
    return Relayed(client, _request_id(received), b"".join(lines))


def find_client(hops: Sequence[bytes], peer: str, trusted: TrustedProxies) -> str:
    """Return the client's address: nginx's ``real_ip_recursive on``.

    From the right, each trusted proxy's word is taken for the address before it. What a proxy that
    is not trusted wrote, or a client, is never reached; what is no address ends the walk.

    Args:
        hops: the values of ``X-Forwarded-For``, in their order.
        peer: who sent them.
        trusted: whose word counts.
    """
    client = peer
    entries = reversed(b",".join(hops).decode("latin-1").split(","))
    for entry in islice(entries, _MAX_HOPS):
        before = _address_of(entry.strip(" \t"))
        if not before or client not in trusted:
            break
        client = before
    return client


def _address_of(entry: str) -> str:
    match = _WITH_PORT.fullmatch(entry)
    return canonical_address((match[1] or match[2]) if match else entry)


def _kept(received: dict[bytes, list[bytes]]) -> dict[bytes, bytes]:
    """Return what is the peer's to say, where it says it once."""
    once = {_KEPT[name]: values[0] for name, values in received.items() if _is_kept(name, values)}
    if b"x-forwarded-for" in received or not canonical_address(_text(once.get(b"X-Real-IP"))):
        once.pop(b"X-Real-IP", None)
    return once


def _is_kept(name: bytes, values: Sequence[bytes]) -> bool:
    return name in _KEPT and len(values) == 1


def _text(value: bytes | None) -> str:
    return (value or b"").decode("latin-1")


def _request_id(received: dict[bytes, list[bytes]]) -> str:
    values = received.get(b"x-request-id", [])
    if len(values) == 1 and _REQUEST_ID.fullmatch(values[0]):
        return values[0].decode()
    return ""


_KEPT: Final = {
    b"x-real-ip": b"X-Real-IP",
    b"x-forwarded-proto": b"X-Forwarded-Proto",
    b"x-forwarded-port": b"X-Forwarded-Port",
    b"x-forwarded-host": b"X-Forwarded-Host",
}
_TRUSTED_NAMES: Final = frozenset({*_KEPT, b"x-forwarded-for", b"forwarded", b"x-request-id"})
