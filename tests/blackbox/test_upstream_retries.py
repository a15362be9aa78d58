"""``retries.conditions``: nginx's ``proxy_next_upstream``, word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import connect, free_port, head
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate


def apps(*servers: str, **retries: Any) -> dict[str, Any]:
    app = {"servers": [*servers], "retries": retries, "health": {"max_fails": 0}}
    return {"upstream": None, "upstreams": {"app": app}}


class Answering(Scripted):
    """An app that gives one answer, always."""

    def __init__(self, answer: bytes, *, hangs: bool = False) -> None:
        async def script(connection: Connection) -> None:
            while True:
                await connection.request()
                await connection.send(answer)
                if hangs:
                    await connection.until_closed()

        super().__init__(script)


def status(number: int) -> bytes:
    return b"HTTP/1.1 %d x\r\nContent-Length: 3\r\n\r\nbad" % number


def statuses(start_gate: StartGate, bad: Scripted, method: str = "GET", **retries: Any) -> set[int]:
    """Return the statuses of some requests to a bad server and a good one."""
    with bad, Recorder(b"good") as good:
        gate = start_gate(**apps(bad.url, good.url, **retries), timeouts={"response": 0.5})
        found = set()
        for _ in range(4):
            with connect(gate.port) as connection:
                connection.send(head(f"{method} / HTTP/1.1", "Host: localhost"))
                found.add(connection.response(method).status)
        return found


@pytest.mark.parametrize("number", [500, 502, 503, 504, 403, 404, 429])
def test_an_apps_error_is_its_answer_unless_it_is_named(start_gate: StartGate, number: int):
    assert statuses(start_gate, Answering(status(number))) == {200, number}


@pytest.mark.parametrize("number", [500, 502, 503, 504, 403, 404, 429])
def test_named_it_is_left_to_another(start_gate: StartGate, number: int):
    named = {"conditions": ["error", f"http_{number}"]}
    assert statuses(start_gate, Answering(status(number)), **named) == {200}


def test_an_answer_whose_content_is_still_to_come_is_left_to_another_too(start_gate: StartGate):
    begun = b"HTTP/1.1 503 x\r\nContent-Length: 3\r\n\r\nb"
    bad = Answering(begun, hangs=True)
    assert statuses(start_gate, bad, conditions="http_503") == {200}


def test_the_last_servers_error_is_passed_on_with_its_content(start_gate: StartGate):
    with Answering(status(503)) as one, Answering(status(503)) as two:
        gate = start_gate(**apps(one.url, two.url, conditions=["http_503"]))
        with connect(gate.port) as connection:
            response = connection.get()
            assert (response.status, response.body) == (503, b"bad")
            assert connection.get().status == 503  # and the connection goes on
        gate.stderr.wait_for("upstream failed.*code=upstream_http_503")


def test_a_post_with_an_error_is_not_left_to_another(start_gate: StartGate):
    bad = Answering(status(503))
    assert statuses(start_gate, bad, "POST", conditions=["http_503"]) == {200, 503}


def test_unless_the_operator_takes_the_risk(start_gate: StartGate):
    bad = Answering(status(503))
    bold = {"conditions": ["http_503", "non_idempotent"]}
    assert statuses(start_gate, bad, "POST", **bold) == {200}


def test_what_is_no_http_is_an_answer_unless_it_is_named(start_gate: StartGate):
    assert statuses(start_gate, Answering(b"garbage\r\n\r\n")) == {200, 502}


def test_named_nonsense_is_left_to_another(start_gate: StartGate):
    bad = Answering(b"garbage\r\n\r\n")
    assert statuses(start_gate, bad, conditions=["invalid_header"]) == {200}


def test_without_timeout_a_silent_server_is_a_504(start_gate: StartGate):
    assert statuses(start_gate, Answering(b"", hangs=True), conditions=["error"]) == {200, 504}


def test_with_no_conditions_nobody_else_is_ever_asked(start_gate: StartGate):
    """As ``proxy_next_upstream off``: not even when nothing was sent."""
    with Recorder(b"good") as good:
        gate = start_gate(**apps(f"http://127.0.0.1:{free_port()}", good.url, conditions=[]))
        with connect(gate.port) as connection:
            assert {connection.get().status for _ in range(4)} == {200, 502}


def test_a_503_that_another_made_good_is_told_in_the_log(start_gate: StartGate):
    with Answering(status(503)) as one, Recorder() as two:
        gate = start_gate(**apps(one.url, two.url, conditions=["http_503"]))
        with connect(gate.port) as connection:
            assert {connection.get().status for _ in range(4)} == {200}
        gate.stderr.wait_for(f"upstream failed.*127.0.0.1:{one.port}.*upstream_http_503")
