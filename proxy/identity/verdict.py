"""From everything that is known about a peer to one answer: admitted, or refused and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Final

from proxy.identity.codes import RefusalCode
from proxy.identity.peer import VerifyError
from proxy.identity.tbs import TbsCertificate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptography.x509 import Certificate

    from proxy.identity.peer import PeerIdentity
    from proxy.identity.revocation import RevocationView

_CODE_ORDER: Final = (
    ((22, 25), RefusalCode.CERTIFICATE_CHAIN_TOO_LONG),
    ((18,), RefusalCode.CERTIFICATE_SELF_SIGNED),
    ((7,), RefusalCode.CERTIFICATE_BAD_SIGNATURE),
    ((2, 19, 20, 21, 27), RefusalCode.CERTIFICATE_UNKNOWN_ISSUER),
    ((23,), RefusalCode.CERTIFICATE_REVOKED),
    ((10,), RefusalCode.CERTIFICATE_EXPIRED),
    ((9,), RefusalCode.CERTIFICATE_NOT_YET_VALID),
    ((26,), RefusalCode.CERTIFICATE_WRONG_PURPOSE),
    ((66, 67, 68), RefusalCode.CERTIFICATE_WEAK),
    ((12,), RefusalCode.CRL_EXPIRED),
    ((3, 8, 11), RefusalCode.CRL_MISSING),
)
"""OpenSSL's numbers → code, most telling first: the one that the holder can act on (§3.3)."""

_CODES: Final = {number: code for numbers, code in _CODE_ORDER for number in numbers}
_RANKS: Final = {number: rank for rank, number in enumerate(_CODES)}
_SELF_SIGNED_LEAF: Final = 18
_ISSUER_NOT_FOUND: Final = frozenset({2, 20, 21, 27})
_NOT_YET_VALID: Final = (9, "certificate is not yet valid")
_EXPIRED: Final = (10, "certificate has expired")
_ALWAYS: Final = float("inf")


class Hint(StrEnum):
    """What a refusal really is where OpenSSL's error number misleads."""

    SUBJECT_IS_ISSUER = "subject_is_issuer"
    """Error 18 without a self-signature: the holder's name equals the CA's name, for example both
    blank. OpenSSL then takes the certificate for its own issuer. Cure: another subject."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer about one peer, and how long it stands.

    Attributes:
        code: None for SUCCESS, and only then is anybody let in.
        error: the error behind the code; None where there is none (missing, no verdict at all).
        valid_from: unix time since which this is the answer; a clock that is set back may undo it.
        valid_until: unix time at which it ends by time alone, while the view stays the same.
        hint: what to say besides the code.
    """

    code: RefusalCode | None
    error: VerifyError | None = None
    valid_from: float = -_ALWAYS
    valid_until: float = _ALWAYS
    hint: Hint | None = None

    def stands(self, now: float) -> bool:
        """Say whether the verdict may be used again at ``now`` under the same revocation view."""
        return self.valid_from <= now < self.valid_until


MISSING: Final = Verdict(RefusalCode.CERTIFICATE_MISSING)
INVALID: Final = Verdict(RefusalCode.CERTIFICATE_INVALID)


def judge(
    peer: PeerIdentity,
    now: float,
    view: RevocationView,
    known_issuers: frozenset[bytes] = frozenset(),
) -> Verdict:
    """Decide about a peer. Never raises: what cannot be read is refused.

    The handshake's errors never go away; the validity of every certificate of the chain and the
    revocation lists are looked at again at ``now``.

    Args:
        peer: what the handshake left.
        now: unix time.
        view: the revocation lists in force now.
        known_issuers: DER names of CAs known from the configuration (``known_issuer_names``); a
            chain that ends below one of them is incomplete rather than foreign.
    """
    if peer.leaf is None:
        return _without_leaf(peer)
    # No callback at depth 0, no proof of the key on this connection, or a chain that is not about
    # this leaf: nothing was verified, whatever the list of errors says.
    if not peer.judged or not peer.chain or peer.chain[0] != peer.leaf:
        return INVALID
    try:
        return _judge_chain(peer, now, view, known_issuers)
    except Exception:  # noqa: BLE001 - the bytes are the client's: any surprise in them refuses
        return INVALID


def _without_leaf(peer: PeerIdentity) -> Verdict:
    # Errors without a leaf: a certificate came, but not one that could be read.
    if not peer.errors:
        return MISSING
    return Verdict(RefusalCode.CERTIFICATE_INVALID, most_telling(peer.errors))


def _judge_chain(
    peer: PeerIdentity, now: float, view: RevocationView, known_issuers: frozenset[bytes]
) -> Verdict:
    validity = [_validity(item) for item in peer.chain]
    revocation = view.answer(peer.chain, now, validated=not peer.errors)
    errors = (*peer.errors, *_validity_errors(validity, now), *revocation.errors)
    moments = [*chain.from_iterable(validity), *revocation.moments]
    valid_from = max((item for item in moments if item <= now), default=-_ALWAYS)
    valid_until = min((item for item in moments if item > now), default=_ALWAYS)
    if not errors:
        return Verdict(None, None, valid_from, valid_until)
    error = most_telling(errors)
    code = refusal_code(error.number)
    if code is RefusalCode.CERTIFICATE_UNKNOWN_ISSUER and _is_incomplete(
        peer, error, known_issuers
    ):
        code = RefusalCode.CERTIFICATE_INCOMPLETE_CHAIN
    return Verdict(code, error, valid_from, valid_until, _hint(error, peer.chain[0]))


def refusal_code(number: int) -> RefusalCode:
    """Return the code of one OpenSSL error number, ``certificate_invalid`` for all unlisted."""
    return _CODES.get(number, RefusalCode.CERTIFICATE_INVALID)


def most_telling(errors: Iterable[VerifyError]) -> VerifyError:
    """Return the error to report, whatever their order: by the table, then nearest to the leaf."""
    return min(
        errors,
        key=lambda item: (
            _RANKS.get(item.number, len(_RANKS)),
            item.depth,
            item.number,
            item.text,
        ),
    )


def _validity(certificate: Certificate) -> tuple[float, float]:
    return (
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
    )


def _validity_errors(validity: Iterable[tuple[float, float]], now: float) -> Iterator[VerifyError]:
    # OpenSSL's X509_cmp_time takes equality for "earlier": at notAfter itself it has expired.
    for depth, (not_before, not_after) in enumerate(validity):
        if now < not_before:
            yield VerifyError(_NOT_YET_VALID[0], depth, _NOT_YET_VALID[1])
        if now >= not_after:
            yield VerifyError(_EXPIRED[0], depth, _EXPIRED[1])


def _is_incomplete(peer: PeerIdentity, error: VerifyError, known_issuers: frozenset[bytes]) -> bool:
    return (
        error.number in _ISSUER_NOT_FOUND
        and TbsCertificate.read(peer.chain[-1]).issuer in known_issuers
    )


def _hint(error: VerifyError, leaf: Certificate) -> Hint | None:
    if error.number != _SELF_SIGNED_LEAF:
        return None
    try:
        leaf.verify_directly_issued_by(leaf)
    except Exception:  # noqa: BLE001 - whatever keeps the signature from verifying
        return Hint.SUBJECT_IS_ISSUER
    return None
