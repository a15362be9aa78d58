"""Addresses without quotes: the line that is told is one that YAML takes."""

from __future__ import annotations

import pytest

from proxy.config.unquoted import quoting_advice
from proxy.config.yaml_tree import YAMLFault, parse_yaml

_LINES = [
    ("listen: [::1]:8443", 'listen: "[::1]:8443"'),
    ("listen: [fe80::1]:8443", 'listen: "[fe80::1]:8443"'),
    ("listen: *:8443", 'listen: ":8443"'),
    ("listen: *:8443  # not [::1]:1", 'listen: ":8443"  # not [::1]:1'),
    ("listen: [*:443, '*:1', [::1]:443]", 'listen: [":443", \'*:1\', "[::1]:443"]'),
    ("listen: {address: [::]:8443}", 'listen: {address: "[::]:8443"}'),
    ("  - [::1]:8443", '- "[::1]:8443"'),
    ("  - *:8443", '- ":8443"'),
    ("  - address: *:8443", '- address: ":8443"'),
    ("trusted_proxies: [10.0.0.0/8, ::1]", 'trusted_proxies: [10.0.0.0/8, "::1"]'),
    ("trusted_proxies: [::1/128]", 'trusted_proxies: ["::1/128"]'),
    ("  - host: *.example.com", '- host: "*.example.com"'),
    ("host: *", 'host: "*"'),
]


@pytest.mark.parametrize(("line", "right"), _LINES)
def test_the_right_line_is_told(line: str, right: str):
    before = "routes:\n" if line.startswith(" ") else "pid_file: x\n"
    with pytest.raises(YAMLFault) as fault:
        parse_yaml(f"{before}{line}\n")
    assert fault.value.line == 2
    reason = "is not valid YAML: a value that begins with [, : or * has to be quoted; write"
    assert fault.value.message == f"{reason} “{right}”"
    indent = line[: len(line) - len(line.lstrip())]
    parse_yaml(f"{before}{indent}{right}\n")


def test_each_line_is_told_by_itself():
    assert '“a: "[::1]:1"”' in quoting_advice("a: [::1]:1\nb: *:2\n", 0)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("a: [::1]:1 @ [", 0),  # quotes alone do not mend it
        ("a: 'open\nb: *:2", 1),
        ("a: b", 0),
        ("a: b", 1),  # beyond the end, where YAML misses something
    ],
)
def test_where_quotes_do_not_help_nothing_is_said(text: str, number: int):
    assert quoting_advice(text, number) == ""


def test_an_alias_stays_one():
    """Only what YAML cannot take for an alias is quoted."""
    with pytest.raises(YAMLFault, match=r"the alias [*]b stands before its anchor"):
        parse_yaml("a: [*b]\n")
