"""A page in the format that its reader wants: HTML, a problem document (RFC 9457) or text.

Refused visitors are the attack traffic, so rendering is cheap: the template is compiled once, the
problem document is one call of the C encoder, and nothing is read from disk.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal

from proxy.web.moments import say_moment
from proxy.web.negotiation import Format, choose_format
from proxy.web.templating import csp_hash, load_template, read_asset

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.web.certificate import CertificateCard

Detail = Literal["full", "short", "none"]
"""How much a page tells: all; no facts of the certificate; only that access was refused."""

RETRY_AFTER: Final = 5
"""Seconds (RFC 9110, section 10.2.3): long enough for an app to start, short enough for somebody
who waits for it."""


@dataclass(frozen=True, slots=True)
class Story:
    """What a page tells, before it has a format. Text in it is printable, not escaped.

    Attributes:
        status: the status code.
        code: the stable word for the cause; empty where it is withheld.
        title: the cause in a few words.
        what: the cause in a sentence or two.
        steps: what to do.
        icon: a name in ``templates/icons.html``.
        request_id: what the operator can look up in the log.
        browser_help: show how to install a certificate.
        retry: the same request may succeed soon.
        card: the certificate that was sent, where the page may tell.
        problem: further members of the problem document.
        retry_after: after how many seconds, where it may succeed at all.
    """

    status: int
    code: str
    title: str
    what: str
    steps: tuple[str, ...]
    icon: str
    request_id: str
    browser_help: bool
    retry: bool
    card: CertificateCard | None
    problem: dict[str, object]
    retry_after: int = RETRY_AFTER

    @property
    def phrase(self) -> str:
        """The reason phrase of the status code."""
        return reason_phrase(self.status)


@dataclass(frozen=True, slots=True)
class Page:
    """A response's content and what has to be said about it.

    Attributes:
        content_type: the Content-Type field's value.
        body: the content.
        fields: every response field that belongs to the content, Content-Type included and
            Content-Length not: no caching, no sniffing, no scripts, no frames, no referrer.
    """

    content_type: bytes
    body: bytes
    fields: tuple[tuple[bytes, bytes], ...]


def render(story: Story, accept: bytes | None) -> Page:
    """Render a story in the format that the Accept field asks for."""
    chosen = choose_format(accept)
    body = _RENDERERS[chosen](story).encode("utf-8", "backslashreplace")
    fields = _FIELDS[chosen]
    if story.retry:
        fields = (*fields, (b"Retry-After", b"%d" % story.retry_after))
    return Page(chosen.value, body, fields)


def operators_page(body: bytes, retry_after: int | None) -> Page:
    """Return an HTML page of the operator's, under the same rules but that of its own contents.

    Args:
        body: the content.
        retry_after: seconds after which the same request may succeed; None where it will not.
    """
    fields = _COMMON_FIELDS
    if retry_after is not None:
        fields = (*fields, (b"Retry-After", b"%d" % retry_after))
    return Page(Format.HTML.value, body, fields)


@cache
def reason_phrase(status: int) -> str:
    """Return the phrase of RFC 9110 for a status code, ``Error`` where there is none."""
    # The names changed with RFC 9110; http.HTTPStatus follows from Python 3.13 on.
    renamed = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
    try:
        return renamed.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _render_html(story: Story) -> str:
    return _TEMPLATE.render(story=story)


def _render_problem(story: Story) -> str:
    members: dict[str, object] = {
        "type": f"urn:certgate:{story.code}" if story.code else "about:blank",
        # RFC 9457 section 4.2.1: with about:blank the title is the status code's phrase.
        "title": story.title if story.code else story.phrase,
        "status": story.status,
        "detail": story.what,
    }
    if story.code:
        members["code"] = story.code
    members |= story.problem
    members["request_id"] = story.request_id
    if story.card:
        members["certificate"] = story.card.as_problem()
    return _encode(members) + "\n"


def _render_text(story: Story) -> str:
    lines = [f"{story.status} {story.phrase}: {story.title}", "", story.what, ""]
    lines += [f"- {step}" for step in story.steps]
    if story.browser_help:
        # Who reads text sits at a terminal.
        lines.append("- On the command line: curl --cert me.crt --key me.key …")
    lines += ["", *_text_facts(story), ""]
    return "\n".join(lines)


def _text_facts(story: Story) -> list[str]:
    facts = [f"code:         {story.code}"] if story.code else []
    facts.append(f"request id:   {story.request_id}")
    if card := story.card:
        facts += [
            f"certificate:  {card.name}",
            f"issued by:    {card.issued_by}",
            f"valid from:   {say_moment(card.not_before)}",
            f"valid until:  {say_moment(card.not_after)}",
            f"serial:       {card.serial}",
            f"sha256:       {card.fingerprint_sha256}",
        ]
    return facts


_RENDERERS: Final[dict[Format, Callable[[Story], str]]] = {
    Format.HTML: _render_html,
    Format.PROBLEM: _render_problem,
    Format.TEXT: _render_text,
}

_encode: Final = json.JSONEncoder(ensure_ascii=True).encode
_STYLE: Final = read_asset("page.css")
_TEMPLATE: Final = load_template("page.html", style=_STYLE)


def _content_security_policy() -> bytes:
    """Allow the one style sheet and the empty icon, nothing else: no script can ever run."""
    return (
        f"default-src 'none'; style-src {csp_hash(_STYLE)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ).encode()


def _common_fields(chosen: Format) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"Content-Type", chosen.value),
        # The refusal depends on the certificate, which no cache key knows.
        (b"Cache-Control", b"no-store"),
        (b"Vary", b"Accept"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Referrer-Policy", b"no-referrer"),
    )


def _page_fields(chosen: Format) -> tuple[tuple[bytes, bytes], ...]:
    common = _common_fields(chosen)
    if chosen is not Format.HTML:
        return common
    return (*common, (b"Content-Security-Policy", _content_security_policy()))


_COMMON_FIELDS: Final = _common_fields(Format.HTML)
_FIELDS: Final = {chosen: _page_fields(chosen) for chosen in Format}
