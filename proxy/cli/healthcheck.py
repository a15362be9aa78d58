"""``certgate healthcheck``: does the proxy of this configuration accept and answer?"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any

import click

from proxy.cli.config_option import ConfiguredCommand, config_option
from proxy.cli.unix_socket import connect_unix
from proxy.config.addresses import Address
from proxy.config.entrance import Entrance, glance
from proxy.config.listen_addresses import SocketPath
from proxy.errors import CertgateError
from proxy.forward.proxy_protocol import LOCAL_HEADER

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.config.entrance import Door
    from proxy.config.listen_addresses import ListenAddress
    from proxy.config.model import Config

# ``*`` asks about the server as a whole (RFC 9110, section 9.3.7) and without a certificate ends
# in a refusal: the app is not bothered.
_REQUEST = (
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nUser-Agent: certgate-healthcheck\r\n"
    b"Accept: text/plain\r\nConnection: close\r\n\r\n"
)
_REDIRECTED = b"HEAD / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: certgate-healthcheck\r\n\r\n"
# Where a gate on every address of a family is found; ``::`` is bound for IPv6 alone.
_LOOPBACK = {
    "": ("127.0.0.1", "::1"),
    "0.0.0.0": ("127.0.0.1",),  # noqa: S104 -- compared, not bound
    "::": ("::1",),
}
# OpenSSL's names for bytes that are no record of TLS.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"})


class _Seconds(click.FloatRange):
    """A number within a range; click's own lets NaN pass, which is neither below nor above one."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail("write a number of seconds, e.g. 5", param, ctx)
        return number


@click.command(cls=ConfiguredCommand)
@config_option
@click.option(
    "--timeout",
    type=_Seconds(min=0, min_open=True, max=3600),
    metavar="SECONDS",
    default=5.0,
    show_default=True,
    help="How long to wait for an answer.",
)
def healthcheck(config_file: Path | None, timeout: float) -> None:
    """Exit 0 when the proxy accepts a connection and answers; for containers."""
    entrance = glance(config_file, os.environ) or Entrance.of(_whole(config_file))
    try:
        _check_all(entrance, timeout)
    except CertgateError:
        _whole(config_file)  # what is wrong with it explains more
        raise
    click.echo("ok")


def _whole(config_file: Path | None) -> Config:
    """Return the configuration.

    Raises:
        ConfigError: with every problem that it has.
    """
    from proxy.cli.configuration import read_config  # noqa: PLC0415 -- takes longer than all else

    return read_config(config_file)


def _check_all(entrance: Entrance, timeout: float) -> None:
    # A gate that refuses in the handshake closes behind its alert. A request that comes later is
    # answered with a reset, and that may overtake the alert: nothing is sent.
    request = b"" if entrance.refuses_in_handshake else _REQUEST
    known = [one for one in entrance.doors if isinstance(one.address, Address | SocketPath)]
    if not known:
        # Where a socket of systemd's is bound stands in systemd's files.
        raise CertgateError(
            "listen: nobody knows where sockets that are passed are bound; add an address to ask,"
            " such as 127.0.0.1:8443"
        )
    for door in known:
        _check(door, request, timeout)


def _check(door: Door, request: bytes, timeout: float) -> None:
    address = door.address
    try:
        start = _ask(door, request, timeout)
    except ssl.SSLError as error:
        # reject_with: alert refuses us in the handshake: that is an answer, too.
        if "CERTIFICATE_REQUIRED" not in (error.reason or ""):
            raise CertgateError(f"{address}: {_without_tls(error)}") from error
        return
    except socket.gaierror as error:
        raise CertgateError(
            f"{address}: the name does not resolve; correct it in listen"
        ) from error
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CertgateError(f"{address}: the proxy does not answer: {why}") from error
    if not start.startswith(b"HTTP/1.1 "):
        raise CertgateError(f"{address}: the proxy did not answer with HTTP")


def _without_tls(error: ssl.SSLError) -> str:
    """Return what came in the place of a handshake."""
    if isinstance(error, ssl.SSLEOFError):
        return "something there accepts, but ends the connection in the handshake"
    if error.reason in _NO_TLS:
        return "something there answers, but not with TLS; is it another program?"
    return f"the TLS handshake fails: {(error.reason or str(error)).lower().replace('_', ' ')}"


def _ask(door: Door, request: bytes, timeout: float) -> bytes:
    """Return how the answer begins."""
    with _connected(door.address, timeout) as raw:
        if door.proxy_protocol:
            raw.sendall(LOCAL_HEADER)
        if door.redirects:
            raw.sendall(_REDIRECTED)
            return raw.recv(64)
        with _context().wrap_socket(raw) as secured:
            secured.sendall(request)
            return secured.recv(64)


def _connected(address: ListenAddress, timeout: float) -> socket.socket:
    if isinstance(address, SocketPath):
        return connect_unix(address.path, timeout)
    assert isinstance(address, Address)  # noqa: S101 -- for the type checker: others are left out
    *first, last = _LOOPBACK.get(address.host, (address.host,))
    for host in first:
        with contextlib.suppress(OSError):
            return socket.create_connection((host, address.port), timeout)
    return socket.create_connection((last, address.port), timeout)


def _context() -> ssl.SSLContext:
    """Return a context that takes any server: whether it lives is asked, not who it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
