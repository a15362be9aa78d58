"""One story, three formats, and the fields that go with them."""

import dataclasses
import json

import pytest

from proxy.web.page import Page, Story, reason_phrase, render

STORY = Story(
    status=403,
    code="not_allowed",
    title="No <way>",
    what='He said "no" & left.',
    steps=("First.", "Second."),
    icon="door",
    request_id="4f2a",
    browser_help=False,
    retry=False,
    card=None,
    problem={"verify_error": None},
)
HTML, PROBLEM, TEXT = b"text/html", b"application/json", b"*/*"


def fields(page: Page) -> dict[bytes, bytes]:
    """Return the fields of a page by name, which must not repeat."""
    assert len(dict(page.fields)) == len(page.fields)
    return dict(page.fields)


def test_html_is_escaped_and_needs_nothing_from_elsewhere():
    body = render(STORY, HTML).body.decode()
    assert "<h1>No &lt;way&gt;</h1>" in body
    assert "He said &#34;no&#34; &amp; left." in body
    assert "<script" not in body
    assert "http" not in body.replace("http://www.w3.org", "")
    assert 'lang="en"' in body
    assert 'name="viewport"' in body
    assert "prefers-color-scheme" in body


def test_problem_documents_follow_rfc_9457():
    page = render(STORY, PROBLEM)
    assert page.content_type == b"application/problem+json"
    assert json.loads(page.body) == {
        "type": "urn:certgate:not_allowed",
        "title": "No <way>",
        "status": 403,
        "detail": 'He said "no" & left.',
        "code": "not_allowed",
        "verify_error": None,
        "request_id": "4f2a",
    }


def test_a_problem_without_a_code_has_no_type_of_its_own():
    story = dataclasses.replace(STORY, code="", problem={})
    members = json.loads(render(story, PROBLEM).body)
    assert (members["type"], members["title"]) == ("about:blank", "Forbidden")
    assert "code" not in members


def test_text_is_for_a_terminal():
    page = render(STORY, TEXT)
    assert page.content_type == b"text/plain; charset=utf-8"
    assert page.body.decode() == (
        "403 Forbidden: No <way>\n\n"
        'He said "no" & left.\n\n'
        "- First.\n- Second.\n\n"
        "code:         not_allowed\nrequest id:   4f2a\n"
    )


def test_text_tells_curl_users_how_to_send_a_certificate():
    story = dataclasses.replace(STORY, browser_help=True)
    assert b"curl --cert" in render(story, TEXT).body


def test_html_folds_the_advice_for_browsers_away():
    story = dataclasses.replace(STORY, browser_help=True)
    body = render(story, HTML).body
    assert b"<details>" in body
    for browser in (b"Chrome", b"Firefox", b"Safari", b"iPhone", b"Android"):
        assert browser in body
    assert b"<details>" not in render(STORY, HTML).body


@pytest.mark.parametrize("accept", [HTML, PROBLEM, TEXT])
def test_no_page_is_stored_or_sniffed(accept: bytes):
    page = render(STORY, accept)
    assert fields(page)[b"Content-Type"] == page.content_type
    assert fields(page)[b"Cache-Control"] == b"no-store"
    assert fields(page)[b"Vary"] == b"Accept"
    assert fields(page)[b"X-Content-Type-Options"] == b"nosniff"
    assert b"Retry-After" not in fields(page)


def test_the_policy_allows_the_one_style_sheet_and_nothing_else():
    policy = fields(render(STORY, HTML))[b"Content-Security-Policy"].decode()
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("accept", [HTML, PROBLEM, TEXT])
def test_what_may_soon_work_says_when_to_try_again(accept: bytes):
    page = render(dataclasses.replace(STORY, retry=True), accept)
    assert fields(page)[b"Retry-After"] == b"5"


def test_a_page_that_may_soon_work_has_a_link_to_itself():
    assert b'href="">Try again' in render(dataclasses.replace(STORY, retry=True), HTML).body


def test_a_lone_surrogate_does_not_stop_the_page():
    story = dataclasses.replace(STORY, what="x\ud800.")
    for accept in (HTML, PROBLEM, TEXT):
        assert render(story, accept).body


@pytest.mark.parametrize(
    ("status", "phrase"),
    [(403, "Forbidden"), (413, "Content Too Large"), (414, "URI Too Long"), (495, "Error")],
)
def test_phrases_are_those_of_rfc_9110(status: int, phrase: str):
    assert reason_phrase(status) == phrase
