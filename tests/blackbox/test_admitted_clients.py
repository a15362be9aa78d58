"""Every kind of good certificate gets the app, on TLS 1.2 and 1.3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import VERSIONS, Gate, connect
from tests.pki import ADMITTED, NASTY_SUBJECTS, Profile, trust

if TYPE_CHECKING:
    import ssl

    from tests.upstreams import Recorder


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
@pytest.mark.parametrize("kind", ADMITTED)
def test_a_good_client_gets_the_app(
    gate: Gate, recorder: Recorder, kind: str, version: ssl.TLSVersion
):
    """The answer is the app's, byte for byte, and the app saw the request."""
    with connect(gate.port, kind, version) as connection:
        response = connection.get("/hello?a=b")
        assert connection.tls.version() == {771: "TLSv1.2", 772: "TLSv1.3"}[version]
    assert (response.status, response.body) == (200, recorder.body)
    request = recorder.received()
    assert request.target == "/hello?a=b"
    assert request.header("X-SSL-Client-Verify") == "SUCCESS"


@pytest.mark.parametrize("subject", NASTY_SUBJECTS)
def test_a_strange_but_genuine_subject_is_admitted_and_cannot_break_out_of_its_header(
    gate: Gate, recorder: Recorder, subject: str
):
    """The CA signed it, so it is let in; no byte of it may become another header."""
    identity = trust().root.issue(Profile(subject=NASTY_SUBJECTS[subject]))
    with connect(gate.port, identity) as connection:
        assert connection.get().status == 200
    request = recorder.received()
    assert request.all("X-SSL-Client-Verify") == ["SUCCESS"]
    for _, value in request.fields:
        assert value.isprintable(), value


def test_the_names_of_the_trusted_cas_are_sent_to_the_client(gate: Gate):
    """Browsers offer only certificates whose issuer is on this list."""
    from OpenSSL import SSL

    asked = SSL.Context(SSL.TLS_CLIENT_METHOD)
    asked.set_max_proto_version(SSL.TLS1_2_VERSION)
    with connect(gate.port, None) as plain:
        plain.close()
    import socket

    with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as raw:
        raw.settimeout(None)
        tls = SSL.Connection(asked, raw)
        tls.set_connect_state()
        tls.do_handshake()
        names = [dict(name.get_components())[b"CN"] for name in tls.get_client_ca_list()]
        tls.close()
    assert names == [b"certgate test root"]
