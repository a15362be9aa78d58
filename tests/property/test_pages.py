"""Whatever a client sends, its refusal is one well-formed page that it does not steer."""

import dataclasses
import json
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from proxy.identity.codes import RefusalCode
from proxy.identity.dn import NameAttribute
from proxy.identity.facts import CertificateFacts
from proxy.web.error_page import render_error
from proxy.web.negotiation import Format, choose_format
from proxy.web.refusal import Refusal, render_refusal
from proxy.web.untrusted import MAX_LENGTH, printable
from tests.pki import client

MOMENTS = st.integers(-62_135_596_800, 253_402_300_799)
NASTY = st.sampled_from(
    ["<b>", '"><img src=x>', "'", "&lt;", "</bdi>", "\u202e", "\r\n", "{{ 7 }}"]
)
ANYTHING = st.lists(st.text(max_size=40) | NASTY, max_size=20).map("".join)
LATER = st.floats(0, 2.5e11)


class Skeleton(HTMLParser):
    """The elements and attributes of a page, without its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))


def _facts() -> CertificateFacts:
    leaf = client("good").leaf
    assert leaf is not None
    return CertificateFacts.read(leaf)


@st.composite
def refusals(draw: st.DrawFn) -> Refusal:
    """Make a refusal of a certificate in which the client chose every text."""
    names = [(NameAttribute("CN", draw(ANYTHING), draw(ANYTHING), False),) for _ in range(2)]
    facts = dataclasses.replace(
        _facts(),
        subject=draw(ANYTHING),
        issuer=draw(ANYTHING),
        subject_attributes=names[0],
        issuer_attributes=names[1],
        serial_number=draw(st.integers()),
        not_before=draw(MOMENTS),
        not_after=draw(MOMENTS),
    )
    return Refusal(
        status=403,
        code=draw(st.sampled_from(RefusalCode)),
        request_id="4f2a",
        now=draw(LATER),
        certificate=facts,
    )


@given(refusals())
def test_html_has_the_same_elements_whatever_the_certificate_says(refusal: Refusal):
    body = render_refusal(refusal, b"text/html").body
    ordinary = dataclasses.replace(refusal, certificate=_facts())
    assert Skeleton(body).tags == Skeleton(render_refusal(ordinary, b"text/html").body).tags
    assert body.decode().replace("\n", "").isprintable()
    assert len(body) < 20_000


@given(refusals())
def test_the_problem_document_is_one_line_of_json(refusal: Refusal):
    body = render_refusal(refusal, b"application/json").body
    assert body.isascii()
    assert body.count(b"\n") == 1
    assert json.loads(body)["code"] == refusal.code


@given(refusals())
def test_text_cannot_steer_a_terminal(refusal: Refusal):
    body = render_refusal(refusal, None).body.decode()
    assert body.replace("\n", "").isprintable()
    ordinary = dataclasses.replace(refusal, certificate=_facts())
    assert body.count("\n") == render_refusal(ordinary, None).body.count(b"\n")


@given(st.binary(max_size=2_000) | st.none())
def test_any_accept_field_gives_a_format(accept: bytes | None):
    assert choose_format(accept) in Format


@given(st.lists(st.sampled_from([b"text/html", b"*/*", b"text/*", b"q=0.5", b"q=1", b"q", b""])))
def test_any_nearly_right_accept_field_gives_a_format(parts: list[bytes]):
    for separator in (b",", b";", b", ", b"/"):
        assert choose_format(separator.join(parts)) in Format


@given(st.text(max_size=2_000))
def test_printable_text_is_printable_and_bounded(text: str):
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= MAX_LENGTH


@given(st.integers(100, 999), st.text(max_size=50), st.text(max_size=600))
def test_any_error_has_a_page(status: int, request_id: str, upstream: str):
    for accept in (b"text/html", b"application/json", None):
        page = render_error(
            status, "upstream_timeout", accept, request_id=request_id, upstream=upstream
        )
        assert page.body.decode().replace("\n", "").isprintable()
