"""Content comes out of its framing as it went in, in any pieces, and not one byte more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.body import (
    LAST_CHUNK,
    ChunkedDecoder,
    CloseDecoder,
    Decoder,
    LengthDecoder,
    encode_chunk,
)
from proxy.http1.messages import ProtocolError
from tests.unit.http1.strategies import chunked, cuts, damaged

_MAX_LINE = 1024


def decode(decoder: Decoder, pieces: list[bytes]) -> tuple[bytes, bytes | None]:
    """All content, and what follows the message once it ended."""
    content, rest = b"", None
    for piece in pieces:
        if rest is None:
            more, rest = decoder.feed(piece)
            content += more
        else:
            rest += piece
    return content, rest


@given(st.lists(st.binary(min_size=1)), st.binary(), st.data())
def test_chunks_come_out_as_they_went_in(contents: list[bytes], rest: bytes, source: st.DataObject):
    data = b"".join(map(encode_chunk, contents)) + LAST_CHUNK + rest
    got = decode(ChunkedDecoder(), source.draw(cuts(data)))
    assert got == (b"".join(contents), rest)


@given(chunked(), st.binary(), st.data())
def test_extensions_and_trailers_leave_no_trace(data: bytes, rest: bytes, source: st.DataObject):
    whole, _ = decode(ChunkedDecoder(), [data])
    assert decode(ChunkedDecoder(), source.draw(cuts(data + rest))) == (whole, rest)


@given(st.binary() | damaged(chunked()), st.data())
def test_any_bytes_are_chunks_or_refused_in_any_pieces(data: bytes, source: st.DataObject):
    pieces = source.draw(cuts(data))
    assert outcome([data]) == outcome(pieces)


def outcome(pieces: list[bytes]) -> tuple[bytes, bytes | None] | int:
    decoder = ChunkedDecoder()
    try:
        return decode(decoder, pieces)
    except ProtocolError as error:
        return error.status
    finally:
        assert len(decoder._held) <= _MAX_LINE + 1


@given(st.binary(), st.binary(), st.data())
def test_a_length_cuts_exactly_there(content: bytes, rest: bytes, source: st.DataObject):
    pieces = source.draw(cuts(content + rest))
    assert decode(LengthDecoder(len(content)), [*pieces, b""]) == (content, rest)


@given(st.binary(min_size=1), st.data())
def test_content_that_is_not_all_there_has_not_ended(content: bytes, source: st.DataObject):
    pieces = source.draw(cuts(content))
    assert decode(LengthDecoder(len(content) + 1), pieces) == (content, None)


@given(st.binary(), st.data())
def test_content_until_the_end_of_the_connection_never_ends_before(
    content: bytes, source: st.DataObject
):
    assert decode(CloseDecoder(), source.draw(cuts(content))) == (content, None)
