"""Responses cut out of a connection's bytes, in whatever pieces they come."""

from __future__ import annotations

import pytest

from proxy.http1.messages import ProtocolError
from proxy.server.response_reader import ResponseReader

MAX_HEAD = 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HINTS = b"HTTP/1.1 103 Early Hints\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\n\r\nok"


@pytest.fixture
def reader() -> ResponseReader:
    return ResponseReader(100)


def read(reader: ResponseReader, data: bytes, method: bytes = b"GET") -> tuple[int, bytes, object]:
    found = reader.read_head(data, method, MAX_HEAD)
    assert found
    head, content, rest = found
    return head.status, content, rest


def test_a_response_that_came_whole_leaves_nothing(reader: ResponseReader):
    assert read(reader, OK) == (200, b"ok", b"")
    assert reader.decoder is None


def test_what_follows_the_end_is_told(reader: ResponseReader):
    assert read(reader, OK + b"more") == (200, b"ok", b"more")


def test_a_head_may_come_byte_by_byte(reader: ResponseReader):
    for position in range(len(OK) - 3):
        assert reader.read_head(OK[position : position + 1], b"GET", MAX_HEAD) is None
        assert not reader.is_untouched
    assert read(reader, OK[-3:]) == (200, b"ok", b"")


def test_content_may_come_later(reader: ResponseReader):
    assert read(reader, OK[:-1]) == (200, b"o", None)
    assert reader.decoder is not None
    assert reader.read_content(b"k!") == (b"k", b"!")


def test_interim_responses_come_one_by_one(reader: ResponseReader):
    assert read(reader, HINTS + HINTS + OK) == (103, b"", None)
    assert read(reader, b"") == (103, b"", None)
    assert reader.interims == 2
    assert not reader.is_untouched
    assert read(reader, b"") == (200, b"ok", b"")
    assert reader.interims == 0
    assert reader.is_untouched


def test_a_flood_of_interim_responses_is_an_error(reader: ResponseReader):
    read(reader, HINTS * 17)
    for _ in range(15):
        read(reader, b"")
    with pytest.raises(ProtocolError, match="1xx"):
        read(reader, b"")


def test_the_first_bytes_of_another_protocol_come_with_the_101(reader: ResponseReader):
    switched = b"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: y\r\n\r\n"
    assert read(reader, switched + b"early") == (101, b"early", None)


def test_only_content_without_a_length_ends_with_the_connection(reader: ResponseReader):
    read(reader, OK[:-1])
    assert not reader.ends_with_the_connection
    reader.read_content(b"k")
    read(reader, UNTIL_CLOSED)
    assert reader.ends_with_the_connection


def test_a_head_has_its_limit(reader: ResponseReader):
    with pytest.raises(ProtocolError):
        reader.read_head(b"HTTP/1.1 200 OK\r\nA: " + b"x" * MAX_HEAD, b"GET", MAX_HEAD)
