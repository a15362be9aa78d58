"""The least configuration that loads, for tests that change one thing."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).parents[2] / "corpus" / "config"
LEAST = """\
tls: {certificate: server.crt, private_key: server-key.pem}
client_auth: {ca: ca.crt}
upstream: 3000
"""


def with_line(line: str) -> str:
    """Return the least configuration with one more line, which is line 4."""
    return f"{LEAST}{line}\n"
