"""The answer to a GET or HEAD for a file."""

from __future__ import annotations

import pytest

from proxy.forward.byte_ranges import Part, Span
from proxy.forward.http_date import http_date
from proxy.forward.representation import Answer, Representation, answer_for

MODIFIED = 1_700_000_000
NOW = 1_790_000_000.0
FOUND = Representation(b"a.txt", 1000, MODIFIED * 10**9 + 5)


def ask(*fields: tuple[bytes, bytes], method: bytes = b"GET") -> Answer:
    lines = [(name.lower(), name, value) for name, value in fields]
    return answer_for(method, lines, FOUND, NOW, b"boundary")


def lines_of(answer: Answer) -> dict[bytes, bytes]:
    assert all(lower == name.lower() for lower, name, _ in answer.fields)
    return {name: value for _, name, value in answer.fields}


VALIDATORS = {
    b"Last-Modified": http_date(MODIFIED),
    b"ETag": b'"%x-3e8"' % FOUND.modified_ns,
}
OF_CONTENT = {**VALIDATORS, b"Accept-Ranges": b"bytes", b"X-Content-Type-Options": b"nosniff"}
TEXT = {b"Content-Type": b"text/plain; charset=utf-8"}


def test_the_whole_file():
    answer = ask((b"Accept", b"*/*"))
    assert (answer.status, answer.length) == (200, 1000)
    assert lines_of(answer) == {**TEXT, **OF_CONTENT}
    assert answer.parts == [Part(b"", Span(0, 1000))]


def test_one_part_of_it():
    answer = ask((b"Range", b"bytes=0-9"))
    assert (answer.status, answer.length) == (206, 10)
    assert lines_of(answer) == {**TEXT, b"Content-Range": b"bytes 0-9/1000", **OF_CONTENT}


def test_several_parts_of_it():
    answer = ask((b"Range", b"bytes=0-9,500-509"))
    assert answer.status == 206
    of_parts = {b"Content-Type": b"multipart/byteranges; boundary=boundary"}
    assert lines_of(answer) == {**of_parts, **OF_CONTENT}
    assert [span for _, span in answer.parts] == [Span(0, 10), Span(500, 510)]
    assert answer.length == 20 + sum(len(part.before) for part in answer.parts) + len(answer.after)


def test_no_part_of_it():
    answer = ask((b"Range", b"bytes=1000-"))
    assert (answer.status, answer.length) == (416, 0)
    assert lines_of(answer) == {b"Content-Range": b"bytes */1000"}


def test_nothing_new():
    answer = ask((b"If-None-Match", b"*"), (b"Range", b"bytes=1000-"))
    assert (answer.status, answer.length) == (304, 0)
    assert lines_of(answer) == VALIDATORS


def test_another_file_than_meant():
    assert ask((b"If-Match", b'"x"')) == Answer(412, [])


@pytest.mark.parametrize(
    ("value", "status"), [(FOUND.etag, 206), (b'"x"', 200), (http_date(MODIFIED), 206)]
)
def test_a_part_only_of_the_file_that_the_client_knows(value: bytes, status: int):
    assert ask((b"Range", b"bytes=0-9"), (b"If-Range", value)).status == status


def test_a_range_that_makes_no_sense_gets_the_whole():
    assert ask((b"Range", b"lines=0-9")).status == 200


def test_ranges_are_for_get_alone():
    """RFC 9110, section 14.2."""
    assert ask((b"Range", b"bytes=0-9"), method=b"HEAD").status == 200
    assert ask((b"If-None-Match", b"*"), method=b"HEAD").status == 304


def test_a_time_to_come_is_not_told():
    """RFC 9110, section 8.8.2.1; and one before 1970 is of no use to anybody."""
    assert FOUND._replace(modified_ns=2**62).last_modified(NOW) == NOW
    assert FOUND._replace(modified_ns=-1).last_modified(NOW) == 0


def test_the_tag_tells_nanoseconds_and_size():
    assert FOUND.etag == b'"17979cfe362a0005-3e8"'
    assert FOUND._replace(modified_ns=-16).etag == b'"-10-3e8"'
