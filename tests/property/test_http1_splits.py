"""How the bytes are cut on their way makes no difference, and what is kept of them is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.http1.strategies import ANY_REQUESTS, ANY_RESPONSES, cuts
from tests.unit.http1.stream import LIMIT, RequestStream, ResponseStream, one_by_one, read

# A line of the chunked coding, and the CR of its end.
_MAX_HELD = max(LIMIT, 1024 + 1)
_METHODS = st.sampled_from([b"GET", b"HEAD"])


@given(ANY_REQUESTS, st.data())
def test_requests_come_out_the_same_in_any_pieces(data: bytes, source: st.DataObject):
    pieces = source.draw(cuts(data))
    assert read(RequestStream(), pieces).outcome() == read(RequestStream(), [data]).outcome()


@given(ANY_REQUESTS)
def test_requests_come_out_the_same_byte_by_byte(data: bytes):
    stream = read(RequestStream(), one_by_one(data))
    assert stream.outcome() == read(RequestStream(), [data]).outcome()


@given(ANY_RESPONSES, _METHODS, st.data())
def test_responses_come_out_the_same_in_any_pieces(
    data: bytes, method: bytes, source: st.DataObject
):
    pieces = source.draw(cuts(data))
    got, wanted = read(ResponseStream(method), pieces), read(ResponseStream(method), [data])
    assert got.outcome() == wanted.outcome()


@given(ANY_REQUESTS, st.integers(8, 200), st.data())
def test_a_limit_is_met_at_the_same_place_in_any_pieces(
    data: bytes, limit: int, source: st.DataObject
):
    pieces = source.draw(cuts(data))
    got, wanted = read(RequestStream(limit), pieces), read(RequestStream(limit), [data])
    assert got.outcome() == wanted.outcome()


@given(st.binary(max_size=300), st.data())
def test_any_bytes_are_requests_or_refused(data: bytes, source: st.DataObject):
    stream = read(RequestStream(), source.draw(cuts(data)))
    assert stream.error is None or stream.error.status in {400, 405, 414, 431, 501, 505}


@given(st.binary(max_size=300), _METHODS, st.data())
def test_any_bytes_are_responses_or_refused(data: bytes, method: bytes, source: st.DataObject):
    stream = read(ResponseStream(method), source.draw(cuts(data)))
    assert stream.error is None or stream.error.status in {400, 414, 431}


@given(ANY_REQUESTS, st.sampled_from([b"a", b"a\r\n", b"X: 1\r\n", b"1;", b"0\r\n", b"\r\n"]))
def test_what_is_kept_is_bounded(data: bytes, filler: bytes):
    stream = RequestStream()
    for piece in [data, *[filler * 100] * 80]:
        stream.feed(piece)
        if stream.is_closed:
            break
        assert stream.held <= _MAX_HELD
