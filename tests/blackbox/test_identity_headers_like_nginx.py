"""The x-ssl-client family is what a running nginx sends, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, head
from tests.pki import NASTY_SUBJECTS, Identity, Profile, client, trust
from tests.upstreams import Received, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.gate import Nginx
    from tests.gate.fixtures import StartGate

NGINX = """
server {{
    listen 127.0.0.1:{{port}} ssl;
    ssl_certificate {folder}/server.crt;
    ssl_certificate_key {folder}/server.key;
    ssl_client_certificate {folder}/ca.crt;
    ssl_verify_client optional;
    ssl_verify_depth 3;
    location / {{
        proxy_pass {upstream};
        proxy_set_header Host $http_host;
        proxy_set_header X-SSL-Client-Verify $ssl_client_verify;
        proxy_set_header X-SSL-Client-S-DN $ssl_client_s_dn;
        proxy_set_header X-SSL-Client-I-DN $ssl_client_i_dn;
        proxy_set_header X-SSL-Client-Serial $ssl_client_serial;
        proxy_set_header X-SSL-Client-Fingerprint $ssl_client_fingerprint;
        proxy_set_header X-SSL-Client-V-Start $ssl_client_v_start;
        proxy_set_header X-SSL-Client-V-End $ssl_client_v_end;
        proxy_set_header X-SSL-Client-V-Remain $ssl_client_v_remain;
        proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
    }}
}}
"""
COMPARED = (
    "X-SSL-Client-Verify",
    "X-SSL-Client-S-DN",
    "X-SSL-Client-I-DN",
    "X-SSL-Client-Serial",
    "X-SSL-Client-Fingerprint",
    "X-SSL-Client-V-Start",
    "X-SSL-Client-V-End",
    "X-SSL-Client-V-Remain",
    "X-SSL-Client-Cert",
)
CLIENTS: dict[str, Identity] = {
    "EC": client("good"),
    "RSA": client("good_rsa"),
    "through an intermediate": client("with_intermediate"),
    **{
        subject: trust().root.issue(Profile(subject=name))
        for subject, name in NASTY_SUBJECTS.items()
    },
}


@pytest.fixture
def both(
    start_gate: StartGate, start_nginx: Callable[[str], Nginx], tmp_path: Path
) -> Iterator[Callable[[Identity], tuple[Received, Received]]]:
    """Return a function that shows a client to both proxies and returns what the app got."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url, client_auth={"ca": "ca.crt"})
        nginx = start_nginx(NGINX.format(folder=tmp_path, upstream=upstream.url))

        def ask(identity: Identity) -> tuple[Received, Received]:
            answers = []
            for port in (gate.port, nginx.port):
                with connect(port, identity) as connection:
                    connection.send(head("GET / HTTP/1.1", "Host: localhost", "Connection: close"))
                    assert connection.response().status == 200
                answers.append(upstream.received())
            return answers[0], answers[1]

        yield ask


def test_every_field_equals_what_nginx_sends(
    both: Callable[[Identity], tuple[Received, Received]],
):
    """Ordinary certificates, and subjects that need every kind of escaping."""
    for title, identity in CLIENTS.items():
        ours, theirs = both(identity)
        for name in COMPARED:
            assert ours.header(name) == theirs.header(name), (title, name)
