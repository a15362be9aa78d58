"""Files: whatever a client asks for, it gets bytes of the file, at the place that is named."""

from __future__ import annotations

import email.parser
import email.policy
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from proxy.forward.byte_ranges import MAX_RANGES, Span, parse_ranges
from proxy.forward.conditional import Outcome, conditions_of, evaluate
from proxy.forward.http_date import http_date, parse_http_date
from proxy.forward.representation import Answer, Representation, answer_for

MOMENTS = st.integers(0, 2**32)
NUMBERS = st.integers(0, 3000)
ONE = st.one_of(
    st.builds("{}-".format, NUMBERS),
    st.builds("-{}".format, NUMBERS),
    st.tuples(NUMBERS, NUMBERS).map(lambda pair: "{}-{}".format(*sorted(pair))),
)
RANGES = st.lists(ONE, min_size=1, max_size=12).map(lambda ones: f"bytes={','.join(ones)}".encode())
SIZES = st.integers(0, 2000)
TAGS = st.sampled_from([b'"a"', b'W/"a"', b'"b"', b"*", b"", b"nonsense", b'"b", "a"'])
NOISE = st.binary(max_size=40)
NAMES = st.sampled_from(
    [b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range"]
)


@given(MOMENTS, MOMENTS)
def test_a_date_that_was_written_is_read_again(moment: int, now: int):
    assert parse_http_date(http_date(moment), now) == moment


@given(MOMENTS)
def test_the_other_forms_mean_the_same(moment: int):
    when = datetime.fromtimestamp(moment, UTC)
    assert parse_http_date(when.strftime("%a %b %e %H:%M:%S %Y").encode(), moment) == moment
    rfc850 = when.strftime("%A, %d-%b-%y %H:%M:%S GMT").encode()
    assert parse_http_date(rfc850, moment) == moment


@given(NOISE, MOMENTS)
def test_no_bytes_break_the_reading_of_a_date(text: bytes, now: int):
    parse_http_date(text, now)


def asked(value: bytes, size: int) -> set[int]:
    """Return the positions that a field asks for, read in the plainest way."""
    positions: set[int] = set()
    for one in value.decode().removeprefix("bytes=").split(","):
        first, _, last = one.partition("-")
        if first:
            positions.update(range(int(first), min(size, int(last) + 1 if last else size)))
        else:
            positions.update(range(max(0, size - int(last)), size))
    return positions


@given(RANGES, st.integers(1, 2000))
def test_every_byte_that_is_asked_for_is_sent_once(value: bytes, size: int):
    spans = parse_ranges([value], size)
    assert spans is not None
    sent = [place for span in spans for place in range(*span)]
    assert len(sent) == len(set(sent))
    assert asked(value, size) <= set(sent) <= set(range(size))
    assert bool(spans) == bool(asked(value, size))


@given(st.lists(st.binary(max_size=30) | RANGES, min_size=1, max_size=2), SIZES)
def test_no_bytes_break_the_reading_of_ranges(values: list[bytes], size: int):
    for span in parse_ranges(values, size) or ():
        assert 0 <= span.first < span.end <= size


@given(st.lists(ONE, min_size=1, max_size=3 * MAX_RANGES), SIZES)
def test_a_response_is_never_much_longer_than_the_file(ones: list[str], size: int):
    found = Representation(b"x", size, 0)
    field = (b"range", b"Range", f"bytes={','.join(ones)}".encode())
    assert answer_for(b"GET", [field], found, 1.0, b"b" * 32).length <= size + MAX_RANGES * 200


def sent_by(answer: Answer, content: bytes) -> bytes:
    parts = [before + content[span.first : span.end] for before, span in answer.parts]
    return b"".join(parts) + answer.after


@given(RANGES, st.binary(min_size=1, max_size=2000))
def test_a_second_reader_finds_each_part_where_it_says_it_is(value: bytes, content: bytes):
    """Python's MIME parser takes the multipart response apart."""
    found = Representation(b"a.bin", len(content), 10**18)
    answer = answer_for(b"GET", [(b"range", b"Range", value)], found, 2e9, b"UnlikelyInRandomBytes")
    fields = {name: value for _, name, value in answer.fields}
    if answer.status != 206 or b"Content-Range" in fields:
        return
    sent = sent_by(answer, content)
    assert len(sent) == answer.length
    head = b"Content-Type: " + fields[b"Content-Type"] + b"\r\n\r\n"
    # Content of any bytes: latin-1 keeps each, and surrogates are not made.
    text = (head + sent).decode("latin-1")
    message = email.parser.Parser(policy=email.policy.HTTP).parsestr(text)
    assert message.is_multipart()
    assert len(message.get_payload()) == len(answer.parts)
    for part, (_, span) in zip(message.iter_parts(), answer.parts, strict=True):  # type: ignore[attr-defined]
        assert part["Content-Range"].encode() == Span(*span).content_range(len(content))


@given(st.lists(st.tuples(NAMES, TAGS | NOISE), max_size=5), MOMENTS)
def test_any_conditions_come_to_an_outcome(pairs: list[tuple[bytes, bytes]], now: int):
    conditions = conditions_of([(name, name, value) for name, value in pairs])
    outcome = evaluate(conditions, b'"a"', 5, now)
    if not {b"if-match", b"if-unmodified-since"} & conditions.keys():
        assert outcome is not Outcome.FAILED
    if not {b"if-none-match", b"if-modified-since"} & conditions.keys():
        assert outcome is not Outcome.NOT_MODIFIED
