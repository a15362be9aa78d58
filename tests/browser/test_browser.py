"""What a person sees in Chromium, with a certificate, without one, and with a revoked one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import chromium
from tests.browser.house import House, open_house

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """One running gate with its demo app."""
    with open_house() as opened:
        yield opened


def test_without_a_certificate_the_page_says_what_is_missing_and_what_to_do(house: House):
    """In words, with steps, and with the code for whoever is asked for help."""
    with chromium(house.visitor()) as browser:
        page = browser.pages[0]
        response = page.goto(house.url)
        assert response
        assert response.status == 403
        text = page.inner_text("body")
        assert "No certificate was sent" in text
        assert ".p12" in text
        assert "certificate_missing" in text


def test_with_the_p12_that_certgate_made_the_app_opens(house: House):
    """Issued while the gate was running, installed into a real certificate store."""
    with chromium(house.visitor("bob")) as browser:
        page = browser.pages[0]
        response = page.goto(house.url)
        assert response
        assert response.status == 200
        assert "bob" in page.inner_text("body")


def test_a_revoked_visitor_is_refused_with_the_reason(house: House):
    """The page names the certificate that it is about."""
    home = house.visitor("mallory")
    house.revoke("mallory")
    with chromium(home) as browser:
        page = browser.pages[0]
        response = page.goto(house.url)
        assert response
        assert response.status == 403
        text = page.inner_text("body")
        assert "certificate_revoked" in text
        assert "mallory" in text


def test_the_page_fits_a_phone_and_loads_nothing(house: House):
    """No sideways scrolling at 390 pixels, nothing blocked by its own policy, nothing fetched."""
    complaints: list[str] = []
    asked: list[str] = []
    with chromium(house.visitor(), phone=True, dark=True) as browser:
        page = browser.pages[0]
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(house.url)
        widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1]
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark(background)
    assert {url for url in asked if not url.endswith("/favicon.ico")} == {house.url}
    assert not [text for text in complaints if "Content Security Policy" in text]


def dark(color: str) -> bool:
    """Tell whether ``rgb(r, g, b)`` is a dark color."""
    channels = [float(part) for part in color.strip("rgba()").split(",")[:3]]
    return sum(channels) / 3 < 100
