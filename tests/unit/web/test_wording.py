"""The pages speak to somebody who does not know what a certificate is made of."""

import pytest

from proxy.identity.codes import RefusalCode
from proxy.web.error_page import ERRORS
from proxy.web.templating import load_template
from proxy.web.wording import REFUSALS, WITHHELD, Wording

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
    icon = getattr(load_template("icons.html").module, "icon")  # noqa: B009 - made by the template
    unknown = str(icon("no such icon"))
    assert wording.icon == "shield" or str(icon(wording.icon)) != unknown


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
