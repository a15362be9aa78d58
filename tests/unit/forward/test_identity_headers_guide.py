"""The guide's examples do what the guide says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from proxy.forward.identity_headers import identity_header_lines, is_identity_name
from proxy.identity.facts import CertificateFacts
from proxy.identity.verdict import MISSING, Verdict
from tests.pki import START, Identity, client, trust

GUIDE = Path(__file__).parents[3] / "docs" / "identity-headers.md"


def example(containing: str) -> dict[str, Any]:
    """Run the guide's Python example that contains this text and return its names."""
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (code,) = (block for block in blocks if containing in block)
    names: dict[str, Any] = {"__name__": "guide_example"}
    exec(compile(code, str(GUIDE), "exec"), names)  # noqa: S102 - our own guide
    return names


def headers(identity: Identity, verdict: Verdict) -> dict[str, str]:
    facts = CertificateFacts.read(identity.leaf)
    made = identity_header_lines(facts, verdict, ("x-ssl-client", "client-cert"), START.timestamp())
    return dict(line.split(": ", 1) for line in made.lines.decode().splitlines())


def test_the_flask_example_greets_the_verified_and_nobody_else():
    page = example("Flask(__name__)")["app"].test_client()
    jurgen = trust().root.client("Jürgen + 50%")
    answer = page.get("/", headers=headers(jurgen, Verdict(None)))
    assert answer.text == "Hello Jürgen + 50%"
    assert page.get("/", headers=headers(jurgen, MISSING)).status_code == 403
    assert page.get("/").status_code == 403


def test_the_certificate_example_returns_the_certificate():
    alice = client("good")
    read = example("load_der_x509_certificate")["client_certificate"]
    found = read(headers(alice, Verdict(None)))
    assert found.public_bytes(Encoding.DER) == alice.leaf.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "name",
    [
        name.strip().rstrip("…")
        for name in re.findall(
            r"`((?:X-|SSL-|TLS-|mTLS-|Client-C|Cf-)[A-Za-z-]+…?)`(?=[,\s|])",
            GUIDE.read_text(encoding="utf-8").split("Removed are names")[1].split("The list")[0],
        )
        if name not in {"X-Client-", "X-"}
    ],
)
def test_every_name_that_the_guide_calls_removed_is_removed(name: str):
    assert is_identity_name(name.encode())
    assert is_identity_name(name.encode() + b"-More")


def test_the_guide_names_every_header_that_is_sent():
    text = GUIDE.read_text(encoding="utf-8")
    identity = trust().sub.client("all")
    sent = headers(identity, Verdict(None))
    assert [name for name in sent if f"`{name}`" not in text] == []
