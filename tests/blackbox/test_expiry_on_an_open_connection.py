"""A certificate that expires is refused at the next request of the connection it opened."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import pytest

from tests.gate import VERSIONS, Gate, connect
from tests.pki import trust

if TYPE_CHECKING:
    import ssl


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_a_certificate_that_expires_between_two_requests_is_refused(
    gate: Gate, version: ssl.TLSVersion
):
    """The first request is served, the second, after notAfter, is not."""
    end = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5)).replace(microsecond=0)
    identity = trust().root.client("brief", not_after=end)
    with connect(gate.port, identity, version) as connection:
        assert connection.get().status == 200
        # The one wait for a clock: validity has whole seconds, and the gate reads the real time.
        time.sleep((end - dt.datetime.now(dt.UTC)).total_seconds() + 1.1)
        response = connection.get("/", "Accept: application/problem+json")
        assert response.status == 403
        assert response.json()["code"] == "certificate_expired"
        assert connection.is_closed()
