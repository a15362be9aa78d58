"""Where messages end, as a table (RFC 9112, section 6.3)."""

from __future__ import annotations

import pytest

from proxy.http1.framing import request_framing, request_upgrade, response_framing
from proxy.http1.messages import Framing, ProtocolError

Own = dict[bytes, list[bytes]]
CHUNKED, LENGTH, NONE, CLOSE = Framing.CHUNKED, Framing.LENGTH, Framing.NONE, Framing.CLOSE
TE = {b"transfer-encoding": [b"chunked"]}
EMPTY: Own = {}


def length(*values: bytes) -> Own:
    return {b"content-length": list(values)}


@pytest.mark.parametrize(
    ("own", "minor", "framing"),
    [
        (EMPTY, 1, (NONE, 0)),
        (EMPTY, 0, (NONE, 0)),
        (length(b"0"), 1, (NONE, 0)),
        (length(b"5"), 1, (LENGTH, 5)),
        (length(b"5"), 0, (LENGTH, 5)),
        (TE, 1, (CHUNKED, 0)),
    ],
)
def test_a_request_ends_where_its_one_reading_says(
    own: Own, minor: int, framing: tuple[Framing, int]
):
    assert request_framing(own, minor) == framing


@pytest.mark.parametrize(
    ("own", "minor"),
    [
        (TE, 0),
        (TE | length(b"5"), 1),
        (TE | length(b"0"), 1),
        (length(b"5", b"5"), 1),
        (length(b""), 1),
        ({b"transfer-encoding": []}, 1),
        ({b"transfer-encoding": [b"chunked", b"chunked"]}, 1),
        ({b"transfer-encoding": [b"identity"]}, 1),
    ],
)
def test_a_request_with_two_readings_is_refused(own: Own, minor: int):
    with pytest.raises(ProtocolError) as caught:
        request_framing(own, minor)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("own", "minor", "status", "method", "framing"),
    [
        (EMPTY, 1, 200, b"GET", (CLOSE, 0, None)),
        (EMPTY, 1, 200, b"HEAD", (NONE, 0, None)),
        (EMPTY, 1, 304, b"GET", (NONE, 0, None)),
        (EMPTY, 1, 204, b"GET", (NONE, 0, None)),
        (EMPTY, 1, 100, b"POST", (NONE, 0, None)),
        (TE, 1, 200, b"GET", (CHUNKED, 0, None)),
        (TE, 1, 200, b"HEAD", (NONE, 0, None)),
        (TE, 1, 304, b"GET", (NONE, 0, None)),
        (length(b"0"), 1, 200, b"GET", (NONE, 0, b"0")),
        (length(b"0"), 1, 204, b"GET", (NONE, 0, None)),
        (length(b"07"), 1, 200, b"GET", (LENGTH, 7, None)),
        (length(b"07"), 1, 200, b"HEAD", (NONE, 0, b"7")),
        (length(b"07"), 1, 304, b"GET", (NONE, 0, b"7")),
    ],
)
def test_a_response_ends_where_its_one_reading_says(
    own: Own, minor: int, status: int, method: bytes, framing: tuple[Framing, int, bytes | None]
):
    assert response_framing(own, minor, status, method) == framing


@pytest.mark.parametrize(
    ("own", "minor", "status"),
    [
        (TE | length(b"5"), 1, 200),
        (TE, 0, 200),
        (TE, 1, 204),
        (TE, 1, 101),
        (length(b"5"), 1, 204),
        (length(b"5"), 1, 103),
        (length(b"5", b"5"), 1, 200),
        (length(b"x"), 1, 304),
    ],
)
def test_a_response_with_two_readings_is_refused(own: Own, minor: int, status: int):
    with pytest.raises(ProtocolError):
        response_framing(own, minor, status, b"GET")


def upgrade(
    value: bytes, *, nominated: bytes = b"upgrade", minor: int = 1, framing: Framing = NONE
) -> bytes:
    return request_upgrade({b"upgrade": [value]}, frozenset({nominated}), minor, framing)


def test_an_upgrade_needs_all_of_its_conditions():
    assert upgrade(b"WebSocket") == b"websocket"
    assert upgrade(b"websocket", nominated=b"close") == b""
    assert upgrade(b"websocket", minor=0) == b""
    assert upgrade(b"websocket", framing=LENGTH) == b""
    assert upgrade(b"websocket", framing=CHUNKED) == b""
    assert request_upgrade({}, frozenset({b"upgrade"}), 1, NONE) == b""


@pytest.mark.parametrize(
    "value",
    [b"h2c", b"H2C", b"h2", b"h2c/1.0", b"a b", b'"h2c"', b"/x", b"x/", b"x/y/z", b",", b""],
)
def test_what_must_not_be_offered_is_not(value: bytes):
    assert upgrade(value) == b""
    assert upgrade(b"a/1, " + value + b" ,b") == b"a/1, b"
