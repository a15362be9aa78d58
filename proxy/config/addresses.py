"""Addresses of TCP sockets, and which servers the proxy speaks to, as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urlsplit

from proxy.config.units import WHOLE_NUMBER, quoted

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC: Final = re.compile(r"[0-9.]+")
_MAX_HOST_LENGTH: Final = 253  # RFC 1035 section 2.3.4, without the root's dot
_MAX_PORT: Final = 65535
_MAX_SOCKET_PATH: Final = 107  # of struct sockaddr_un (unix(7)), without the NUL
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the proxy listens.

    Attributes:
        host: a name or an IP address without brackets; empty for every address of the machine.
        port: 0 lets the system choose a free one.
    """

    host: str
    port: int

    def __str__(self) -> str:
        """Return the form in which it is written: ``host:port``, ``[v6]:port`` or ``:port``."""
        return f"{_bracketed(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the app.

    Attributes:
        host: a name or an IP address without brackets. A name is looked up when connecting.
        port: 1 to 65535.
        is_tls: it is spoken to over TLS.
        path: of a Unix socket; host and port are empty then.
    """

    host: str
    port: int
    is_tls: bool = False
    path: str = ""

    @property
    def is_named(self) -> bool:
        """It has a name, which is looked up for each connection, and not an address."""
        return not self.path and ":" not in self.host and not _NUMERIC.fullmatch(self.host)

    @property
    def address(self) -> str:
        """The form for logs, as nginx's ``$upstream_addr``: ``host:port`` or ``unix:/path``."""
        return f"unix:{self.path}" if self.path else f"{_bracketed(self.host)}:{self.port}"

    def __str__(self) -> str:
        """Return the URL form: ``http://host:port``, ``https://host:port`` or ``unix:/path``."""
        if self.path:
            return self.address
        return f"http{'s' * self.is_tls}://{self.address}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def parse_address(value: object) -> Address:
    """Read ``host:port``, ``[v6]:port``, ``:port`` or a bare port.

    Raises:
        ValueError: with a message for the operator.
    """
    if isinstance(value, Address):
        return value
    text = _text_of(value, "an address such as 0.0.0.0:8443")
    if text.isdecimal():
        return Address("", _parse_port(text, lowest=0))
    host, port = _split_host_port(text, "0.0.0.0:8443, [::]:8443, :8443 or 8443")
    if host == "*":
        raise ValueError(f"{quoted(text)}: for every address of the machine write :{port}")
    return Address(host and parse_host(host), _parse_port(port, lowest=0))


def parse_server(value: object) -> Server:
    """Read a server's URL, ``host:port`` or a bare port, which is one of this machine.

    The URLs are ``http://host:port``, ``https://host:port`` and ``unix:/path``.

    Raises:
        ValueError: with a message for the operator.
    """
    if isinstance(value, Server):
        return value
    text = _text_of(value, "a URL such as http://127.0.0.1:3000")
    if text.startswith("unix:"):
        return Server("", 0, path=parse_socket_path(text.removeprefix("unix:")))
    if "://" in text:
        return _parse_server_url(text)
    if text.isdecimal():
        return Server("127.0.0.1", _parse_port(text, lowest=1))
    host, port = _split_host_port(text, "http://127.0.0.1:3000")
    if not host:
        raise ValueError(f"{quoted(text)} names no host; write 127.0.0.1:{port}")
    return Server(parse_host(host), _parse_port(port, lowest=1))


def _parse_server_url(text: str) -> Server:
    scheme = text.partition(":")[0].lower()
    if scheme not in _DEFAULT_PORTS:
        raise ValueError(f"{quoted(text)} is not a URL of a server; write http://host:port")
    # urlsplit drops tabs and line ends and trims spaces: look at the text before it does.
    if not text.isprintable() or " " in text:
        raise ValueError(f"{quoted(text)} contains a space or a control character")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not a URL; write http://host:port") from None
    if parts.path not in {"", "/"} or "?" in text or "#" in text:
        raise ValueError(
            "a server is only a host and a port; another path for it is a route's upstream_path"
        )
    if "@" in parts.netloc:
        raise ValueError("a server's URL takes no user and password")
    if not parts.netloc:
        raise ValueError(f"{quoted(text)} names no host; write http://host:port")
    is_tls = scheme == "https"
    if parts.netloc.endswith("]") or ":" not in parts.netloc:
        host = parse_host(parts.netloc.removeprefix("[").removesuffix("]"))
        return Server(host, _DEFAULT_PORTS[scheme], is_tls)
    host, port = _split_host_port(parts.netloc, f"{scheme}://127.0.0.1:3000")
    return Server(parse_host(host), _parse_port(port, lowest=1), is_tls)


def parse_socket_path(text: str) -> str:
    """Return the path of a Unix socket, checked.

    Raises:
        ValueError: with a message for the operator.
    """
    if not text.startswith("/"):
        raise ValueError(f"{quoted(text)} is not the whole path of a socket; write unix:/path")
    if not text.isprintable() or len(text.encode()) > _MAX_SOCKET_PATH:
        raise ValueError(
            f"{quoted(text)} is not the path of a Unix socket: printable text of at most"
            f" {_MAX_SOCKET_PATH} bytes"
        )
    return text


def _split_host_port(text: str, examples: str) -> tuple[str, str]:
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f"{quoted(text)} has no port; write {examples}")
    if host.startswith("[") and host.endswith("]"):
        return _ipv6(host[1:-1]), port
    if ":" in host:
        raise ValueError(f"{quoted(text)} is not an address; an IPv6 one needs brackets: [::1]:443")
    return host, port


def _ipv6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise ValueError(f"{quoted(text)} is not an IPv6 address") from None


def _parse_port(text: str, *, lowest: int) -> int:
    if not WHOLE_NUMBER.fullmatch(text) or not lowest <= int(text) <= _MAX_PORT:
        raise ValueError(f"{quoted(text)} is not a port; ports are {lowest} to {_MAX_PORT}")
    return int(text)


def parse_host(text: str) -> str:
    """Return a host name (lower case, without the root's dot) or an IP address, checked.

    Raises:
        ValueError: with a message for the operator.
    """
    if ":" in text:
        return _ipv6(text)
    name = text.removesuffix(".").lower()
    if name.isascii() and _NUMERIC.fullmatch(name):
        # Also "22": what stands before the colon of 22:30 is no host, whatever inet_aton says.
        return _ipv4(name)
    if not name.isascii():
        raise ValueError(f"{quoted(text)} is not ASCII; write the name as xn--…")
    if len(name) > _MAX_HOST_LENGTH or not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError(f"{quoted(text)} is not a host name")
    return name


def _ipv4(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise ValueError(f"{quoted(text)} is neither a host name nor an IPv4 address") from None


def _text_of(value: object, expected: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"expects {expected}")  # noqa: TRY004 - pydantic reports ValueErrors
    return value
