"""Which variables a text may name, by where it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.errors import CertgateError
from proxy.observe.scope import CHOICE, LOG, REQUEST, RESPONSE, Scope
from proxy.observe.variables import STAGES, VARIABLES, Stage, find_variable, vouched_variable

PAGE = Path(__file__).parents[3] / "docs" / "rewriting.md"
SCOPES = {"choice": CHOICE, "request": REQUEST, "response": RESPONSE, "log": LOG}
# What the page says about each stage, in its last column.
WORDS = {
    Stage.REQUEST: "everywhere",
    Stage.CLOCK: "everywhere but `hash:`",
    Stage.RESPONSE: "response headers, log",
    Stage.END: "log",
}


def name_is_found(scope: Scope, name: str) -> bool:
    try:
        scope.find(name)
    except CertgateError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "scopes"),
    [
        ("remote_addr", {"choice", "request", "response", "log"}),
        ("ssl_client_cn", {"choice", "request", "response", "log"}),
        ("http_x_any", {"choice", "request", "response", "log"}),
        ("decision", {"choice", "request", "response", "log"}),
        ("time_local", {"request", "response", "log"}),
        ("status", {"response", "log"}),
        ("upstream_addr", {"response", "log"}),
        ("error", {"response", "log"}),
        ("request_time", {"log"}),
        ("remote_user", {"log"}),
    ],
)
def test_a_variable_is_there_once_it_has_a_value(name: str, scopes: set[str]):
    assert {word for word, scope in SCOPES.items() if name_is_found(scope, name)} == scopes


@pytest.mark.parametrize("name", ["status", "request_time", "time_local"])
def test_a_variable_without_a_value_yet_is_refused_with_those_that_have_one(name: str):
    with pytest.raises(CertgateError, match=rf"^\${name} is .*; here there are: arg_NAME, args, "):
        CHOICE.find(name)


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_what_is_listed_is_what_can_be_found(scope: Scope):
    for name in scope.names:
        assert scope.find(name)
    for name in VARIABLES.keys() - set(scope.names):
        with pytest.raises(CertgateError):
            scope.find(name)


def test_only_the_log_tells_what_nobody_vouches_for():
    name = "ssl_client_s_dn"
    assert LOG.find(name) is find_variable(name)
    for scope in (CHOICE, REQUEST, RESPONSE):
        assert scope.find(name) is vouched_variable(name)


@pytest.mark.parametrize("name", ["5", "nope"])
def test_what_is_no_variable_is_an_error_that_names_those_there_are(name: str):
    with pytest.raises(CertgateError, match=r"no variable \$.*; there are: arg_NAME, .*, uri$"):
        LOG.find(name)


def test_a_lone_dollar_sign_is_an_error_that_says_what_it_begins():
    with pytest.raises(CertgateError, match=r"^a \$ begins the name of a variable: \$host"):
        LOG.find("")


@pytest.mark.parametrize("name", ["http_connection", "http_transfer_encoding"])
def test_a_field_that_is_no_variable_is_an_error_that_says_why(name: str):
    with pytest.raises(CertgateError, match=rf"^\${name} is not to be had: the field is one of"):
        LOG.find(name)


@pytest.mark.parametrize(
    ("name", "near"), [("SSL_CLIENT_CN", "ssl_client_cn"), ("remote_adr", "remote_addr")]
)
def test_a_misspelt_variable_is_put_right(name: str, near: str):
    with pytest.raises(CertgateError, match=rf"^no variable \${name}; did you mean \${near}\?$"):
        LOG.find(name)


def test_nothing_is_suggested_that_would_be_refused_next():
    with pytest.raises(CertgateError, match=r"^no variable \$statsu; there are: "):
        REQUEST.find("statsu")


def test_the_page_about_variables_tells_of_each_where_it_can_be_used():
    """Each variable stands in one row of the table, with the words for its stage."""
    rows = re.findall(r"^\| (`\$.*?) \| .* \| (.*?) \|$", PAGE.read_text(), re.MULTILINE)
    told = [
        (name, where) for names, where in rows for name in re.findall(r"\$([a-z_0-9]+)`", names)
    ]
    # Two of a family have names of their own; the log's JSON has them, too.
    told += [("http_user_agent", WORDS[Stage.REQUEST]), ("http_referer", WORDS[Stage.REQUEST])]
    assert sorted(told) == sorted((name, WORDS[stage]) for name, stage in STAGES.items())
