"""A certificate that a reload revokes is refused at the next request of an open connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import VERSIONS, Client, connect, context, revoke
from tests.pki import trust
from tests.upstreams import Recorder

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from tests.gate.fixtures import StartGate


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_a_revoked_client_is_refused_on_its_open_connection_and_on_new_ones(
    start_gate: StartGate, tmp_path: Path, version: ssl.TLSVersion
):
    """Neither keep-alive nor a session from before the reload keeps the revoked inside."""
    victim = trust().root.client("victim")
    tls = context(victim, version=version)
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        with Client(gate.port, tls) as connection:
            assert connection.get().status == 200
            revoke(tmp_path, victim)
            gate.reload()
            response = connection.get("/", "Accept: application/problem+json")
            assert response.status == 403
            assert response.json()["code"] == "certificate_revoked"
            session = connection.tls.session
        with Client(gate.port, tls, session=session) as again:
            response = again.get("/", "Accept: application/problem+json")
            assert response.json()["code"] == "certificate_revoked"
        with connect(gate.port, "good", version) as other:
            assert other.get().status == 200
