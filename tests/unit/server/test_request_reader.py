"""Requests cut out of a client's bytes, in whatever pieces they come."""

from __future__ import annotations

import pytest

from proxy.http1.head import RequestParser
from proxy.http1.messages import ProtocolError, RequestHead
from proxy.server.request_reader import RequestReader
from tests.unit.server.world import GET, request

MAX_HEAD = 1024
UPLOAD = request("Content-Length: 4", method="PUT")
CHUNKED = request("Transfer-Encoding: chunked", method="PUT")


@pytest.fixture
def reader() -> RequestReader:
    return RequestReader(RequestParser(100))


def read(reader: RequestReader, data: bytes) -> RequestHead:
    reader.buffer += data
    found = reader.read_head(MAX_HEAD)
    assert found
    return found


def test_requests_come_one_by_one(reader: RequestReader):
    assert read(reader, request(path="/1") + request(path="/2") + GET[:5]).target == b"/1"
    assert read(reader, b"").target == b"/2"
    assert reader.read_head(MAX_HEAD) is None
    assert read(reader, GET[5:]).target == b"/"
    assert reader.buffer == b""


def test_a_head_may_come_byte_by_byte(reader: RequestReader):
    for position in range(len(GET) - 1):
        reader.buffer += GET[position : position + 1]
        assert reader.read_head(MAX_HEAD) is None
        assert reader.is_new == (position == 0)
    assert read(reader, GET[-1:] + GET[:1]).target == b"/"
    assert reader.read_head(MAX_HEAD) is None
    assert reader.is_new


@pytest.mark.parametrize("lines", [b"\r\n", b"\r\n\r\n"])
def test_empty_lines_before_a_request_do_not_count(reader: RequestReader, lines: bytes):
    """RFC 9112, section 2.2."""
    reader.buffer = lines
    assert reader.read_head(MAX_HEAD) is None
    assert (reader.buffer, reader.is_new) == (b"", False)
    assert read(reader, lines + GET).target == b"/"


def test_content_is_told_from_what_follows(reader: RequestReader):
    section = read(reader, UPLOAD + b"ab").section
    assert reader.begin_content(section) == b"ab"
    assert reader.read_content(b"ab") == (b"ab", False)
    assert reader.read_content(b"cd" + GET) == (b"cd", True)
    assert read(reader, b"").method == b"GET"


def test_content_that_is_malformed_is_an_error(reader: RequestReader):
    section = read(reader, CHUNKED + b"zz\r\n").section
    with pytest.raises(ProtocolError):
        reader.read_content(reader.begin_content(section))


@pytest.mark.parametrize("data", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD])
def test_what_is_no_request_stays_for_the_log(reader: RequestReader, data: bytes):
    reader.buffer = data
    with pytest.raises(ProtocolError):
        reader.read_head(MAX_HEAD)
    assert reader.buffer == data


def test_the_line_of_a_request_can_be_put_back(reader: RequestReader):
    found = read(reader, request(path="/a") + b"more")
    reader.put_back(found)
    assert reader.buffer == b"GET /a HTTP/1.1\r\nmore"
