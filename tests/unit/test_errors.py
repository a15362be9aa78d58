"""Errors that a person reads."""

import pytest

from proxy.errors import CertgateError, ConfigError, Problem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("gate.yaml:3", "tls", "is missing"), "gate.yaml:3: tls: is missing"),
        (Problem("", "tls", "is missing"), "tls: is missing"),
        (Problem("gate.yaml", "", "is empty"), "gate.yaml: is empty"),
        (Problem("", "", "is empty"), "is empty"),
    ],
)
def test_a_problem_is_one_line_without_the_parts_that_are_not_known(problem: Problem, text: str):
    assert str(problem) == text


def test_all_problems_are_told_one_a_line():
    problems = [Problem("a:1", "x", "one"), Problem("a:2", "y", "two")]
    error = ConfigError(problems)
    assert isinstance(error, CertgateError)
    assert error.problems is problems
    assert str(error) == "a:1: x: one\na:2: y: two"
