"""What the upstream gets is exactly one request, whatever the client sent, for any parser."""

from __future__ import annotations

from contextlib import suppress

import h11
from httptools import HttpParserUpgrade, HttpRequestParser
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.forward.identity_headers import is_identity_name
from proxy.forward.names import is_client_field
from proxy.forward.request_head import forwarded_lines, upstream_request_head
from proxy.http1.body import LAST_CHUNK, encode_chunk
from proxy.http1.head import RequestParser
from proxy.http1.messages import CONNECTION_FIELDS, Framing, ProtocolError, RequestHead
from tests.unit.http1.strategies import ANY_REQUESTS, head, requests
from tests.unit.http1.stream import MAX_FIELDS, RequestStream, read

OWN = {
    b"x-forwarded-for": b"192.0.2.1",
    b"x-real-ip": b"192.0.2.1",
    b"x-forwarded-proto": b"https",
    b"x-forwarded-port": b"8443",
    b"x-request-id": b"gate",
    b"x-ssl-client-verify": b"NONE",
}
OWN_LINES = forwarded_lines(b"192.0.2.1", 8443) + (
    b"X-Request-ID: gate\r\nX-SSL-Client-Verify: NONE\r\n"
)
TOKENS = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=12).map(str.encode)
# Names that the gateway or the framing owns, with their dashes, cases and ends changed.
LIKE_OURS = st.builds(
    lambda name, dash, change, end: change(name.replace(b"-", dash)) + end,
    st.sampled_from(sorted({*OWN, *CONNECTION_FIELDS, b"client-cert", b"x-original-url"})),
    st.sampled_from([b"-", b"_", b"."]),
    st.sampled_from([bytes.lower, bytes.upper, bytes.title]),
    st.sampled_from([b"", b"", b"", b"-", b"_", b"-chain"]),
)
NAMES = TOKENS | LIKE_OURS
VALUES = st.binary(max_size=12).map(lambda raw: raw.translate(None, bytes(range(32)) + b"\x7f"))
FIELDS = st.builds(lambda name, value: name + b": " + value, NAMES, VALUES)
CONNECTIONS = st.lists(NAMES, max_size=4).map(lambda names: b"Connection: " + b", ".join(names))
FRAMINGS = st.sampled_from(
    [[], [], [b"Content-Length: 3"], [b"Content-Length: 0"], [b"Transfer-Encoding: chunked"]]
)


@st.composite
def hostile_heads(draw: st.DrawFn) -> bytes:
    """A head with names that the client should not use, and a Connection that nominates them."""
    method = draw(st.sampled_from([b"GET", b"POST", b"OPTIONS", b"PUT", b"HEAD"]))
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"]))
    lines = [b"Host: a", *draw(FRAMINGS), *draw(st.lists(FIELDS | CONNECTIONS, max_size=8))]
    return head(method + b" /a?b HTTP/" + version, draw(st.permutations(lines)))


def parsed(data: bytes) -> RequestHead:
    try:
        return RequestParser(MAX_FIELDS).parse(data)
    except ProtocolError:
        assume(False)
        raise


def sent(request: RequestHead) -> tuple[bytes, bytes]:
    """The bytes for the upstream, and the content that is in them."""
    made = upstream_request_head(request, request.target, OWN_LINES)
    if request.section.framing is Framing.LENGTH:
        content = b"G" * min(request.section.length, 100)
        return made + content, content
    if request.section.framing is Framing.CHUNKED:
        return made + encode_chunk(b"GET / HTTP/1.1") + LAST_CHUNK, b"GET / HTTP/1.1"
    return made, b""


def check_fields(request: RequestHead, fields: list[tuple[bytes, bytes]]) -> None:
    names = [name for name, _ in fields]
    assert names.count(b"host") == 1
    assert dict(fields)[b"host"] == request.section.host
    for name, value in OWN.items():  # the gateway's own, once, and nothing that reads like it
        assert [v for n, v in fields if n.replace(b"_", b"-") == name] == [value]
    assert [name for name in names if is_identity_name(name)] == [b"x-ssl-client-verify"]
    rest = [name for name in names if name not in OWN and name != b"host"]
    section = request.section
    allowed = {
        Framing.LENGTH: [b"content-length"],
        Framing.CHUNKED: [b"transfer-encoding"],
        Framing.NONE: [b"content-length"] if request.method in (b"POST", b"PUT") else [],
    }[section.framing] + ([b"connection", b"upgrade"] if section.upgrade else [])
    assert sorted(name for name in rest if name in CONNECTION_FIELDS) == sorted(allowed)
    others = [name for name in rest if name not in CONNECTION_FIELDS]
    assert all(is_client_field(name) and name not in section.nominated for name in others)


def check_with_h11(request: RequestHead) -> None:
    data, content = sent(request)
    conn = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    conn.receive_data(data)
    theirs = conn.next_event()
    assert isinstance(theirs, h11.Request)
    assert (theirs.method, theirs.target) == (request.method, request.target)
    check_fields(request, list(theirs.headers))
    got = b""
    while isinstance(event := conn.next_event(), h11.Data):
        got += event.data
    assert got == content
    is_short = request.section.framing is Framing.LENGTH and request.section.length > len(content)
    assert is_short or isinstance(event, h11.EndOfMessage)
    assert conn.trailing_data[0] == b""


class Events:
    """What llhttp sees."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.content = b""
        self.begun = self.ended = 0

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.rstrip(b" \t")))

    def on_body(self, data: bytes) -> None:
        self.content += data

    def on_message_complete(self) -> None:
        self.ended += 1


def check_with_llhttp(request: RequestHead) -> None:
    data, content = sent(request)
    events = Events()
    parser = HttpRequestParser(events)
    with suppress(HttpParserUpgrade):
        parser.feed_data(data)
    assert parser.get_method() == request.method
    check_fields(request, events.fields)
    assert events.content == content
    is_short = request.section.framing is Framing.LENGTH and request.section.length > len(content)
    assert (events.begun, events.ended) == (1, 0 if is_short else 1)


@given(hostile_heads())
def test_h11_sees_one_request_and_nobodys_fields_but_ours(data: bytes):
    check_with_h11(parsed(data))


@given(hostile_heads())
def test_llhttp_sees_one_request_and_nobodys_fields_but_ours(data: bytes):
    check_with_llhttp(parsed(data))


@given(requests() | ANY_REQUESTS)
def test_whatever_is_accepted_leaves_as_one_request(data: bytes):
    for message in read(RequestStream(), [data]).messages:
        assert isinstance(message.head, RequestHead)
        check_with_h11(message.head)
        check_with_llhttp(message.head)


@given(hostile_heads())
def test_what_leaves_is_accepted_here_too_and_means_the_same(data: bytes):
    """Two gates in a row: the second adds its own lines and takes no others away."""
    first = parsed(data)
    assume(first.section.host)  # an empty Host is what a request of HTTP/1.0 without one leaves as
    second = RequestParser(0).parse(sent(first)[0].partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert (second.method, second.target) == (first.method, first.target)
    wanted = (first.section.host, first.section.framing, first.section.length)
    assert (second.section.host, second.section.framing, second.section.length) == wanted
    assert second.section.upgrade == first.section.upgrade


@given(st.lists(hostile_heads(), min_size=2, max_size=6), st.integers(0, 5))
def test_what_is_remembered_of_a_section_is_what_is_sent(heads: list[bytes], again: int):
    parser = RequestParser(0)
    for data in [*heads, heads[again % len(heads)]]:
        try:
            request = parser.parse(data)
        except ProtocolError:
            continue
        made = upstream_request_head(request, b"/", OWN_LINES)
        assert made == upstream_request_head(parsed(data), b"/", OWN_LINES)
