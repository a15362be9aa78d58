"""Hypothesis strategies: messages that are nearly right, and ways to cut them."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.corpus.cases import load


def one_of(texts: bytes) -> st.SearchStrategy[bytes]:
    """Draw one of the texts between `` | ``; blanks beyond those belong to them."""
    return st.sampled_from(texts.split(b" | "))


METHODS = one_of(b"GET | GET | POST | HEAD | PUT | OPTIONS | PROPFIND | QUERY | CONNECT")
TARGETS = one_of(
    b"/ | / | /a?b=c | //b/ | /%2e/;x | /HTTP/1.1 | http://a/b | http://b/ | http://a?q | * | a"
    b' | /a#b | /\xe9 | /"<>\\^`{} | /a HTTP/1.1'
)
VERSIONS = one_of(b"HTTP/1.1 | HTTP/1.1 | HTTP/1.1 | HTTP/1.1 | HTTP/1.0 | HTTP/1. | HTTP/2.0")
PLAIN_FIELDS = one_of(
    b"Accept: */* | Cookie: a=b | X: | X: \t a  b \t | x: HTTP/1.1 | Y: a\xff:b | X_Y: 1 | !#$: 2"
    b" | User-Agent: h | Cookie: c=d | X-Forwarded-For: 1.2.3.4 | X-SSL-Client-Verify: SUCCESS"
    b" | x_ssl_client_verify: SUCCESS | Client-Cert: :AA==: | Content_Length: 7"
    b" | Transfer_Encoding: chunked"
)
OWN_FIELDS = one_of(
    b"Connection: close | Connection: keep-alive | Connection: upgrade | Connection: x, Y"
    b" | Connection: host, content-length, cookie | Proxy-Connection: close | Keep-Alive: 1"
    b" | Upgrade: websocket | Upgrade: h2c, foo/1 | Upgrade: a b | TE: trailers"
    b" | Expect: 100-continue | Trailer: X | HTTP2-Settings: AAAA"
)
BAD_FIELDS = one_of(
    b" folded | \tfolded | X : 1 | X | : 1 | X: \x00 | X: a\rb | X: a\nb | \xe9: 1 | X: 1\r"
    b" | Content-Length: +1 | Content-Length: 1, 1 | Content-Length : 1 | Host: a b | Host: a"
    b" | Transfer-Encoding: gzip, chunked | Transfer-Encoding: \x0bchunked"
    b" | Content-Length: 3 | Transfer-Encoding: chunked"
)
SIZES = st.sampled_from(["%x", "%X", "0%x", "%x;a", '%x;a=b;c="d"'])


@st.composite
def chunked(draw: st.DrawFn, *, with_trailers: bool = True) -> bytes:
    """Content in the chunked coding."""
    made = b""
    for data in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4)):
        made += (draw(SIZES) % len(data)).encode() + b"\r\n" + data + b"\r\n"
    trailers = draw(st.lists(PLAIN_FIELDS, max_size=2)) if with_trailers else []
    return made + b"0\r\n" + b"".join(line + b"\r\n" for line in trailers) + b"\r\n"


@st.composite
def content(draw: st.DrawFn, *, with_trailers: bool = True) -> tuple[list[bytes], bytes]:
    """Framing fields and the content that they announce."""
    kind = draw(st.sampled_from(["none", "none", "length", "chunked"]))
    if kind == "none":
        return [], b""
    if kind == "length":
        data = draw(st.binary(max_size=30))
        return [b"Content-Length: %d" % len(data)], data
    return [b"Transfer-Encoding: chunked"], draw(chunked(with_trailers=with_trailers))


def head(first_line: bytes, fields: list[bytes]) -> bytes:
    """Put a head together."""
    return b"\r\n".join([first_line, *fields, b"", b""])


@st.composite
def requests(
    draw: st.DrawFn, fields: st.SearchStrategy[bytes] = PLAIN_FIELDS | OWN_FIELDS
) -> bytes:
    """One request, well-formed for the most part."""
    line = b" ".join([draw(METHODS), draw(TARGETS), draw(VERSIONS)])
    framing, data = draw(content())
    lines = [b"Host: a", *framing, *draw(st.lists(fields, max_size=5))]
    return head(line, draw(st.permutations(lines))) + data


@st.composite
def sound_requests(draw: st.DrawFn) -> bytes:
    """One request that has to be accepted, with any client's fields; it does not end the stream."""
    method = draw(st.sampled_from([b"GET", b"POST", b"HEAD", b"DELETE", b"OPTIONS"]))
    target = draw(st.sampled_from([b"/", b"/a?b=c", b"http://a/b", b"/%2e/;x"]))
    framing, data = draw(content(with_trailers=False))
    lines = [b"Host: a", *framing, *draw(st.lists(PLAIN_FIELDS | OWN_FIELDS, max_size=6))]
    return head(method + b" " + target + b" HTTP/1.1", draw(st.permutations(lines))) + data


STATUS_LINES = one_of(
    b"HTTP/1.1 200 OK | HTTP/1.1 200 OK | HTTP/1.1 200 OK | HTTP/1.0 200 OK | HTTP/1.1 404"
    b" | HTTP/1.1 204 No Content | HTTP/1.1 304 Not Modified | HTTP/1.1 103 Early Hints"
    b" | HTTP/1.1 999 \xe9 | HTTP/1.1 500  | HTTP/1.1 101 Switching Protocols | HTTP/1.1 099 X"
    b" | HTTP/2.0 200 OK | hello"
)
RESPONSE_FIELDS = PLAIN_FIELDS | one_of(
    b"Set-Cookie: a | Set-Cookie: b | Connection: close | Connection: keep-alive | Connection: x"
    b" | Upgrade: websocket | Keep-Alive: 1 | Host: a | Trailer: X"
)


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """One response, well-formed for the most part."""
    framing, data = draw(content())
    lines = [*framing, *draw(st.lists(RESPONSE_FIELDS, max_size=5))]
    return head(draw(STATUS_LINES), draw(st.permutations(lines))) + data


OCTETS = one_of(b"\r | \n | \r\n | \x00 |   | \t | : | , | \xa0 | \x7f | 0")


@st.composite
def damaged(draw: st.DrawFn, sound: st.SearchStrategy[bytes]) -> bytes:
    """Bytes with a few octets taken out, put in or repeated."""
    data = draw(sound)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        until = at + draw(st.integers(0, 4))
        data = data[:at] + draw(OCTETS | st.just(data[at:until] * 2) | st.just(b"")) + data[until:]
    return data


_REQUEST_CORPUS = st.sampled_from([case.data for case in load("requests")])
_RESPONSE_CORPUS = st.sampled_from([case.data for case in load("responses")])

ANY_REQUESTS = (
    st.lists(requests() | requests(BAD_FIELDS), max_size=3).map(b"".join)
    | damaged(st.lists(requests(), min_size=1, max_size=2).map(b"".join))
    | damaged(_REQUEST_CORPUS)
)
ANY_RESPONSES = (
    st.lists(responses(), max_size=2).map(b"".join)
    | damaged(responses())
    | damaged(_RESPONSE_CORPUS)
)


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes in pieces, some of them empty."""
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
