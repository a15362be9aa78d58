"""An aiohttp.web middleware: no verified client certificate, no request.

For apps that want certgate's gate without certgate's proxy::

    context = ClientCertContext()
    context.load_cert_chain("server.crt", "server.key")
    context.load_verify_locations("ca.crt")
    app = web.Application(middlewares=[require_client_certificate()])
    web.run_app(app, ssl_context=context)

The verdict is made at each request, as in the proxy: a certificate that expires or is revoked while
its connection is open stops working at the next request.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, Final

from aiohttp import web

from proxy.identity.facts import CertificateFacts
from proxy.identity.peer import NO_CERTIFICATE, PeerIdentity
from proxy.identity.revocation import NO_REVOCATION_CHECK, RevocationView
from proxy.identity.verdict import Hint, judge
from proxy.tls import ClientCertObject
from proxy.web.refusal import Refusal, render_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler, Middleware
    from cryptography.x509 import Certificate

    from proxy.web.page import Detail

_LOG = logging.getLogger(__name__)

PEER: Final = web.RequestKey("peer", PeerIdentity)
"""Where a handler finds who its client is: ``request[PEER].leaf`` is a verified certificate."""


def _no_revocation_check() -> RevocationView:
    return NO_REVOCATION_CHECK


def require_client_certificate(
    *,
    revocation: Callable[[], RevocationView] = _no_revocation_check,
    known_issuers: frozenset[bytes] = frozenset(),
    status: int = 403,
    detail: Detail = "full",
    clock: Callable[[], float] = time.time,
) -> Middleware:
    """Return a middleware that answers every request of an unverified client with the refusal.

    A request that did not come through a ``ClientCertContext``, plain HTTP included, has no
    verified client and is refused as well.

    Args:
        revocation: gives the revocation lists in force at the moment of a request.
        known_issuers: see ``judge``.
        status: the refusal's status code.
        detail: how much the refusal tells.
        clock: unix time.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        peer, now = _peer_of(request), clock()
        verdict = judge(peer, now, revocation(), known_issuers)
        if verdict.code is None:
            request[PEER] = peer
            return await handler(request)
        refusal = Refusal(
            status=status,
            code=verdict.code,
            request_id=secrets.token_hex(16),
            now=now,
            detail=detail,
            verify_error=None if verdict.error is None else verdict.error.number,
            certificate=_facts(peer.leaf),
            subject_is_issuers=verdict.hint is Hint.SUBJECT_IS_ISSUER,
        )
        return _response(request, refusal)

    return middleware


def _peer_of(request: web.Request) -> PeerIdentity:
    transport = request.transport
    tls = None if transport is None else transport.get_extra_info("ssl_object")
    return tls.peer_identity() if isinstance(tls, ClientCertObject) else NO_CERTIFICATE


def _facts(leaf: Certificate | None) -> CertificateFacts | None:
    try:
        return None if leaf is None else CertificateFacts.read(leaf)
    except Exception:  # noqa: BLE001 - what is refused may be unreadable; the page shows less then
        return None


def _response(request: web.Request, refusal: Refusal) -> web.Response:
    _LOG.info("request %s refused: %s", refusal.request_id, refusal.code)
    accept = request.headers.getall("Accept", [])
    page = render_refusal(refusal, ", ".join(accept).encode() if accept else None)
    response = web.Response(status=refusal.status, body=page.body)
    for name, value in page.fields:
        response.headers[name.decode("ascii")] = value.decode("ascii")
    # The next attempt is a fresh choice of certificate: browsers ask only on a new connection.
    response.force_close()
    return response
