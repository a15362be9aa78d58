"""What the pages say: one entry for each refusal, in words for somebody who just wants in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proxy.identity.codes import RefusalCode


@dataclass(frozen=True, slots=True)
class Wording:
    """The text of one page.

    Attributes:
        title: what is wrong, in a few words; the heading.
        what: the same in one or two sentences.
        steps: what to do, in order.
        icon: a name in ``templates/icons.html``.
        browser_help: whether how to install or choose a certificate helps.
    """

    title: str
    what: str
    steps: tuple[str, ...]
    icon: str = "shield"
    browser_help: bool = True


# Chrome and Safari remember the choice of a certificate, and the choice of none, for as long as
# they run; a reload asks for nothing. So every page that wants another certificate says this.
_RESTART: Final = (
    "Close every window of the browser, not only this tab, and open it again: "
    "browsers remember the last choice."
)
_REPLACE: Final = f"Install the new one and remove the old one. {_RESTART}"
_ASK_NEW: Final = "Ask the person who runs this site for a new certificate."
_TELL_OPERATOR: Final = (
    "Tell the person who runs this site, and give them the request number below."
)
_NOTHING_WRONG: Final = "There is nothing you can do about it on this device."

REFUSALS: Final[dict[RefusalCode, Wording]] = {
    RefusalCode.CERTIFICATE_MISSING: Wording(
        "No certificate was sent",
        "This site opens only for devices that show a personal certificate. Yours showed none.",
        (
            (
                "Install the certificate you were given: a file that ends in .p12 or .pfx. "
                "If you have none, ask the person who runs this site."
            ),
            _RESTART,
            "Open this page again and choose the certificate when you are asked.",
        ),
        "absent",
    ),
    RefusalCode.CERTIFICATE_EXPIRED: Wording(
        "Your certificate has expired",
        "The time for which it was issued is over.",
        (_ASK_NEW, _REPLACE),
        "clock",
    ),
    RefusalCode.CERTIFICATE_NOT_YET_VALID: Wording(
        "Your certificate is not valid yet",
        "The time for which it was issued has not begun.",
        (
            "Wait until then, and try again.",
            "If it should work already, the clock of the computer that issued it, or of this "
            "server, is wrong. " + _TELL_OPERATOR,
        ),
        "clock",
        browser_help=False,
    ),
    RefusalCode.CERTIFICATE_UNKNOWN_ISSUER: Wording(
        "This site does not know who issued your certificate",
        "Either it is a certificate for some other site, or the file that you installed lacks "
        "the certificates between yours and the authority (the chain).",
        (
            f"If you have more than one certificate, choose another. {_RESTART}",
            (
                "If you have only one, ask for a file with the whole chain in it, "
                "or for a certificate from the authority that this site trusts."
            ),
        ),
    ),
    RefusalCode.CERTIFICATE_SELF_SIGNED: Wording(
        "Your certificate is self-signed",
        "Nobody but itself vouches for it, so it proves nothing to this site.",
        (
            "Ask the person who runs this site for a certificate from its authority.",
            f"If you have one already, choose that. {_RESTART}",
        ),
    ),
    RefusalCode.CERTIFICATE_INCOMPLETE_CHAIN: Wording(
        "A link of your certificate's chain is missing",
        "Your certificate was issued by an intermediate authority whose own certificate was not "
        "sent along.",
        (
            "Install your certificate again from a file with the whole chain in it.",
            _RESTART,
            "If you have no such file, ask the person who runs this site.",
        ),
        "chain",
    ),
    RefusalCode.CERTIFICATE_REVOKED: Wording(
        "Your certificate was withdrawn",
        "Its issuer revoked it. That happens when a device is lost, or when somebody leaves.",
        (
            "If you should still have access, ask the person who runs this site for a new one.",
            _REPLACE,
        ),
    ),
    RefusalCode.CERTIFICATE_WRONG_PURPOSE: Wording(
        "Your certificate is not meant for signing in",
        "It, or one above it in its chain, was issued for another use, for example for a server, "
        "and does not allow client authentication.",
        (
            f"If you have more than one certificate, choose another. {_RESTART}",
            "If you have only one, ask for a new one that allows client authentication.",
        ),
    ),
    RefusalCode.CERTIFICATE_CHAIN_TOO_LONG: Wording(
        "Your certificate's chain is too long",
        "There are more authorities between your certificate and the trusted one than are allowed.",
        (_TELL_OPERATOR,),
        "chain",
        browser_help=False,
    ),
    RefusalCode.CERTIFICATE_WEAK: Wording(
        "Your certificate is too weak",
        "Its key is too short, or the way it was signed is no longer safe.",
        (_ASK_NEW, _REPLACE),
    ),
    RefusalCode.CERTIFICATE_BAD_SIGNATURE: Wording(
        "Your certificate's signature is wrong",
        "It names an issuer whose key did not sign it: it is damaged, forged, or from another "
        "authority of the same name.",
        (_ASK_NEW, _REPLACE),
    ),
    RefusalCode.CRL_EXPIRED: Wording(
        "This site cannot check your certificate",
        "Its list of revoked certificates is out of date, so nobody is let in. "
        "This says nothing bad about your certificate.",
        (_NOTHING_WRONG, _TELL_OPERATOR),
        "list",
        browser_help=False,
    ),
    RefusalCode.CRL_MISSING: Wording(
        "This site cannot check your certificate",
        "It has no usable list of revoked certificates for the authority that issued yours, "
        "so it does not let you in. This says nothing bad about your certificate.",
        (_NOTHING_WRONG, _TELL_OPERATOR),
        "list",
        browser_help=False,
    ),
    RefusalCode.CERTIFICATE_INVALID: Wording(
        "Your certificate could not be verified",
        "It does not stand up to the checks of this site.",
        (_TELL_OPERATOR, f"If you have another certificate, choose that. {_RESTART}"),
    ),
    RefusalCode.NOT_ALLOWED: Wording(
        "Your certificate does not open this page",
        "This site knows your certificate, but it is not among those that are let in here.",
        (
            (
                "If you should have access, ask the person who runs this site, "
                "and give them the request number below."
            ),
            f"If you have another certificate for this page, choose that. {_RESTART}",
        ),
        "door",
    ),
    RefusalCode.DENIED: Wording(
        "This page is closed to your certificate",
        "This site knows your certificate, and a rule of the site keeps it out.",
        (
            (
                "If you think that is a mistake, ask the person who runs this site, "
                "and give them the request number below."
            ),
        ),
        "door",
        browser_help=False,
    ),
}

# The same for every code: with ``detail: none`` the page must not tell one from another.
WITHHELD: Final = Wording(
    "Access refused",
    "This site opens only for devices that show the right personal certificate. "
    "It does not say why yours was not let in.",
    (
        "If you have a certificate for this site, make sure that it is installed. " + _RESTART,
        (
            "If that does not help, ask the person who runs this site, "
            "and give them the request number below."
        ),
    ),
    "door",
)
