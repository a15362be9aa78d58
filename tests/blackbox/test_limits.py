"""Too long, too many, too much: 414, 431, 413, each with an answer that arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, head, running_gate
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gate import Gate


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gate, Recorder]]:
    """A gate with small limits; shared by the module."""
    folder = tmp_path_factory.mktemp("gate")
    limits = {"head": "8KiB", "fields": 20, "body": "1MiB"}
    with Recorder() as upstream, running_gate(folder, upstream.url, limits=limits) as running:
        yield running, upstream


@pytest.fixture
def gate_with_limits(shared: tuple[Gate, Recorder]) -> tuple[Gate, Recorder]:
    """The same, with nothing left from earlier tests."""
    shared[1].forget()
    return shared


def test_a_target_that_is_too_long_gets_414(gate_with_limits: tuple[Gate, Recorder]):
    """The limit of the head is met inside the request line."""
    gate, upstream = gate_with_limits
    with connect(gate.port) as connection:
        response = connection.get("/" + "x" * 20_000)
        assert response.status == 414
        assert connection.is_closed()
    assert upstream.nothing_received()


def test_a_head_that_is_too_long_gets_431(gate_with_limits: tuple[Gate, Recorder]):
    """One long field, and one long head of many fields."""
    gate, upstream = gate_with_limits
    for lines in (["X: " + "x" * 20_000], [f"X-{n}: {'x' * 900}" for n in range(15)]):
        with connect(gate.port) as connection:
            assert connection.get("/", *lines).status == 431
            assert connection.is_closed()
    assert upstream.nothing_received()


def test_too_many_fields_get_431(gate_with_limits: tuple[Gate, Recorder]):
    """Small ones count, too."""
    gate, _ = gate_with_limits
    with connect(gate.port) as connection:
        assert connection.get("/", *(f"X-{n}: y" for n in range(30))).status == 431


def test_an_endless_head_gets_431(gate_with_limits: tuple[Gate, Recorder]):
    """The answer comes although the client never ends its head."""
    gate, _ = gate_with_limits
    with connect(gate.port) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 3000)
        assert connection.response().status == 431


def test_a_body_that_is_announced_too_long_gets_413_at_once(
    gate_with_limits: tuple[Gate, Recorder],
):
    """Before any of it is read, and before the app hears of it."""
    gate, upstream = gate_with_limits
    with connect(gate.port) as connection:
        connection.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 2000000"))
        assert connection.response().status == 413
        assert connection.is_closed()
    assert upstream.nothing_received()


def test_413_reaches_a_client_that_goes_on_sending(gate_with_limits: tuple[Gate, Recorder]):
    """Lingering close: a reset would throw the answer away (RFC 9112, section 9.6)."""
    gate, _ = gate_with_limits
    size = 20_000_000
    with connect(gate.port) as connection:
        connection.send(head("POST / HTTP/1.1", "Host: localhost", f"Content-Length: {size}"))
        connection.send(b"x" * 4_000_000)
        assert connection.response().status == 413


def test_a_chunked_body_that_grows_too_long_gets_413(gate_with_limits: tuple[Gate, Recorder]):
    """No length was announced, so it is counted while it flows; the app sees no whole request."""
    gate, upstream = gate_with_limits
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with connect(gate.port) as connection:
        connection.send(head("POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"))
        connection.send(chunk * 40)
        assert connection.response().status == 413
    assert upstream.nothing_received()


def test_what_is_just_inside_the_limits_passes(gate_with_limits: tuple[Gate, Recorder]):
    """A body of exactly the limit."""
    gate, upstream = gate_with_limits
    with connect(gate.port) as connection:
        connection.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 1048576"))
        connection.send(b"x" * 1048576)
        assert connection.response().status == 200
    assert len(upstream.received().body) == 1048576
