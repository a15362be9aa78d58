"""The name in a Host field, in the form in which the route table knows it."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv6Address


def host_name(host: bytes) -> bytes:
    """Return the host in lower case, without port, brackets and the root's dot.

    Whether the field is well-formed (RFC 9110 section 7.2) is for the parser to judge; here, what
    is no known name simply finds no route of its own.
    """
    if host.startswith(b"["):
        return _ipv6(host.partition(b"]")[0][1:])
    return host.partition(b":")[0].lower().removesuffix(b".")


def _ipv6(text: bytes) -> bytes:
    try:
        return str(IPv6Address(text.decode("ascii"))).encode()
    except (AddressValueError, UnicodeDecodeError):
        return text
