"""Whether bytes are exactly one TLS record, against a reader that takes one byte at a time."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.tls.records import RecordBoundary


def record(size: int, kind: int = 23) -> bytes:
    return bytes((kind, 3, 3)) + size.to_bytes(2, "big") + b"\x17" * size


def test_a_whole_record_is_one():
    boundary = RecordBoundary()
    assert boundary.is_one_record(record(1))
    assert boundary.is_one_record(record(16384 + 256))


def test_two_records_are_not_one():
    boundary = RecordBoundary()
    assert not boundary.is_one_record(record(5) + record(5))
    assert boundary.is_one_record(record(5))


def test_a_record_in_pieces_is_none_of_them():
    boundary = RecordBoundary()
    for piece in (b"\x17", b"\x03\x03\x00", b"\x07", b"abc", b"defg"):
        assert not boundary.is_one_record(piece)
    assert boundary.is_one_record(record(5))


def test_content_that_looks_like_a_record_is_not_one():
    """The client chooses what stands inside a record, and where the network cuts it."""
    inner = record(3)
    boundary = RecordBoundary()
    assert not boundary.is_one_record(record(50)[:5])
    assert not boundary.is_one_record(inner)
    assert not boundary.is_one_record(b"x" * (50 - len(inner)))
    assert boundary.is_one_record(inner)


def test_an_empty_record_is_not_worth_a_read_of_its_own():
    boundary = RecordBoundary()
    assert not boundary.is_one_record(record(0))
    assert boundary.is_one_record(record(1))


def test_no_bytes_change_nothing():
    boundary = RecordBoundary()
    assert not boundary.is_one_record(b"")
    assert boundary.is_one_record(record(1))


class Model:
    """Knows the place of each byte."""

    def __init__(self) -> None:
        self.header = b""
        self.missing = 0

    def take(self, data: bytes) -> bool:
        began_here = not self.header and not self.missing
        ends = 0
        for at in range(len(data)):
            if self.missing:
                self.missing -= 1
            else:
                self.header += data[at : at + 1]
                if len(self.header) < 5:
                    continue
                self.missing, self.header = int.from_bytes(self.header[3:], "big"), b""
            ends += not self.missing
        is_at_end = not self.header and not self.missing
        return began_here and is_at_end and ends == 1 and len(data) > 5


PIECES = st.lists(
    st.integers(0, 40).map(record)
    | st.binary(max_size=12)
    | st.integers(0, 40).flatmap(lambda n: st.integers(0, n + 5).map(lambda cut: record(n)[:cut])),
    max_size=20,
)


@given(PIECES)
@example([record(300)[:3], record(300)[3:], record(300)])
def test_any_bytes_in_any_pieces_are_counted_right(pieces: list[bytes]):
    boundary, model = RecordBoundary(), Model()
    for piece in pieces:
        assert boundary.is_one_record(piece) == model.take(piece)
        assert len(boundary._header) < 5
        assert (boundary._header, boundary._missing) == (model.header, model.missing)
