"""Decoders at their edges; whole bodies are in the corpus."""

from __future__ import annotations

import pytest

from proxy.http1.body import (
    LAST_CHUNK,
    ChunkedDecoder,
    CloseDecoder,
    LengthDecoder,
    decoder_for,
    encode_chunk,
)
from proxy.http1.messages import Framing, ProtocolError


def test_each_framing_has_its_decoder():
    assert isinstance(decoder_for(Framing.CHUNKED, 0), ChunkedDecoder)
    assert isinstance(decoder_for(Framing.CLOSE, 0), CloseDecoder)
    assert isinstance(decoder_for(Framing.LENGTH, 5), LengthDecoder)


def test_no_content_has_ended_before_the_first_byte():
    assert decoder_for(Framing.NONE, 0).feed(b"") == (b"", b"")
    assert decoder_for(Framing.NONE, 0).feed(b"next") == (b"", b"next")


def test_a_length_keeps_count():
    decoder = LengthDecoder(5)
    assert decoder.feed(b"hel") == (b"hel", None)
    assert decoder.remaining == 2
    assert decoder.feed(b"loX") == (b"lo", b"X")
    assert decoder.remaining == 0


def test_chunks_that_arrive_together_leave_together():
    assert ChunkedDecoder().feed(b"1\r\na\r\n2\r\nbc\r\n3\r\nde") == (b"abcde", None)


def test_a_chunk_is_written_in_hexadecimal():
    assert encode_chunk(b"a" * 26) == b"1a\r\n" + b"a" * 26 + b"\r\n"
    assert ChunkedDecoder().feed(LAST_CHUNK) == (b"", b"")


@pytest.mark.parametrize("size", [b"0" * 14 + b"1", b"1;" + b"a" * 1022])
def test_a_size_line_may_be_as_long_as_the_limit(size: bytes):
    assert ChunkedDecoder().feed(size + b"\r\na") == (b"a", None)


@pytest.mark.parametrize("size", [b"0" * 15 + b"1", b"1;" + b"a" * 1023])
def test_a_size_line_may_not_be_longer(size: bytes):
    with pytest.raises(ProtocolError, match="chunk"):
        ChunkedDecoder().feed(size + b"\r\na")


def test_the_largest_size_is_waited_for_and_not_allocated():
    assert ChunkedDecoder().feed(b"f" * 15 + b"\r\nabc") == (b"abc", None)


def test_a_trailer_section_may_be_as_long_as_its_budget():
    lines = (b"a: " + b"b" * 1019 + b"\r\n") * 8  # 8 times 1024
    assert ChunkedDecoder().feed(b"0\r\n" + lines + b"\r\n") == (b"", b"")
    with pytest.raises(ProtocolError, match="trailer"):
        ChunkedDecoder().feed(b"0\r\n" + lines + b"a:\r\n\r\n")


@pytest.mark.parametrize(
    "data", [b"1\rx", b"1\nx", b"1\r\naX", b"1\r\na\n", b"1\r\na\rX", b"0\r\n\rX", b"0\r\na\n"]
)
def test_a_wrong_line_end_is_refused_as_soon_as_it_is_there(data: bytes):
    """A peer that is wrong already is not waited for until the deadline."""
    with pytest.raises(ProtocolError):
        ChunkedDecoder().feed(data)


@pytest.mark.parametrize("data", [b"1", b"1\r", b"1\r\na", b"1\r\na\r", b"0\r\n", b"0\r\n\r"])
def test_half_a_line_end_is_waited_for(data: bytes):
    assert ChunkedDecoder().feed(data)[1] is None
