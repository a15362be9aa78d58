"""No session is ever resumed: on a resumed one the verify callback does not run."""

import ssl

import pytest
from OpenSSL import SSL

from proxy.tls.peer import read_peer
from tests.pki import client
from tests.unit.tls.memory import (
    BOTH_VERSIONS,
    Joined,
    client_context,
    gate,
    join,
    server_certificate,
    use,
)


def session_of(ends: Joined) -> ssl.SSLSession | None:
    """Return the client's session after it had the chance to read tickets."""
    ends.server.write(b"hello")
    ends.back()
    assert ends.client.read(100) == b"hello"
    return ends.client.session


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("kind", ["good", "expired"])
def test_a_client_that_offers_its_last_session_is_judged_anew(kind: str, version: ssl.TLSVersion):
    context, browser = gate(), client_context(client(kind), version)
    first = join(context, client=browser)
    again = join(context, client=browser, session=session_of(first))
    assert again.client.session_reused is False
    assert read_peer(again.server) == read_peer(first.server)
    assert read_peer(again.server).judged


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_a_session_of_one_gate_is_worth_nothing_at_another(version: ssl.TLSVersion):
    browser = client_context(client("expired"), version)
    session = session_of(join(gate(), client=browser))
    ends = join(gate(min_version="1.2", verify_depth=0), client=browser, session=session)
    assert ends.client.session_reused is False
    assert read_peer(ends.server).errors


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_a_session_of_one_server_name_is_worth_nothing_at_another(version: ssl.TLSVersion):
    context = gate(by_name={"other.example": server_certificate("other.example")})
    browser = client_context(client("good"), version)
    session = session_of(join(context, client=browser))
    ends = join(context, client=browser, session=session, name="other.example")
    assert ends.client.session_reused is False
    assert read_peer(ends.server).judged


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_a_client_that_came_without_a_certificate_is_asked_again(version: ssl.TLSVersion):
    """nginx resumes the session that has no certificate, and the browser stays locked out."""
    context, browser = gate(), client_context(None, version)
    session = session_of(join(context, client=browser))
    use(browser, client("good"))
    ends = join(context, client=browser, session=session)
    assert read_peer(ends.server).leaf == client("good").leaf


def test_tls_1_2_has_neither_session_identifier_nor_ticket():
    session = session_of(join(gate(), client("good"), version=ssl.TLSVersion.TLSv1_2))
    assert session is not None
    assert (session.id, session.has_ticket) == (b"", False)


def test_the_session_cache_is_off():
    compiled = gate().freeze().context
    assert compiled.get_session_cache_mode() == SSL.SESS_CACHE_OFF
