"""``certgate healthcheck``: does the proxy of this configuration accept and answer?"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import click

from proxy.cli.configuration import ConfiguredCommand, config_option, read_config
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.config.addresses import Address

# ``*`` asks about the server as a whole (RFC 9110, section 9.3.7) and without a certificate ends
# in a refusal: the app is not bothered.
_REQUEST = (
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nUser-Agent: certgate-healthcheck\r\n"
    b"Accept: text/plain\r\nConnection: close\r\n\r\n"
)
# A gate on every address of a family; ``::`` is bound for IPv6 alone.
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared, not bound


@click.command(cls=ConfiguredCommand)
@config_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=3600),
    metavar="SECONDS",
    default=5.0,
    show_default=True,
    help="How long to wait for an answer.",
)
def healthcheck(config_file: Path | None, timeout: float) -> None:
    """Exit 0 when the proxy accepts a connection and answers; for containers."""
    config = read_config(config_file)
    # A gate that refuses in the handshake closes behind its alert. A request that comes later is
    # answered with a reset, and that may overtake the alert: nothing is sent.
    request = b"" if config.client_auth.reject_with == "alert" else _REQUEST
    for listener in config.listen:
        _check(listener.address, request, timeout)
    click.echo("ok")


def _check(address: Address, request: bytes, timeout: float) -> None:
    host = _LOOPBACK.get(address.host, address.host)
    try:
        with (
            socket.create_connection((host, address.port), timeout) as raw,
            _context().wrap_socket(raw) as secured,
        ):
            secured.sendall(request)
            start = secured.recv(64)
    except ssl.SSLError as error:
        # reject_with: alert refuses us in the handshake: that is an answer, too.
        if "CERTIFICATE_REQUIRED" not in (error.reason or ""):
            raise CertgateError(f"{address}: no TLS here: {error.reason or error}") from error
        return
    except OSError as error:
        why = error.strerror or str(error)
        raise CertgateError(f"{address}: the proxy does not answer: {why}") from error
    if not start.startswith(b"HTTP/1.1 "):
        raise CertgateError(f"{address}: the proxy did not answer with HTTP")


def _context() -> ssl.SSLContext:
    """Return a context that takes any server: whether it lives is asked, not who it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
