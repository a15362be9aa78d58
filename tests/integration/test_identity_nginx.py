"""Facts of a certificate are the values of a running nginx, byte for byte."""

from __future__ import annotations

import collections.abc
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from proxy.forward.identity_headers import identity_header_lines
from proxy.identity.facts import CertificateFacts
from proxy.identity.verdict import Verdict
from tests.gate import Nginx, connect, head
from tests.pki import DAY, NASTY_SUBJECTS, START, Identity, Profile, client, server, trust
from tests.unit.identity.forge import ALL_TYPES, HARD_NAMES, NOT_LOADED, forged, resigned, tlv
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FIELDS = {
    "X-SSL-Client-Verify": "$ssl_client_verify",
    "X-SSL-Client-S-DN": "$ssl_client_s_dn",
    "X-SSL-Client-I-DN": "$ssl_client_i_dn",
    "X-SSL-Client-Serial": "$ssl_client_serial",
    "X-SSL-Client-Fingerprint": "$ssl_client_fingerprint",
    "X-SSL-Client-V-Start": "$ssl_client_v_start",
    "X-SSL-Client-V-End": "$ssl_client_v_end",
    "X-SSL-Client-V-Remain": "$ssl_client_v_remain",
    "X-SSL-Client-Cert": "$ssl_client_escaped_cert",
}
CONFIGURATION = """
server {{
    listen 127.0.0.1:{{port}} ssl;
    ssl_certificate {folder}/server.crt;
    ssl_certificate_key {folder}/server.key;
    ssl_client_certificate {folder}/ca.crt;
    ssl_verify_client on;
    ssl_verify_depth 3;
    location / {{ proxy_pass {upstream}; {fields} }}
}}
"""
Ask = collections.abc.Callable[[Identity], dict[str, str | None]]


def _with_serial(content: bytes) -> Identity:
    def set_serial(fields: list[bytes]) -> None:
        fields[1] = tlv(0x02, content)

    genuine, leaf = resigned(set_serial)
    return Identity(genuine.key, (x509.load_der_x509_certificate(leaf),))


CLIENTS: dict[str, Callable[[], Identity]] = {
    "EC": lambda: client("good"),
    "RSA": lambda: client("good_rsa"),
    "through an intermediate": lambda: client("with_intermediate"),
    "serial of 20 octets": lambda: _with_serial(b"\x7f" + bytes(range(19))),
    "serial with the high bit set": lambda: _with_serial(b"\x00\xc0\xff\xee\x01"),
    "serial of half an octet": lambda: _with_serial(b"\x0f\xff"),
    "ends today": lambda: trust().root.client("short", not_after=START + DAY / 2),
    "ends after 2049": lambda: trust().root.client("long", not_after=START + 20000 * DAY),
    "began on a one-digit day": lambda: trust().root.client(
        "early", not_before=START.replace(year=START.year - 1, month=2, day=3)
    ),
    "all attribute types": lambda: forged(ALL_TYPES),
    **{
        kind: lambda subject=subject: trust().root.issue(Profile(subject=subject))
        for kind, subject in NASTY_SUBJECTS.items()
    },
    **{
        f"hard: {kind}": lambda encoded=encoded: forged(encoded)
        for kind, (encoded, _) in HARD_NAMES.items()
        if kind not in NOT_LOADED
    },
}


@pytest.fixture(scope="module")
def nginx_tells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Show a client to a running nginx and return what its app is told."""
    folder: Path = tmp_path_factory.mktemp("nginx")
    server().write(folder, "server")
    (folder / "ca.crt").write_bytes(trust().ca_pem)
    fields = "".join(f"proxy_set_header {name} {value};" for name, value in FIELDS.items())
    with Recorder() as upstream:
        nginx = Nginx(
            folder,
            CONFIGURATION.format(folder=folder, upstream=upstream.url, fields=fields),
        )

        def ask(identity: Identity) -> dict[str, str | None]:
            with connect(nginx.port, identity) as connection:
                connection.send(head("GET / HTTP/1.1", "Host: localhost", "Connection: close"))
                assert connection.response().status == 200
            received = upstream.received()
            return {name: received.header(name) for name in FIELDS}

        try:
            yield ask
        finally:
            nginx.close()


def our_fields(identity: Identity, now: float) -> dict[str, str | None]:
    facts = CertificateFacts.read(identity.leaf)
    made = identity_header_lines(facts, Verdict(None), ("x-ssl-client",), now)
    pairs = (line.split(": ", 1) for line in made.lines.decode().split("\r\n")[:-1])
    # A receiver trims the space that ends a value like `CN=a\ ` (RFC 9110 §5.5).
    found = {name: value.strip(" ") for name, value in pairs}
    return {name: found.get(name) for name in FIELDS}


@pytest.mark.parametrize("kind", CLIENTS)
def test_every_value_is_nginxs(nginx_tells: Ask, kind: str):
    identity = CLIENTS[kind]()
    theirs = nginx_tells(identity)
    ours = our_fields(identity, START.timestamp())
    # The certificates end at START plus whole days, nginx looks seconds later.
    remaining = "X-SSL-Client-V-Remain"
    assert int(ours.pop(remaining) or 0) - int(theirs.pop(remaining) or 0) in {0, 1}
    assert ours == theirs


def test_a_hard_issuer_is_printed_alike(nginx_tells: Ask):
    """Issuer and subject go through the same code; the intermediate's name is the proof."""
    identity = trust().root.intermediate('Zwischen, CA + "ü"').client("below")
    assert (
        our_fields(identity, 0)["X-SSL-Client-I-DN"] == (nginx_tells(identity)["X-SSL-Client-I-DN"])
    )
