"""Pages for what is not a refusal: bad requests, and apps that do not answer."""

from __future__ import annotations

from typing import Final

from proxy.web.page import RETRY_AFTER, Detail, Page, Story, reason_phrase, render
from proxy.web.untrusted import printable
from proxy.web.wording import Wording

_RETRY: Final = ("Wait a moment and try again.",)
_SENDER: Final = (
    (
        "If you typed the address or wrote the program yourself, check it. Otherwise tell the "
        "person who runs this site, and give them the request number below."
    ),
)
_OPERATOR: Final = (
    (
        "Try again later. If it stays like this, tell the person who runs this site, "
        "and give them the request number below."
    ),
)

RETRIED: Final = frozenset({429, 502, 503, 504, 507})
"""Status codes after which the same request may succeed soon."""


def _sender(title: str, what: str, icon: str = "warning") -> Wording:
    return Wording(title, what, _SENDER, icon, browser_help=False)


def _operator(title: str, what: str, icon: str = "warning") -> Wording:
    return Wording(title, what, _OPERATOR, icon, browser_help=False)


def _visitor(title: str, what: str) -> Wording:
    steps = (
        *_RETRY,
        (
            "A program has to wait for as many seconds as the Retry-After field of this answer "
            "says, and to ask less often."
        ),
    )
    return Wording(title, what, steps, "clock", browser_help=False)


def _upstream(title: str, what: str) -> Wording:
    steps = (
        *_RETRY,
        (
            "If you run this site: is the app up, and does it listen at the address in the "
            "configuration? The error log has the exact reason."
        ),
    )
    return Wording(title, what, steps, "plug", browser_help=False)


ERRORS: Final[dict[str, Wording]] = {
    "bad_request": _sender(
        "This request is malformed", "The server could not make sense of what was sent."
    ),
    "no_route": _sender("There is nothing here", "This site has nothing at this address.", "map"),
    "not_found": _sender("There is no such file", "This site has nothing at this address.", "map"),
    "not_readable": _operator(
        "This cannot be shown", "It is there, but it is not meant to be looked at.", "map"
    ),
    "precondition_failed": _sender(
        "This has changed", "It is no longer what the request takes it for."
    ),
    "range_not_satisfiable": _sender(
        "There is no such part", "The file is shorter than the part that is asked for."
    ),
    "method_not_allowed": _sender(
        "This method is not allowed here", "The request's method is not one that is served here."
    ),
    "request_timeout": _operator(
        "The request took too long", "The server stopped waiting for the rest of it.", "clock"
    ),
    "body_too_large": _sender("This upload is too large", "It is larger than this site accepts."),
    "body_not_stored": _operator(
        "This upload cannot be taken", "The server has no room to store it at the moment."
    ),
    "target_too_long": _sender("This address is too long", "It is longer than this site accepts."),
    "head_too_large": Wording(
        "This request carries too much",
        "Its header fields are larger than this site accepts. Often too many cookies are why.",
        ("Delete the cookies of this site and try again.", *_SENDER),
        "warning",
        browser_help=False,
    ),
    "rate_limited": _visitor(
        "Too many requests", "More requests came in a short time than this site allows."
    ),
    "too_many_connections": _visitor(
        "Too many connections", "More connections are open at one time than this site allows."
    ),
    "internal_error": _operator("Something went wrong here", "The server met an error of its own."),
    "not_implemented": _sender(
        "This request asks for something unknown", "The server does not support what it asks for."
    ),
    "upstream_unreachable": _upstream(
        "The app is not up yet", "{upstream} does not take connections at the moment."
    ),
    "upstream_unresolved": _upstream(
        "The app cannot be found", "The name of {upstream}'s server is not known at the moment."
    ),
    "upstream_tls_failed": _upstream(
        "The app cannot be spoken to safely",
        "There is no TLS connection to {upstream}, or its certificate is not accepted.",
    ),
    "upstream_bad_response": _upstream(
        "The app gave an answer that makes no sense",
        "{upstream} answered with something that is not valid HTTP, or broke off.",
    ),
    "upstream_unavailable": _upstream(
        "The app is not available",
        "No server of {upstream} is fit to answer at the moment: each fails its health "
        "check, or has as many requests as it takes.",
    ),
    "upstream_error": _operator("The app met an error", "It could not answer this request."),
    "upstream_timeout": _upstream("The app takes too long", "{upstream} did not answer in time."),
    "overloaded": _operator("Too busy", "There are more requests than this site can take."),
    "version_not_supported": _sender(
        "This HTTP version is not supported", "The server speaks HTTP/1.1 and HTTP/1.0."
    ),
}
"""The stable codes of error pages, and what they say."""


def render_error(
    status: int,
    code: str,
    accept: bytes | None,
    *,
    request_id: str,
    detail: Detail = "full",
    upstream: str = "",
    retry_after: int = RETRY_AFTER,
) -> Page:
    """Render an error page in the format that the request's Accept field asks for.

    Args:
        status: the status code.
        code: a key of ``ERRORS``; another word is shown as it is, with the status code's phrase.
        accept: the Accept field's value, None when it is absent.
        request_id: what the operator finds in the log.
        detail: ``short`` leaves the upstream's name out, ``none`` the cause as well.
        upstream: the upstream's name in the configuration; never an address.
        retry_after: what the client is told to wait, with the status codes of ``RETRIED``.
    """
    phrase = reason_phrase(status)
    wording = ERRORS.get(code) if detail != "none" else None
    wording = wording or _operator(phrase, "The request could not be answered.")
    app = f"the app “{printable(upstream)}”" if upstream and detail == "full" else "the app"
    story = Story(
        status=status,
        code="" if detail == "none" else code,
        title=wording.title,
        what=_sentence(wording.what.replace("{upstream}", app)),
        steps=wording.steps,
        icon=wording.icon,
        request_id=printable(request_id),
        browser_help=False,
        retry=status in RETRIED,
        card=None,
        problem={},
        retry_after=retry_after,
    )
    return render(story, accept)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
