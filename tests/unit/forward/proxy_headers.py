"""PROXY headers as load balancers write them."""

from __future__ import annotations

import ipaddress
import struct

from proxy.forward.proxy_protocol import crc32c

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
TCP4, TCP6, UNIX, UNSPECIFIED = 0x11, 0x21, 0x31, 0x00


def v1(
    source: str = "203.0.113.9", destination: str = "198.51.100.1", family: str = "TCP4"
) -> bytes:
    """Return a line of version 1."""
    return f"PROXY {family} {source} {destination} 50000 443\r\n".encode()


def v2(body: bytes = b"", family: int = UNSPECIFIED, command: int = 0x21) -> bytes:
    """Return a header of version 2 with this after its length."""
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


def addresses(source: str = "203.0.113.9", destination: str = "198.51.100.1") -> bytes:
    """Return an address block of version 2, ports included."""
    packed = b"".join(ipaddress.ip_address(text).packed for text in (source, destination))
    return packed + struct.pack("!HH", 50000, 443)


def v2_tcp4(source: str = "203.0.113.9", extensions: bytes = b"") -> bytes:
    """Return a header of version 2 for this client."""
    return v2(addresses(source) + extensions, TCP4)


def tlv(kind: int, value: bytes) -> bytes:
    """Return one extension."""
    return struct.pack("!BH", kind, len(value)) + value


def summed(header: bytes) -> bytes:
    """Return a header of version 2 whose checksum, the last four bytes, is right."""
    return header[:-4] + crc32c(header[:-4] + bytes(4)).to_bytes(4, "big")
