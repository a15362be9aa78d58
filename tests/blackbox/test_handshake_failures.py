"""Handshakes that never reach HTTP: logged with their reason, and nobody else is hurt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from tests.gate import Client, connect
from tests.gate.handshake import (
    BAD_CERTIFICATE,
    DECODE_ERROR,
    DECRYPT_ERROR,
    send_certificate,
    send_with_wrong_key,
)
from tests.pki import client
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate


def test_a_certificate_that_cannot_be_parsed_ends_in_an_alert_and_a_log_line(
    start_gate: StartGate,
):
    """Garbage, a truncated one, one with trailing bytes, an empty one, and a bad second one."""
    good = client("good").leaf.public_bytes(Encoding.DER)
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        for entries in ([b"garbage"], [good[:-9]], [good + b"\0"], [b""], [good, b"junk"]):
            seen = len(gate.stderr.lines)
            assert send_certificate(gate.port, entries) in {DECODE_ERROR, BAD_CERTIFICATE}
            gate.stderr.wait_for("(?i)handshake failed", after=seen)
        assert upstream.nothing_received()
        with connect(gate.port) as connection:
            assert connection.get().status == 200


def test_somebody_elses_certificate_without_its_key_is_no_identity(start_gate: StartGate):
    """CertificateVerify does not match: decrypt_error, and a line in the log."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        assert send_with_wrong_key(gate.port, client("good")) == DECRYPT_ERROR
        gate.stderr.wait_for("(?i)handshake failed")
        assert upstream.nothing_received()
        with connect(gate.port) as connection:
            assert connection.get().status == 200


def test_a_bad_signature_does_not_disturb_the_next_clients_read(start_gate: StartGate):
    """An error left in OpenSSL's queue would make an innocent connection fail."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as innocent:
            assert innocent.get().status == 200
            for _ in range(10):
                with connect(gate.port, "tampered") as connection:
                    assert connection.get().status == 403
                send_with_wrong_key(gate.port, client("good"))
                assert innocent.get().status == 200


def test_a_client_that_never_shakes_hands_is_dropped(start_gate: StartGate):
    """``timeouts.handshake`` is a total: dripping bytes does not prolong it."""
    gate = start_gate(timeouts={"handshake": 1, "shutdown": 5})
    with Client(gate.port, None) as silent:
        assert silent.is_closed()
    with Client(gate.port, None) as partial:
        partial.send(b"\x16\x03\x01\x02\x00\x01\x00")
        assert partial.is_closed()
