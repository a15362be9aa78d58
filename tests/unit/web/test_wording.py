"""The pages speak to somebody who does not know what a certificate is made of."""

from pathlib import Path

import pytest

from proxy.identity.codes import RefusalCode
from proxy.web.error_page import ERRORS
from proxy.web.templating import load_template
from proxy.web.wording import REFUSALS, WITHHELD, Wording

REFUSALS_GUIDE = Path(__file__).parents[3] / "docs" / "refusals.md"
EVERY = [*REFUSALS.values(), WITHHELD, *ERRORS.values()]


def test_every_code_has_its_words():
    assert set(REFUSALS) == set(RefusalCode)


@pytest.mark.parametrize("wording", EVERY, ids=lambda wording: wording.title)
def test_a_title_is_short_and_steps_are_sentences(wording: Wording):
    assert len(wording.title) <= 60
    assert not wording.title.endswith(".")
    assert wording.what.endswith(".")
    assert 1 <= len(wording.steps) <= 3
    assert all(step[-1] in ".?" for step in wording.steps)


@pytest.mark.parametrize("wording", EVERY, ids=lambda wording: wording.title)
def test_every_icon_exists(wording: Wording):
    draw = load_template("icons.html").environment.filters["icon"]
    assert wording.icon == "shield" or draw(wording.icon) != draw("no such icon")


@pytest.mark.parametrize(
    "code",
    [
        RefusalCode.CERTIFICATE_MISSING,
        RefusalCode.CERTIFICATE_EXPIRED,
        RefusalCode.CERTIFICATE_UNKNOWN_ISSUER,
        RefusalCode.CERTIFICATE_REVOKED,
        RefusalCode.NOT_ALLOWED,
    ],
)
def test_whoever_needs_another_certificate_is_told_to_restart_the_browser(code: RefusalCode):
    """Chrome and Safari remember the choice of none for as long as they run."""
    assert "Close every window of the browser" in " ".join(REFUSALS[code].steps)


@pytest.mark.parametrize("code", RefusalCode)
def test_every_refusal_has_its_section_in_the_guide(code: RefusalCode):
    sections = REFUSALS_GUIDE.read_text("utf-8").split("\n### ")
    section = next(text for text in sections if text.startswith(f"`{code}`\n"))
    assert "**The person**" in section
    assert "**The operator**" in section


def test_the_guide_lists_every_error_and_no_other():
    lines = REFUSALS_GUIDE.read_text("utf-8").splitlines()
    listed = [line.split("`")[1] for line in lines if line[:3] in {"| 4", "| 5"}]
    assert sorted(listed) == sorted(ERRORS)
