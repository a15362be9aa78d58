"""The text of hard names is the one that the openssl command prints."""

from __future__ import annotations

import subprocess

import pytest

from proxy.identity.dn import join_rfc2253, parse_name
from tests.gate import require
from tests.unit.identity.forge import ALL_TYPES, HARD_NAMES, resigned

NAMES = {kind: encoded for kind, (encoded, _) in HARD_NAMES.items()} | {"all types": ALL_TYPES}


def printed(subject: bytes) -> str:
    def set_subject(fields: list[bytes]) -> None:
        fields[5] = subject

    _, certificate = resigned(set_subject)
    command = [require("openssl"), "x509", "-inform", "DER", "-noout", "-subject"]
    result = subprocess.run(
        [*command, "-nameopt", "RFC2253"], input=certificate, capture_output=True, check=True
    )
    return result.stdout.decode("ascii").removeprefix("subject=").removesuffix("\n")


@pytest.mark.parametrize("encoded", NAMES.values(), ids=NAMES.keys())
def test_openssl_prints_the_same_text(encoded: bytes):
    assert join_rfc2253(parse_name(encoded)) == printed(encoded)
