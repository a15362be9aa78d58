"""A balancer before an HTTP proxy before the gate: each request on a connection is another's."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.gate import Client, context, head

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate
    from tests.upstreams import Recorder

PROXY = b"PROXY TCP4 10.0.0.1 10.0.0.9 1 443\r\n"  # in front of the balancer, and trusted


def asked_for(address: str) -> bytes:
    """Return a request that the HTTP proxy sends for this client."""
    return head("GET /x HTTP/1.1", "Host: localhost", f"X-Forwarded-For: {address}")


def test_nothing_of_one_client_is_left_for_the_next(start_gate: StartGate, recorder: Recorder):
    """Limits, the app's fields, rules and the log tell them apart, pipelined as well."""
    gate = start_gate(
        recorder.url,
        listen={"address": "127.0.0.1:0", "proxy_protocol": True},
        trusted_proxies=["127.0.0.1", "10.0.0.0/8"],
        limits={"requests": {"per": "address", "rate": "2/h"}},
        response_headers={"set": {"X-Who": "$remote_addr"}},
        access_log={"format": "$remote_addr $status"},
    )
    sequence = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"]
    statuses = [200, 200, 200, 429, 200, 200]
    sock = socket.create_connection(("127.0.0.1", gate.port), timeout=20)
    sock.sendall(PROXY)
    with Client.over(context("good").wrap_socket(sock, server_hostname="localhost")) as client:
        client.send(b"".join(map(asked_for, sequence)))
        answers = [client.response() for _ in sequence]
    assert [answer.status for answer in answers] == statuses
    assert [answer.header("x-who") for answer in answers] == sequence
    served = [address for address, status in zip(sequence, statuses, strict=True) if status == 200]
    for address in served:
        request = recorder.received()
        assert request.header("x-real-ip") == address
        assert request.header("x-forwarded-for") == f"{address}, 10.0.0.1"
    gate.stdout.wait_for("192.0.2.3 200")
    assert gate.stdout.lines == [
        f"{address} {status}" for address, status in zip(sequence, statuses, strict=True)
    ]
