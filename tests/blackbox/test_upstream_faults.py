"""What a broken upstream does never becomes a complete-looking wrong answer, or a hang."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import Client, Gate, Response, connect, head, running_gate
from tests.upstreams import FAULTS, Fault, Misbehaving, Outcome, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator


def assert_outcome(fault: Fault, response: Response) -> None:
    match fault.outcome:
        case Outcome.BAD_GATEWAY:
            assert response.status == 502
            assert response.complete
        case Outcome.GATEWAY_TIMEOUT:
            assert response.status == 504
            assert response.complete
        case Outcome.CUT:
            # 502 is better still: the fault was seen before anything had been passed on.
            assert response.complete == (response.status == 502)
            assert response.status in {502, fault.status}
        case Outcome.COMPLETE_OR_BAD_GATEWAY:
            assert response.complete
            assert response.status == 502 or response.body == fault.body
        case Outcome.COMPLETE:
            assert response.complete
            assert (response.status, response.body) == (fault.status, fault.body)


def ask(connection: Client, method: str, target: str) -> Response:
    connection.send(head(f"{method} {target} HTTP/1.1", "Host: localhost"))
    return connection.response(method)


@pytest.fixture(scope="module")
def misbehaving() -> Misbehaving:
    """What the upstream does; each test says which fault it is."""
    return Misbehaving(FAULTS["closes without a word"])


@pytest.fixture(scope="module")
def gate(misbehaving: Misbehaving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate in front of the misbehaving upstream; its pool lives from one fault to the next."""
    folder = tmp_path_factory.mktemp("gate")
    with Scripted(misbehaving) as upstream:
        deadlines = {"response": 1, "shutdown": 5}
        with running_gate(folder, upstream.url, timeouts=deadlines) as running:
            yield running


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_upstream_is_seen_for_what_it_is(
    gate: Gate, misbehaving: Misbehaving, name: str
):
    """And the next client gets its own answer, not a leftover of the fault."""
    fault = misbehaving.fault = FAULTS[name]
    with connect(gate.port) as connection:
        assert_outcome(fault, ask(connection, fault.method, "/fault"))
    for _ in range(2):
        with connect(gate.port) as other:
            response = ask(other, "GET", "/")
            assert (response.status, response.body) == (200, b"well")


def test_an_old_client_sees_a_cut_body_by_the_missing_close_notify(
    gate: Gate, misbehaving: Misbehaving
):
    """HTTP/1.0 has no chunks: only TLS can tell that the end is not the end."""
    misbehaving.fault = FAULTS["resets a close-delimited body"]
    with connect(gate.port) as connection:
        connection.send(head("GET /fault HTTP/1.0", "Host: localhost"))
        assert not connection.response().complete


def test_an_old_client_gets_a_whole_close_delimited_body(gate: Gate, misbehaving: Misbehaving):
    """The end of the connection, in order, is the end of the body."""
    misbehaving.fault = FAULTS["close-delimited body"]
    with connect(gate.port) as connection:
        connection.send(head("GET /fault HTTP/1.0", "Host: localhost"))
        response = connection.response()
        assert (response.body, response.complete) == (b"four", True)
        assert response.header("transfer-encoding") is None
