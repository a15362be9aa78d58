"""``certgate ca revoke`` beside a running gate: no reload, open connections included."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING

from tests.authorities.shells import ca
from tests.gate import Client
from tests.pki import trust
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate

# A second by contract; the rest is for a machine that runs other tests at the same time.
PATIENCE = 5.0


def identity(folder: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=trust().web.pem.decode())
    context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    return context


def test_the_revoked_is_out_within_a_second_and_a_hold_can_end(
    start_gate: StartGate, tmp_path: Path
):
    ca(tmp_path, "init", "--key-type", "p256")
    for name in ("alice", "bob"):
        ca(tmp_path, "issue", name, "-o", "out")
    authority = tmp_path / "certs" / "ca"
    trusted = {"ca": str(authority / "ca.crt"), "crl": [str(authority / "crl.pem")]}
    with Recorder() as upstream:
        gate = start_gate(upstream.url, client_auth=trusted)
        with (
            Client(gate.port, identity(tmp_path / "out", "alice")) as alice,
            Client(gate.port, identity(tmp_path / "out", "bob")) as bob,
        ):
            assert alice.get().status == 200
            ca(tmp_path, "revoke", "alice", "--reason", "certificateHold")
            response = until(alice, 403)
            assert response.json()["code"] == "certificate_revoked"
            assert bob.get().status == 200
        ca(tmp_path, "unrevoke", "alice")
        deadline = time.monotonic() + PATIENCE
        status = 0
        while status != 200 and time.monotonic() < deadline:
            with Client(gate.port, identity(tmp_path / "out", "alice")) as alice:
                status = alice.get().status
        assert status == 200


def until(client: Client, status: int):
    """Ask again and again on one connection until the gate answers like this."""
    deadline = time.monotonic() + PATIENCE
    while True:
        response = client.get("/", "Accept: application/problem+json")
        if response.status == status:
            return response
        assert time.monotonic() < deadline, "the gate did not see the new CRL"
