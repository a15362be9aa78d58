"""The answer to a client that is not let in: which certificate, what is wrong, what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from proxy.identity.codes import RefusalCode
from proxy.web.certificate import CertificateCard, make_card
from proxy.web.moments import say_distance, say_moment
from proxy.web.page import Detail, Page, Story, render
from proxy.web.untrusted import printable
from proxy.web.wording import REFUSALS, WITHHELD, Wording

if TYPE_CHECKING:
    from proxy.identity.facts import CertificateFacts


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is refused, and what may be told about it.

    Attributes:
        status: the status code to answer with, normally 403.
        code: why.
        request_id: what the operator finds in the log.
        now: the current time, seconds since the epoch.
        detail: how much the page tells.
        verify_error: OpenSSL's number; None when there is none.
        certificate: the leaf that was sent; None when none was sent or it is unreadable.
        subject_is_issuers: the leaf carries its authority's own name. OpenSSL then takes it for
            self-signed, and only this page says what it really is.
    """

    status: int
    code: RefusalCode
    request_id: str
    now: float
    detail: Detail = "full"
    verify_error: int | None = None
    certificate: CertificateFacts | None = None
    subject_is_issuers: bool = False


def render_refusal(refusal: Refusal, accept: bytes | None) -> Page:
    """Render a refusal in the format that the request's Accept field asks for.

    With ``full`` the page shows the certificate; with ``short`` it says what is wrong but nothing
    out of the certificate; with ``none`` the page is the same for every cause, so that it tells
    nobody which of their certificates is known here.

    Args:
        refusal: what happened.
        accept: the Accept field's value, None when it is absent.
    """
    return render(_tell(refusal), accept)


def _tell(refusal: Refusal) -> Story:
    if refusal.detail == "none":
        return _story(refusal, WITHHELD)
    wording = _choose_wording(refusal)
    if refusal.detail == "short" or refusal.certificate is None:
        return _story(refusal, wording)
    card = make_card(refusal.certificate)
    what = _say_what(refusal, wording.what, card)
    return _story(refusal, replace(wording, what=what), card)


def _choose_wording(refusal: Refusal) -> Wording:
    if refusal.subject_is_issuers and refusal.code is RefusalCode.CERTIFICATE_SELF_SIGNED:
        return _SUBJECT_IS_ISSUERS
    return REFUSALS[refusal.code]


def _story(refusal: Refusal, wording: Wording, card: CertificateCard | None = None) -> Story:
    withheld = wording is WITHHELD
    return Story(
        status=refusal.status,
        code="" if withheld else refusal.code.value,
        title=wording.title,
        what=wording.what,
        steps=wording.steps,
        icon=wording.icon,
        request_id=printable(refusal.request_id),
        browser_help=wording.browser_help,
        retry=False,
        card=card,
        problem={} if withheld else {"verify_error": refusal.verify_error},
    )


# The blog posts' trap: every field of the request left blank, so both are named alike.
_SUBJECT_IS_ISSUERS: Final = Wording(
    "Your certificate has the same name as its issuer",
    "It carries exactly the name of the authority that issued it, and so looks as if it had "
    "signed itself.",
    (
        (
            "Ask the person who runs this site to issue it again, with a name of its own: "
            "at least a common name (CN) that is not the authority's."
        ),
    ),
    browser_help=False,
)


def _say_what(refusal: Refusal, what: str, card: CertificateCard) -> str:
    """Return what is wrong, with the certificate's own facts where they explain it."""
    match refusal.code:
        case RefusalCode.CERTIFICATE_EXPIRED:
            return _say_expiry(card, refusal.now)
        case RefusalCode.CERTIFICATE_NOT_YET_VALID:
            return _say_start(card, refusal.now)
        case RefusalCode.CERTIFICATE_UNKNOWN_ISSUER | RefusalCode.CERTIFICATE_BAD_SIGNATURE:
            return f"It was issued by “{card.issued_by}”. {what}"
        case _:
            return what


def _say_expiry(card: CertificateCard, now: float) -> str:
    late = now - card.not_after.timestamp()
    if late <= 0:
        return _higher_up("has expired")
    return f"It was valid until {say_moment(card.not_after)}, and expired {say_distance(late)} ago."


def _say_start(card: CertificateCard, now: float) -> str:
    early = card.not_before.timestamp() - now
    if early <= 0:
        return _higher_up("is not valid yet")
    return f"It is valid from {say_moment(card.not_before)}, in {say_distance(early)}."


def _higher_up(trouble: str) -> str:
    # The validity of the whole chain counts; the leaf alone does not explain this one.
    return f"Yours is within its time, but a certificate above it in its chain {trouble}."
