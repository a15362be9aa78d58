"""Every kind of bad certificate gets a 403 with its code, also when it comes back to resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import VERSIONS, Client, Gate, Response, context
from tests.pki import REFUSED

if TYPE_CHECKING:
    import ssl

    from tests.gate.fixtures import StartGate
    from tests.upstreams import Recorder

PROBLEM = "Accept: application/problem+json"


def assert_refused(response: Response, code: str) -> None:
    assert response.status == 403
    assert response.header("content-type") == "application/problem+json"
    assert response.json()["code"] == code
    assert response.header("connection") == "close"
    assert response.complete


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_client_is_refused_on_its_first_connection_and_on_one_that_resumes(
    gate: Gate, recorder: Recorder, kind: str, version: ssl.TLSVersion
):
    """A resumed session runs no verify callback: it must not turn a 403 into a 200."""
    tls = context(kind, version=version)
    with Client(gate.port, tls) as first:
        assert_refused(first.get("/", PROBLEM), REFUSED[kind])
        assert first.is_closed()
        session = first.tls.session
    with Client(gate.port, tls, session=session) as second:
        assert_refused(second.get("/", PROBLEM), REFUSED[kind])
        assert not second.tls.session_reused
    assert recorder.nothing_received()


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_a_session_of_a_good_client_is_not_resumed_either(gate: Gate, version: ssl.TLSVersion):
    """No session is ever resumed, so that every connection is judged anew."""
    tls = context("good", version=version)
    with Client(gate.port, tls) as first:
        assert first.get().status == 200
        session = first.tls.session
    with Client(gate.port, tls, session=session) as second:
        assert second.get().status == 200
        assert not second.tls.session_reused


def test_a_refused_client_costs_the_upstream_no_connection(
    start_gate: StartGate, recorder: Recorder
):
    """A refusal is decided before an upstream is chosen."""
    before = recorder.connections
    gate = start_gate(recorder.url)
    for kind in ("none", "unknown_ca", "revoked"):
        with Client(gate.port, context(kind)) as connection:
            assert connection.get().status == 403
    assert recorder.connections == before
