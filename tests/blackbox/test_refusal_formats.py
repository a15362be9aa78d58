"""The refusal as a page, as problem+json and as text; what a stranger wrote stays harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import Gate, connect
from tests.pki import NASTY_SUBJECTS, Identity, Profile, client, stranger

if TYPE_CHECKING:
    from tests.gate import Response


def refusal(gate: Gate, who: Identity | str, accept: str | None) -> Response:
    with connect(gate.port, who) as connection:
        return connection.get("/", *([f"Accept: {accept}"] if accept else []))


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json", "application/problem+json"),
        ("application/problem+json", "application/problem+json"),
        ("text/plain", "text/plain"),
        ("text/html;q=0.1, application/problem+json", "application/problem+json"),
    ],
)
def test_the_format_follows_accept(gate: Gate, accept: str, expected: str):
    """As HTTP content negotiation has it (RFC 9110, section 12.5.1)."""
    response = refusal(gate, "none", accept)
    assert (response.header("content-type") or "").split(";")[0] == expected


def test_problem_json_tells_what_was_wrong_with_which_certificate(gate: Gate):
    """All members of the contract."""
    problem = refusal(gate, "expired", "application/problem+json").json()
    leaf = client("expired").leaf
    assert problem["status"] == 403
    assert problem["code"] == "certificate_expired"
    assert problem["verify_error"] == 10
    assert {"type", "title", "detail", "request_id"} <= problem.keys()
    certificate = problem["certificate"]
    assert certificate["subject"] == "CN=carol"
    assert certificate["issuer"] == "CN=certgate test root"
    assert certificate["serial"] == str(leaf.serial_number)
    assert certificate["not_after"].startswith(f"{leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%S}")
    assert len(certificate["fingerprint_sha256"]) == 64


def test_problem_json_of_no_certificate_shows_none(gate: Gate):
    """There is nothing to describe."""
    problem = refusal(gate, "none", "application/problem+json").json()
    assert problem["code"] == "certificate_missing"
    assert not problem.get("certificate")


@pytest.mark.parametrize("subject", NASTY_SUBJECTS)
@pytest.mark.parametrize("accept", ["text/html", "application/problem+json", "text/plain"])
def test_a_strangers_names_cannot_break_out_of_any_format(gate: Gate, subject: str, accept: str):
    """Whoever makes a certificate chooses its text."""
    profile = Profile(subject=NASTY_SUBJECTS[subject])
    response = refusal(gate, stranger().issue(profile), accept)
    assert response.status == 403
    if accept == "text/html":
        assert "<script>alert" not in response.text
        assert 'onload="x' not in response.text
    for name, value in response.headers:
        assert "alice" not in value, name
    allowed = "\n\t" if accept != "application/problem+json" else ""
    unsafe = {c for c in response.text if ord(c) < 32 and c not in allowed + "\n"}
    assert not unsafe
    assert "\x1b" not in response.text


def test_the_page_is_not_cached_and_cannot_be_framed(gate: Gate):
    """A shared cache must not serve one person's refusal to another."""
    response = refusal(gate, "none", "text/html")
    assert "no-store" in (response.header("cache-control") or "")
    assert response.header("x-content-type-options") == "nosniff"
    assert response.header("content-security-policy")
