"""``python -m tests.browser.screenshots``: take the README's pictures anew, into docs/images."""

from __future__ import annotations

from tests.browser.chromium import Home, chromium
from tests.browser.house import open_house
from tests.gate import ROOT

IMAGES = ROOT / "docs" / "images"


def _shoot(home: Home, url: str, name: str, *, dark: bool = False, phone: bool = False) -> None:
    with chromium(home, dark=dark, phone=phone) as browser:
        page = browser.pages[0]
        page.goto(url)
        page.screenshot(path=IMAGES / f"{name}.png", full_page=True)


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with open_house() as house:
        _shoot(house.visitor(), house.url, "refused")
        _shoot(house.visitor(), house.url, "refused-dark", dark=True)
        _shoot(house.visitor(), house.url, "refused-phone", phone=True)
        _shoot(house.visitor("bob"), house.url, "admitted")


if __name__ == "__main__":
    main()
