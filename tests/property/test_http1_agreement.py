"""What is accepted here, h11 and llhttp read in the same way, to the byte where it ends.

Where they differ, the comparison is restricted, and why is said there.
"""

from __future__ import annotations

from contextlib import suppress

import h11
import pytest
from httptools import HttpParserUpgrade, HttpRequestParser, HttpResponseParser
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.corpus.cases import Case, load
from tests.unit.http1.strategies import (
    ANY_REQUESTS,
    ANY_RESPONSES,
    requests,
    responses,
    sound_requests,
)
from tests.unit.http1.stream import Message, RequestStream, ResponseStream, Stream, read

_NO_LIMIT = 1 << 20
ACCEPTED = [
    case
    for case in load("requests")
    if case.messages
    and not case.refused
    and not case.waits
    and b"\r\nHost: b\r\n\r\n" not in case.data
]
# h11 takes no 101 that it did not ask for.
ACCEPTED_RESPONSES = [
    case
    for case in load("responses")
    if case.messages and not case.refused and not case.waits and b" 101 " not in case.data
]


def lines_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """The field lines of the first head, by the book; it was accepted, so that this is safe."""
    lines = data.lstrip(b"\r\n").partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return [
        (name.lower(), value.strip(b" \t")) for name, _, value in (x.partition(b":") for x in lines)
    ]


def target_of(data: bytes) -> bytes:
    """The request target as it was sent."""
    return data.lstrip(b"\r\n").split(b" ", 2)[1]


def after_head(data: bytes) -> bytes:
    """What follows the first head."""
    return data.lstrip(b"\r\n").partition(b"\r\n\r\n")[2]


def has_framing_trailers(data: bytes) -> bool:
    """h11 and llhttp apply rules for Host and framing fields to trailers; here they are dropped."""
    tail = after_head(data).lower()
    return any(name in tail for name in (b"content-length", b"transfer-encoding", b"host"))


def until_end(conn: h11.Connection) -> tuple[h11.Event, bytes]:
    """The head, and all content that follows it."""
    first = conn.next_event()
    content = b""
    while isinstance(event := conn.next_event(), h11.Data):
        content += event.data
    assert isinstance(event, (h11.EndOfMessage, type(h11.NEED_DATA)))
    return first, content


def first_complete(stream: Stream, data: bytes) -> Message | None:
    """The first message, if it is accepted as a whole."""
    read(stream, [data])
    return stream.messages[0] if stream.messages and stream.messages[0].is_complete else None


def check_against_h11(data: bytes, ours: Message) -> None:
    conn = h11.Connection(h11.SERVER, max_incomplete_event_size=_NO_LIMIT)
    # h11 takes no empty lines before a request; RFC 9112, section 2.2, wants them to be skipped.
    conn.receive_data(data.lstrip(b"\r\n"))
    theirs, content = until_end(conn)
    assert isinstance(theirs, h11.Request)
    assert theirs.method == ours.head.method
    assert theirs.http_version == ours.described()["version"].encode()
    # Of the absolute form only the path is left here.
    assert theirs.target == target_of(data)
    assert not theirs.target.startswith(b"/") or theirs.target == ours.head.target
    # h11 writes Transfer-Encoding in lower case.
    assert [(n, v.lower()) for n, v in theirs.headers] == [
        (n, v.lower()) for n, v in lines_of(data)
    ]
    assert content == ours.content


@given(requests() | ANY_REQUESTS)
def test_h11_reads_a_request_alike(data: bytes):
    ours = first_complete(RequestStream(), data)
    assume(ours is not None and not has_framing_trailers(data))
    assert ours is not None
    check_against_h11(data, ours)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.id)
def test_h11_reads_the_accepted_requests_of_the_corpus_alike(case: Case):
    ours = first_complete(RequestStream(), case.data)
    assert ours is not None
    check_against_h11(case.data, ours)


@given(sound_requests(), sound_requests())
def test_h11_finds_the_next_request_at_the_same_byte(first: bytes, second: bytes):
    ours = read(RequestStream(), [first, second])
    assert ours.error is None
    conn = h11.Connection(h11.SERVER, max_incomplete_event_size=_NO_LIMIT)
    conn.receive_data(first + second)
    _, content = until_end(conn)
    assert content == ours.messages[0].content
    assert conn.trailing_data[0] == second


class Events:
    """Counts what llhttp sees."""

    def __init__(self) -> None:
        self.urls: list[bytes] = []
        self.lines: list[tuple[bytes, bytes]] = []
        self.content = b""
        self.heads = self.messages = 0

    def on_url(self, url: bytes) -> None:
        self.urls.append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.heads == self.messages:  # trailers come the same way
            self.lines.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.heads += 1

    def on_body(self, data: bytes) -> None:
        self.content += data

    def on_message_complete(self) -> None:
        self.messages += 1


@given(requests() | ANY_REQUESTS)
def test_llhttp_reads_a_request_alike(data: bytes):
    stream = RequestStream()
    ours = first_complete(stream, data)
    assume(ours is not None)
    assert ours is not None
    # Alone, for llhttp has an opinion about what follows a close. And without what llhttp checks
    # further: the grammar of chunk extensions, which are dropped here.
    assume(len(stream.messages) == 1 and not stream.error and not stream.waits)
    assume(not has_framing_trailers(data))
    assume(ours.facts.keep_alive and b";" not in after_head(data))
    events = Events()
    parser = HttpRequestParser(events)
    with suppress(HttpParserUpgrade):
        parser.feed_data(data)
    assert events.urls == [target_of(data)]
    assert events.lines == lines_of(data)
    assert (events.heads, events.messages) == (1, 1)
    # With an upgrade llhttp has done at the head, and leaves the content to the new protocol. Here
    # a request with content does not switch; the upstream is not offered an upgrade then.
    assert events.content == (b"" if parser.should_upgrade() else ours.content)


def check_response_against_h11(data: bytes, method: bytes, ours: Message) -> None:
    conn = h11.Connection(h11.CLIENT, max_incomplete_event_size=_NO_LIMIT)
    conn.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    conn.send(h11.EndOfMessage())
    conn.receive_data(data)
    theirs = conn.next_event()
    assert isinstance(theirs, (h11.Response, h11.InformationalResponse))
    assert theirs.status_code == ours.described()["status"]
    assert theirs.reason == ours.described()["reason"]
    assert [(n, v.lower()) for n, v in theirs.headers] == [
        (n, v.lower()) for n, v in lines_of(data)
    ]
    if isinstance(theirs, h11.Response):
        content = b""
        while isinstance(event := conn.next_event(), h11.Data):
            content += event.data
        assert content == ours.content
        assert isinstance(event, h11.EndOfMessage)


@given(responses() | ANY_RESPONSES, st.sampled_from([b"GET", b"HEAD"]))
def test_h11_reads_a_response_alike(data: bytes, method: bytes):
    ours = first_complete(ResponseStream(method), data)
    assume(ours is not None)
    assert ours is not None
    assume(ours.described()["status"] != 101 and not has_framing_trailers(data))
    check_response_against_h11(data, method, ours)


@pytest.mark.parametrize("case", ACCEPTED_RESPONSES, ids=lambda case: case.id)
def test_h11_reads_the_accepted_responses_of_the_corpus_alike(case: Case):
    ours = first_complete(ResponseStream(case.method), case.data)
    assert ours is not None
    check_response_against_h11(case.data, case.method, ours)


@given(responses() | ANY_RESPONSES)
def test_llhttp_reads_the_head_of_a_response_alike(data: bytes):
    stream = read(ResponseStream(), [data])
    assume(stream.messages)
    end = data.index(b"\r\n\r\n") + 4
    events = Events()
    parser = HttpResponseParser(events)
    with suppress(HttpParserUpgrade):
        parser.feed_data(data[:end])
    assert events.heads == 1
    assert events.lines == lines_of(data)
    assert parser.get_status_code() == stream.messages[0].described()["status"]
