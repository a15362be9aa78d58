"""Responses that the operator has written."""

from __future__ import annotations

import pytest

from proxy.observe.access_record import AccessRecord
from proxy.snapshot.answers import FixedResponse
from proxy.snapshot.error_pages import ErrorPage, ErrorPages
from proxy.web.answers import find_operators_page, fixed_page, redirect_page

PAGES = ErrorPages({"404": ErrorPage("$status $code $request_id"), "5xx": ErrorPage("down")})


def test_a_fixed_response_is_what_it_says_and_nothing_else():
    response = FixedResponse(200, b"text/css", lambda record: record.target)
    record = AccessRecord("192.0.2.7")
    record.target = b"a {}"
    page = fixed_page(response, record)
    assert (page.content_type, page.body) == (b"text/css", b"a {}")
    assert dict(page.fields) == {
        b"Content-Type": b"text/css",
        b"X-Content-Type-Options": b"nosniff",
    }


def test_a_redirect_shows_its_target_in_the_field_alone():
    page = redirect_page(308, b"/x")
    assert dict(page.fields)[b"Location"] == b"/x"
    assert page.body == b"308 Permanent Redirect\n"


def test_who_asks_for_html_gets_the_operators_page():
    page = find_operators_page(PAGES, 404, "no_route", b"text/html", request_id="4f2a")
    assert page is not None
    assert page.body == b"404 no_route 4f2a"
    fields = dict(page.fields)
    assert fields[b"Content-Type"] == b"text/html; charset=utf-8"
    assert fields[b"Cache-Control"] == b"no-store"
    assert fields[b"Vary"] == b"Accept"
    assert b"Retry-After" not in fields


def test_what_may_pass_soon_says_so():
    page = find_operators_page(PAGES, 502, "", b"text/html", request_id="", retry_after=7)
    assert page is not None
    assert dict(page.fields)[b"Retry-After"] == b"7"


@pytest.mark.parametrize(
    ("status", "accept"),
    [(404, None), (404, b"*/*"), (404, b"application/json"), (403, b"text/html")],
)
def test_programs_and_other_statuses_have_none(status: int, accept: bytes | None):
    assert find_operators_page(PAGES, status, "", accept, request_id="") is None
