"""Error pages say whose turn it is: the sender's, the operator's, or just the time's."""

import json
from typing import Any

import pytest

from proxy.web.error_page import ERRORS, render_error

HTML, PROBLEM, TEXT = b"text/html", b"application/problem+json", b"*/*"


def problem(status: int, code: str, **more: Any) -> dict[str, Any]:
    """Render an error as a problem document."""
    page = render_error(status, code, PROBLEM, request_id="4f2a", **more)
    members: dict[str, Any] = json.loads(page.body)
    return members


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize("accept", [HTML, PROBLEM, TEXT])
def test_every_code_has_a_page_in_every_format(code: str, accept: bytes):
    body = render_error(400, code, accept, request_id="4f2a").body
    assert code.encode() in body
    assert b"{" not in body or accept != TEXT
    assert len(body) < 10_000


def test_an_app_that_is_not_up_is_named():
    members = problem(502, "upstream_unreachable", upstream="app")
    assert members["title"] == "The app is not up yet"
    assert members["detail"] == "The app “app” does not take connections at the moment."
    assert members["type"] == "urn:certgate:upstream_unreachable"


@pytest.mark.parametrize("code", [code for code in ERRORS if code.startswith("upstream_")])
def test_the_app_is_written_small_within_a_sentence(code: str):
    detail = problem(502, code, upstream="app")["detail"]
    assert detail[0].isupper()
    assert "The app" not in detail[1:]


def test_short_does_not_name_the_app():
    detail = problem(502, "upstream_unreachable", upstream="app", detail="short")["detail"]
    assert detail == "The app does not take connections at the moment."


def test_none_gives_nothing_but_the_status():
    members = problem(502, "upstream_unreachable", upstream="app", detail="none")
    assert set(members) == {"type", "title", "status", "detail", "request_id"}
    assert members["title"] == "Bad Gateway"


def test_a_code_without_words_gets_the_phrase_of_its_status():
    members = problem(507, "quota_exceeded")
    assert (members["title"], members["code"]) == ("Insufficient Storage", "quota_exceeded")


@pytest.mark.parametrize(
    ("status", "code", "retried"),
    [
        (502, "upstream_unreachable", True),
        (503, "overloaded", True),
        (504, "upstream_timeout", True),
        (400, "bad_request", False),
        (404, "no_route", False),
        (500, "internal_error", False),
    ],
)
def test_only_what_may_soon_work_asks_to_try_again(status: int, code: str, retried: bool):
    page = render_error(status, code, HTML, request_id="4f2a")
    assert (b"Retry-After" in dict(page.fields)) is retried
    assert (b">Try again<" in page.body) is retried


@pytest.mark.parametrize("accept", [HTML, PROBLEM, TEXT])
def test_a_visitor_who_came_too_often_is_told_when_to_come_again(accept: bytes):
    page = render_error(429, "rate_limited", accept, request_id="4f2a", retry_after=37)
    assert dict(page.fields)[b"Retry-After"] == b"37"


def test_names_and_ids_are_made_printable():
    page = render_error(502, "upstream_timeout", TEXT, request_id="x\ny", upstream="a\u202e<b>\x1b")
    text = page.body.decode()
    assert r"x\u{A}y" in text
    assert r"a\u{202E}<b>\u{1B}" in text


def test_a_name_in_braces_is_not_a_placeholder():
    assert "“{upstream}”" in problem(504, "upstream_timeout", upstream="{upstream}")["detail"]
