"""Places of keys, and the way back from their text."""

from __future__ import annotations

import pytest

from proxy.config.source import EnvironmentSource, key_text, place_of


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ((), ""),
        (("tls",), "tls"),
        (("tls", "private_key"), "tls.private_key"),
        (("routes", 0, "path"), "routes[0].path"),
        (("upstreams", "app", "servers", 12), "upstreams.app.servers[12]"),
        (("error_pages", "404"), "error_pages.404"),
    ],
)
def test_a_place_and_its_text_are_two_forms_of_one_thing(place: tuple[str | int, ...], text: str):
    assert key_text(place) == text
    assert place_of(text) == place


def test_a_key_without_a_variable_is_shown_as_a_key():
    source = EnvironmentSource({("tls", "certificate"): "CERTGATE_CERTIFICATE"})
    assert str(source.problem(("tls", "certificate"), "x")) == "CERTGATE_CERTIFICATE: x"
    assert str(source.problem(("limits", "head"), "x")) == "environment: limits.head: x"
