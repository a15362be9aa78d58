"""A refusal reaches a client that is busy sending, and then the connection ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.gate import VERSIONS, connect, head

if TYPE_CHECKING:
    import ssl

    from tests.gate import Gate
    from tests.upstreams import Recorder


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
@pytest.mark.parametrize("who", ["none", "expired"])
def test_a_403_reaches_a_client_in_the_middle_of_an_upload(
    gate: Gate, recorder: Recorder, who: str, version: ssl.TLSVersion
):
    """The gate goes on reading for a while: a reset would destroy the page on its way."""
    with connect(gate.port, who, version) as connection:
        connection.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 50000000"))
        for _ in range(40):
            connection.send(b"x" * 100_000)
        response = connection.response()
        assert response.status == 403
        assert response.complete
    assert recorder.nothing_received()


def test_a_400_reaches_a_client_that_goes_on_sending(gate: Gate):
    """Malformed framing, then megabytes."""
    with connect(gate.port) as connection:
        connection.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: +5"))
        connection.send(b"x" * 3_000_000)
        assert connection.response().status == 400


@pytest.mark.slow
def test_lingering_has_an_end(gate: Gate):
    """A client that sends for ever is cut off."""
    with connect(gate.port, "none") as connection:
        connection.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 99999999999"))
        end = time.monotonic() + 50
        with pytest.raises(OSError):  # noqa: PT012  one of these many sends fails
            while time.monotonic() < end:
                connection.send(b"x" * 100_000)
