"""Templates escape what is put into them, and only our own files go in as they are."""

import base64
import hashlib

import pytest
from jinja2 import UndefinedError

from proxy.web.templating import csp_hash, load_template, read_asset


def test_a_value_is_escaped_and_an_asset_is_not():
    template = load_template("page.html", style="a>b")
    with pytest.raises(UndefinedError):
        template.render()
    assert (
        "<style>a>b</style>"
        in template.environment.from_string(
            "<style>{{ style }}</style>", globals=template.environment.globals
        ).render()
    )
    assert template.environment.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"


def test_the_hash_is_what_a_browser_computes():
    digest = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    assert csp_hash("x") == f"'sha256-{digest}'"


@pytest.mark.parametrize("name", ["page.css", "demo.css", "demo.js"])
def test_an_asset_loads_nothing_from_elsewhere_and_cannot_end_its_element(name: str):
    text = read_asset(name)
    assert "url(" not in text
    assert "@import" not in text
    assert "</" not in text
