"""Bytes that are no request leave a record, a count and an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from proxy.http1.messages import ProtocolError
from proxy.server.rejection import collapse, reject

if TYPE_CHECKING:
    from tests.unit.server.world import World

ERROR = ProtocolError(431, "head_too_large", "the head is longer than 10 bytes")


async def test_the_answer_is_complete_and_the_connections_last(world: World):
    answer = reject(world.state, ERROR, b"GET / HTTP/1.1\r\nX: y\r\n", "192.0.2.1")
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert b"\r\nConnection: close" in head
    assert b"\r\nContent-Length: %d\r\n" % len(content) in head


async def test_the_log_gets_the_first_line_and_no_more_than_a_kilobyte_of_it(world: World):
    reject(world.state, ERROR, b"nonsense\r\nsecret", "192.0.2.1")
    reject(world.state, ERROR, b"x" * 5000, "")
    first, second = world.log.records
    assert (first.request_line, first.remote_addr) == (b"nonsense", "192.0.2.1")
    assert (first.status, first.error, first.decision) == (431, "head_too_large", "")
    assert len(second.request_line) == 1024


async def test_it_is_counted_by_its_status(world: World):
    reject(world.state, ERROR, b"", "")
    assert world.state.counters.responses["4xx"] == 1


async def test_an_error_of_certgate_itself_is_told_where_somebody_waits(world: World):
    with capture_logs() as lines:
        asked = collapse(world.state, b"GET / HTTP/1.1\r\n", "192.0.2.1")
        idle = collapse(world.state, b"", "")
    assert asked.startswith(b"HTTP/1.1 500 ")
    assert idle == b""
    [record] = world.log.records
    assert (record.status, record.error) == (500, "internal_error")
    errors = [line for line in lines if line["log_level"] == "error"]
    assert [(line["client"], line["exc_info"]) for line in errors] == [
        ("192.0.2.1", True),
        ("-", True),
    ]
