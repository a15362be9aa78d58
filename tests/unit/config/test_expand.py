"""Variables in values."""

from __future__ import annotations

import pytest

from proxy.config.expand import expand, names_in
from proxy.config.load import parse
from proxy.errors import ConfigError
from tests.unit.config.configs import CORPUS, LEAST

ENVIRON = {"A": "one", "EMPTY": "", "NESTED": "${A}"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${A}", "one"),
        ("x${A}y${A}", "xoney" + "one"),
        ("${B:-two}", "two"),
        ("${EMPTY:-two}", "two"),
        ("${A:-two}", "one"),
        ("${B:-}", ""),
        ("${EMPTY}", ""),
        ("${B:-http://a:1/}", "http://a:1/"),
        ("${NESTED}", "${A}"),
        ("$${A}", "${A}"),
        ("$A", "$A"),
        ("100$", "100$"),
    ],
)
def test_references_are_replaced_once(text: str, expanded: str):
    assert expand(text, ENVIRON) == expanded


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${1}", "${A-x}", "${A B}", "${A:x}"])
def test_a_reference_that_is_not_finished_is_refused(text: str):
    with pytest.raises(ValueError, match="begins a variable"):
        expand(text, ENVIRON)


def test_a_missing_variable_is_named():
    with pytest.raises(ValueError, match="the environment variable NOPE is not set"):
        expand("${NOPE}", ENVIRON)


def test_the_names_of_a_text_are_known():
    assert names_in("${A}${B:-x}$${C}${") == {"A", "B"}


@pytest.mark.parametrize(
    "value",
    [
        "3000}\nclient_auth: {ca: evil.crt",
        "3000, routes: []",
        "3000 # x",
        '"',
        "*anchor",
        "!!int 1",
    ],
)
def test_a_variable_can_never_change_the_structure(value: str):
    """Whatever it contains, it stays one value: here a bad URL, at the place of the reference."""
    text = LEAST.replace("upstream: 3000", "upstream: ${APP}")
    with pytest.raises(ConfigError) as caught:
        parse(text, "gate.yaml", CORPUS, {"APP": value})
    assert [problem.key for problem in caught.value.problems] == ["upstream"]
