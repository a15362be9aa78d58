"""A real client and a real server, joined in memory: the handshake of a test."""

from __future__ import annotations

import ssl
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from OpenSSL import SSL

from proxy.tls.build import build_context
from proxy.tls.files import ServerCertificate, pair
from proxy.tls.openssl import error_queue_is_empty
from tests.pki import server, trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.tls.connection import TLSConnection
    from proxy.tls.context import ClientCertContext
    from tests.pki import Identity

TLS_1_2 = ssl.TLSVersion.TLSv1_2
TLS_1_3 = ssl.TLSVersion.TLSv1_3
VERSIONS = (TLS_1_2, TLS_1_3)
BOTH_VERSIONS = ("version", VERSIONS)


@cache
def server_certificate(*hosts: str) -> ServerCertificate:
    """Return a loaded server certificate; localhost and 127.0.0.1 if no host is named."""
    identity = server(*hosts)
    return pair(identity.certificates, identity.key, "server.crt", "server.key")


def gate(**changes: object) -> ClientCertContext:
    """Return a frozen context that trusts the test root; ``changes`` as in ``build_context``."""
    settings: dict[str, object] = {
        "default": server_certificate(),
        "by_name": {},
        "anchors": [trust().root.certificate],
    }
    return build_context(**(settings | changes))  # type: ignore[arg-type]


def client_context(
    who: Identity | None = None, version: ssl.TLSVersion | None = None
) -> ssl.SSLContext:
    """Return a client that has this identity, trusts the web root and sends weak things, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=trust().web.pem.decode())
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if who is not None:
        use(context, who)
    return context


def use(context: ssl.SSLContext, who: Identity) -> None:
    """Give a client its certificate and key; the standard library takes files only."""
    with tempfile.TemporaryDirectory() as folder:
        files = who.write(Path(folder))
        context.load_cert_chain(files.certificate, files.key)


@dataclass
class Joined:
    """Both ends after the handshake, and how to carry bytes between them."""

    client: ssl.SSLObject
    to_client: ssl.MemoryBIO
    from_client: ssl.MemoryBIO
    server: TLSConnection

    def to_server(self, change: Callable[[bytes], bytes] = bytes) -> None:
        """Carry what the client has written to the server."""
        data = change(self.from_client.read())
        if data:
            self.server.feed(data)

    def back(self) -> int:
        """Carry what the server has written to the client; return how much it was."""
        return self.to_client.write(self.server.drain(1 << 20))

    def shake_hands(self, change: Callable[[bytes], bytes] = bytes) -> None:
        """Go on with the handshake until both are done."""
        waiting: list[Callable[[], bool | None]] = [self.server.handshake, self.client.do_handshake]
        for _ in range(8):
            waiting = [handshake for handshake in waiting if not _finished(handshake)]
            self.to_server(change)
            self.back()
            if not waiting:
                break
        assert not waiting, "the handshake did not come to an end"
        assert error_queue_is_empty()


def join(
    context: ClientCertContext,
    who: Identity | None = None,
    *,
    version: ssl.TLSVersion | None = None,
    name: str | None = "localhost",
    client: ssl.SSLContext | None = None,
    session: ssl.SSLSession | None = None,
    change: Callable[[bytes], bytes] = bytes,
) -> Joined:
    """Return both ends when both are done with the handshake; raise what either raises."""
    ends = open_ends(context, client or client_context(who, version), name, session)
    ends.shake_hands(change)
    return ends


def open_ends(
    context: ClientCertContext,
    client: ssl.SSLContext,
    name: str | None = "localhost",
    session: ssl.SSLSession | None = None,
) -> Joined:
    """Return both ends before the handshake."""
    to_client, from_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    wrapped = client.wrap_bio(to_client, from_client, server_hostname=name, session=session)
    return Joined(wrapped, to_client, from_client, context.new_connection())


def client_of(server: TLSConnection) -> SSL.Connection:
    """Return a client of pyOpenSSL after its handshake: it shows all that a server sends."""
    client_side = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
    client_side.set_connect_state()
    for _ in range(2):
        with suppress(SSL.WantReadError):
            client_side.do_handshake()
        server.feed(client_side.bio_read(1 << 16))
        server.handshake()
        client_side.bio_write(server.drain(1 << 16))
    client_side.do_handshake()
    return client_side


def _finished(handshake: Callable[[], bool | None]) -> bool:
    try:
        return handshake() is not False
    except ssl.SSLWantReadError:
        return False
