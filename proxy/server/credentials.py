"""What a client certificate is worth, right now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from proxy.forward.identity_headers import identity_header_lines
from proxy.http1.head import RequestParser
from proxy.identity.codes import RefusalCode
from proxy.identity.facts import CertificateFacts
from proxy.identity.peer import PeerIdentity, VerifyError
from proxy.identity.verdict import INVALID, Verdict, judge
from proxy.observe.access_record import LoggedClient

if TYPE_CHECKING:
    from proxy.snapshot import Snapshot

_log = structlog.stdlib.get_logger()

_NO_LONGER_TRUSTED = VerifyError(19, 1, "self-signed certificate in certificate chain")
_CHAIN_TOO_LONG = VerifyError(22, 0, "certificate chain too long")


class Credentials:
    """A peer, judged again whenever the answer may have changed.

    A verdict is kept only while nothing that it depends on has moved: the same snapshot (trust,
    revocation view), and a time at which it still stands. So the decision is made for every
    request, and costs two comparisons for nearly all of them. Any exception on the way refuses.
    """

    __slots__ = (
        "_lines",
        "_lines_until",
        "_logged",
        "_max_fields",
        "_parser",
        "_snapshot",
        "_verdict",
        "facts",
        "peer",
        "verify",
    )

    def __init__(self, peer: PeerIdentity) -> None:
        self.peer = peer
        self.facts = _read_facts(peer)
        self.verify = ""
        # Few: OpenSSL has few ciphers, and a gate few ports.
        self._logged: dict[tuple[str, str, int], LoggedClient] = {}
        self._snapshot: Snapshot | None = None
        self._max_fields = -1
        self._parser: RequestParser
        self._verdict = INVALID
        self._lines = b""
        self._lines_until = 0.0

    def parser(self, snapshot: Snapshot) -> RequestParser:
        """Return the parser for this client's requests; it remembers what the client repeats."""
        if self._max_fields != snapshot.limits.fields:
            self._max_fields = snapshot.limits.fields
            self._parser = RequestParser(self._max_fields)
        return self._parser

    def logged(self, protocol: str, cipher: str, port: int) -> LoggedClient:
        """Return what the access log says about a connection of this peer to this port."""
        key = protocol, cipher, port
        known = self._logged.get(key)
        if known is None:
            known = self._logged[key] = _logged_client(self.facts, *key)
        return known

    def verdict(self, snapshot: Snapshot, now: float) -> Verdict:
        """Return the verdict for a request at this time.

        Args:
            snapshot: the current one, not the one that a request or a connection has pinned.
            now: seconds since the epoch.
        """
        if self._snapshot is snapshot and self._verdict.stands(now):
            return self._verdict
        self._verdict = self._judge(snapshot, now)
        self.verify = _verify_text(self._verdict)
        self._snapshot, self._lines_until = snapshot, 0.0
        return self._verdict

    def header_lines(self, now: float) -> bytes:
        """Return the identity fields for the app, under the verdict that was asked for last."""
        if now >= self._lines_until and self._snapshot is not None:
            made = identity_header_lines(
                self.facts, self._verdict, self._snapshot.identity_headers, now, self.peer.chain
            )
            self._lines, self._lines_until = made.lines, made.stale_at
        return self._lines

    def _judge(self, snapshot: Snapshot, now: float) -> Verdict:
        try:
            peer = self._peer_under(snapshot)
            verdict = judge(peer, now, snapshot.revocation, snapshot.known_issuers)
            unreadable = verdict.code is None and self.facts is None
        except Exception:  # noqa: BLE001 -- whatever it is, it must not open the gate
            _log.exception("an error of certgate itself, while judging a certificate")
            return INVALID
        return INVALID if unreadable else verdict

    def _peer_under(self, snapshot: Snapshot) -> PeerIdentity:
        """Return the peer with what a changed configuration has against it.

        The handshake was made under the trust anchors of its time. A reload that removes one, or
        shortens the path, counts at the next request of an open connection.
        """
        peer = self.peer
        if not peer.chain or not peer.judged:
            return peer
        errors = peer.errors
        if not errors and peer.chain[-1] not in snapshot.anchors:
            errors = (*errors, _NO_LONGER_TRUSTED)
        if len(peer.chain) - 2 > snapshot.client_auth.verify_depth:
            errors = (*errors, _CHAIN_TOO_LONG)
        return peer if errors is peer.errors else replace(peer, errors=errors)


def _read_facts(peer: PeerIdentity) -> CertificateFacts | None:
    if peer.leaf is None:
        return None
    try:
        return CertificateFacts.read(peer.leaf)
    except Exception:  # noqa: BLE001 - the bytes are the client's: unreadable is refused, not raised
        return None


def _logged_client(
    facts: CertificateFacts | None, protocol: str, cipher: str, port: int
) -> LoggedClient:
    if facts is None:
        return LoggedClient(protocol, cipher, server_port=port)
    return LoggedClient(
        protocol,
        cipher,
        facts.subject,
        facts.issuer,
        facts.serial_hex,
        facts.fingerprint_sha256,
        facts,
        port,
    )


def _verify_text(verdict: Verdict) -> str:
    """Return what nginx's ``$ssl_client_verify`` says."""
    if verdict.code is None:
        return "SUCCESS"
    if verdict.code is RefusalCode.CERTIFICATE_MISSING:
        return "NONE"
    return f"FAILED:{verdict.error.text if verdict.error else 'certificate was not verified'}"
