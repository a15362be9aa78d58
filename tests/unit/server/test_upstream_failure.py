"""Why there is no response: told apart for log, counters, page and retries."""

from __future__ import annotations

import socket
import ssl

import pytest

from proxy.server.upstream_failure import (
    UpstreamFailure,
    connect_failure,
    connect_timeout,
    lost_at_once,
)

HANDSHAKE = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
UNKNOWN = socket.gaierror(-2, "Name or service not known")


def of(error: OSError | UnicodeError, *, is_tls: bool = False) -> UpstreamFailure:
    return connect_failure("app:1", error, is_tls=is_tls)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "upstream_unreachable"),
        (OSError("Multiple exceptions: x"), "upstream_unreachable"),
        (ConnectionResetError(), "upstream_unreachable"),
        (UNKNOWN, "upstream_unresolved"),
        (UnicodeError("label too long"), "upstream_unresolved"),
    ],
)
def test_a_server_that_is_not_there_and_a_name_that_is_not_are_two_things(
    error: OSError | UnicodeError, code: str
):
    assert (of(error).status, of(error).code) == (502, code)


@pytest.mark.parametrize("error", [HANDSHAKE, ConnectionResetError(), ConnectionAbortedError()])
def test_with_tls_an_end_before_the_first_byte_is_a_failure_of_the_handshake(error: OSError):
    assert of(error, is_tls=True).code == "upstream_tls_failed"
    assert of(error, is_tls=True).condition == "error"


def test_with_tls_a_name_that_does_not_resolve_is_still_that():
    assert of(UNKNOWN, is_tls=True).code == "upstream_unresolved"


def test_the_reason_names_the_server_and_what_the_system_says():
    assert of(UNKNOWN).reason == "the name of app:1 does not resolve: Name or service not known"
    assert (
        of(ConnectionRefusedError(111, "x")).reason == "cannot connect to app:1: Connection refused"
    )


def test_too_late_is_a_504():
    failure = connect_timeout("app:1", 5.0)
    assert (failure.status, failure.code) == (504, "upstream_timeout")
    assert "within 5 seconds" in failure.reason


def test_gone_at_once_is_a_bad_response():
    assert (lost_at_once("app:1").status, lost_at_once("app:1").code) == (
        502,
        "upstream_bad_response",
    )
