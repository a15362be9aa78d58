"""The PROXY protocol, versions 1 and 2: what a load balancer says before TLS begins.

Source: HAProxy's ``doc/proxy-protocol.txt``. A header has exactly one reading here; whatever has
none, or two, is refused: an address that it names is believed by everybody behind.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from proxy.forward.trusted_proxies import UNIX, canonical_address

MAX_HEADER: Final = 4096
"""Octets of a version 2 header with everything in it; nginx has the same bound."""

_V2_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_V1_START: Final = b"PROXY "
LOCAL_HEADER: Final = _V2_SIGNATURE + b"\x20\x00\x00\x00"
"""What a proxy says of a connection of its own, such as a health check."""

_V1_LONGEST: Final = 107  # with CR LF
_V1_LINE: Final = re.compile(
    r"PROXY (?:UNKNOWN(?: .*)?|TCP([46]) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+))", re.ASCII
)
_PORT: Final = re.compile(r"0|[1-9][0-9]{0,4}", re.ASCII)
_MAX_PORT: Final = 65535

_V2_FIXED: Final = 16  # signature, version and command, family, length
_LOCAL: Final = 0x20
_PROXY: Final = 0x21
_UNSPECIFIED: Final = 0x00
# Families of byte streams: the size of the addresses, and where the port is that was connected to.
_ADDRESSES: Final = {
    _UNSPECIFIED: struct.Struct(""),
    0x11: struct.Struct("!4s4sHH"),
    0x21: struct.Struct("!16s16sHH"),
    0x31: struct.Struct("!108s108s"),
}
_CRC32C: Final = 0x03
_CRC_SIZE: Final = 4
_TLV: Final = struct.Struct("!BH")


class ProxyHeaderError(Exception):
    """These bytes are no PROXY header; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What the header says.

    Attributes:
        size: its octets; what follows them is the client's.
        is_local: the proxy speaks for itself, so that the socket's own address counts.
        source: the client's address; ``unix:`` for a client without one, and empty where the proxy
            does not know it.
        port: the port that the client connected to; 0 where that is not said.
    """

    size: int
    is_local: bool = False
    source: str = ""
    port: int = 0


def read_proxy_header(data: bytes) -> ProxyHeader | None:
    """Return the header at the beginning of a connection, or None while it is incomplete.

    Args:
        data: everything that came so far, in whatever pieces it came.

    Raises:
        ProxyHeaderError: nothing that may still come makes this a header.
    """
    if data.startswith(_V2_SIGNATURE[: len(data)]):
        return _read_v2(data) if len(data) >= _V2_FIXED else None
    if data.startswith(_V1_START[: len(data)]):
        return _read_v1(data)
    raise ProxyHeaderError("there is no PROXY header")


def is_proxy_header(data: bytes) -> bool:
    """Tell whether a connection begins with a header, of whatever content."""
    return data.startswith((_V1_START, _V2_SIGNATURE))


# --- version 1 ------------------------------------------------------------------------------------


def _read_v1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, _V1_LONGEST)
    if end < 0:
        if len(data) >= _V1_LONGEST:
            raise ProxyHeaderError(f"the line is longer than {_V1_LONGEST} bytes")
        return None
    line = _V1_LINE.fullmatch(data[:end].decode("latin-1"))
    if line is None:
        raise ProxyHeaderError("the line is malformed")
    size = end + 2
    family, source, destination, source_port, port = line.groups()
    if family is None:  # UNKNOWN: whatever follows on the line is ignored
        return ProxyHeader(size)
    _v1_address(destination, family)
    _v1_port(source_port)
    return ProxyHeader(size, source=_v1_address(source, family), port=_v1_port(port))


def _v1_address(text: str, family: str) -> str:
    try:
        address = IPv4Address(text) if family == "4" else IPv6Address(text)
    except AddressValueError:
        raise ProxyHeaderError(f"an address is not one of TCP{family}") from None
    known = canonical_address(str(address))
    if not known:
        raise ProxyHeaderError("an address has a zone")
    return known


def _v1_port(text: str) -> int:
    if not _PORT.fullmatch(text) or int(text) > _MAX_PORT:
        raise ProxyHeaderError("a port is not a number up to 65535")
    return int(text)


# --- version 2 ------------------------------------------------------------------------------------


def _read_v2(data: bytes) -> ProxyHeader | None:
    command, family, length = struct.unpack_from("!BBH", data, len(_V2_SIGNATURE))
    size = _V2_FIXED + length
    if command not in (_LOCAL, _PROXY):
        raise ProxyHeaderError(f"version and command are 0x{command:02x}")
    if size > MAX_HEADER:
        raise ProxyHeaderError(f"the header is longer than {MAX_HEADER} bytes")
    layout = _ADDRESSES.get(family)
    if command == _PROXY and layout is None:
        raise ProxyHeaderError(f"the address family is 0x{family:02x}")
    if len(data) < size:
        return None
    if command == _LOCAL or layout is None:  # what it holds has to be ignored
        return ProxyHeader(size, is_local=True)
    if length < layout.size:
        raise ProxyHeaderError("the addresses are cut off")
    header = data[:size]
    _check_extensions(header, _V2_FIXED + layout.size)
    return _v2_addresses(header, family, layout)


def _v2_addresses(header: bytes, family: int, layout: struct.Struct) -> ProxyHeader:
    parts = layout.unpack_from(header, _V2_FIXED)
    match parts:
        case (bytes(source), _, _, port):
            is_v4 = len(source) == 4  # noqa: PLR2004 -- octets of an IPv4 address
            text = str(IPv4Address(source) if is_v4 else IPv6Address(source))
            return ProxyHeader(len(header), source=canonical_address(text), port=port)
        case _:
            return ProxyHeader(len(header), source="" if family == _UNSPECIFIED else UNIX)


def _check_extensions(header: bytes, start: int) -> None:
    """Walk the type-length-values: none may be cut off, and a checksum has to be right."""
    at, end = start, len(header)
    while at < end:
        if end - at < _TLV.size:
            raise ProxyHeaderError("an extension is cut off")
        kind, length = _TLV.unpack_from(header, at)
        at += _TLV.size
        if length > end - at:
            raise ProxyHeaderError("an extension is cut off")
        if kind == _CRC32C:
            _check_sum(header, at, length)
        at += length


def _check_sum(header: bytes, at: int, length: int) -> None:
    if length != _CRC_SIZE:
        raise ProxyHeaderError("the checksum has not 4 bytes")
    zeroed = header[:at] + bytes(_CRC_SIZE) + header[at + _CRC_SIZE :]
    if crc32c(zeroed) != int.from_bytes(header[at : at + _CRC_SIZE], "big"):
        raise ProxyHeaderError("the checksum is wrong")


def _crc_table() -> tuple[int, ...]:
    table = []
    for octet in range(256):
        value = octet
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE: Final = _crc_table()


def crc32c(data: bytes) -> int:
    """Return the Castagnoli checksum (RFC 9260, appendix A), which zlib has not."""
    value = 0xFFFFFFFF
    for octet in data:
        value = value >> 8 ^ _CRC_TABLE[(value ^ octet) & 0xFF]
    return value ^ 0xFFFFFFFF
