"""One line for each request, always: admitted, refused, malformed and broken ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.gate import Client, connect, free_port, head
from tests.pki import NASTY_SUBJECTS, Profile, stranger
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate


def test_every_request_has_one_line_with_its_decision(start_gate: StartGate, tmp_path: Path):
    """Admitted, refused, not understood, plain HTTP, and one whose app is down."""
    gate = start_gate(
        f"http://127.0.0.1:{free_port()}", access_log={"path": "log", "format": "json"}
    )
    with connect(gate.port) as connection:
        assert connection.get("/down").status == 502
        connection.send(b"GET /bad HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert connection.response().status == 400
    for who in ("none", "expired", "revoked"):
        with connect(gate.port, who) as connection:
            assert connection.get(f"/{who}").status == 403
    with Client(gate.port, None) as plain:
        plain.send(head("GET /plain HTTP/1.1", "Host: localhost"))
        assert plain.response().status == 400
    assert gate.stop() == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    told = {(line["status"], line["decision"] or "-") for line in lines}
    assert (502, "admitted") in told
    assert {(403, f"certificate_{why}") for why in ("missing", "expired", "revoked")} <= told
    requests = {(line["status"], line["request"]) for line in lines}
    assert requests >= {(502, "GET /down HTTP/1.1"), (400, "GET /bad HTTP/1.1")}
    assert (400, "GET /plain HTTP/1.1") in requests
    assert len(lines) == 6


def test_the_combined_line_ends_with_subject_and_decision(start_gate: StartGate):
    """nginx's fields first, so that its tools go on reading it."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.get("/hello", "User-Agent: curl/8", "Referer: https://a.example/")
    line = gate.stdout.wait_for("/hello").string
    assert line.startswith("127.0.0.1 - ")
    assert '"GET /hello HTTP/1.1" 200 19 "https://a.example/" "curl/8"' in line
    assert "CN=alice" in line
    assert "admitted" in line


def test_a_strangers_names_and_fields_cannot_forge_a_line(start_gate: StartGate, tmp_path: Path):
    """Quotes, line ends, escapes of terminals: one request, one line, printable."""
    gate = start_gate(access_log={"path": "log", "format": "combined"})
    count = 0
    for subject in NASTY_SUBJECTS.values():
        with connect(gate.port, stranger().issue(Profile(subject=subject))) as connection:
            connection.get('/"quoted"', 'User-Agent: "x" \x1b[2J\xff')
            count += 1
    assert gate.stop() == 0
    text = (tmp_path / "log").read_bytes()
    assert text.count(b"\n") == count
    assert all(byte == 10 or 32 <= byte < 127 for byte in text)


def test_the_error_log_is_not_the_place_of_a_strangers_control_characters(start_gate: StartGate):
    """What a certificate says goes through the same escaping there."""
    gate = start_gate()
    for subject in NASTY_SUBJECTS.values():
        with connect(gate.port, stranger().issue(Profile(subject=subject))) as connection:
            connection.get()
    assert gate.stop() == 0
    assert all(line.isprintable() for line in gate.stderr.lines)
