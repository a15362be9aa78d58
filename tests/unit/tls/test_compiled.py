"""What is on the wire: names of CAs, the chain, server names, protocols, refusal by alert."""

import ssl

import pytest
from cryptography import x509

from proxy.errors import CertgateError
from proxy.tls.failure import TLSError
from proxy.tls.files import pair
from proxy.tls.peer import read_peer
from tests.pki import Authority, client, rsa_key, trust
from tests.unit.tls.memory import (
    BOTH_VERSIONS,
    TLS_1_2,
    TLS_1_3,
    client_context,
    client_of,
    gate,
    join,
    server_certificate,
)


def test_the_anchors_names_go_to_the_client_once_and_those_of_intermediates_do_not():
    root, sub = trust().root.certificate, trust().sub.certificate
    context = gate(anchors=[root, root, trust().web.certificate], intermediates=[sub])
    names = client_of(context.new_connection()).get_client_ca_list(as_cryptography=True)
    assert names == [root.subject, trust().web.certificate.subject]


def shown(ends_client: ssl.SSLObject) -> str:
    """Return the common name of the certificate that the server showed."""
    der = ends_client.getpeercert(binary_form=True)
    assert der is not None
    subject = x509.load_der_x509_certificate(der).subject
    return str(subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


NAMES = {
    "other.example": "other.example",
    "OTHER.Example": "other.example",
    "other.example.": "other.example",
    "a.wild.example": "*.wild.example",
    "exact.wild.example": "exact.wild.example",
    "a.b.wild.example": "localhost",
    "wild.example": "localhost",
    "unknown.example": "localhost",
}


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("asked", NAMES)
def test_the_server_name_chooses_the_certificate_and_nothing_else(
    asked: str, version: ssl.TLSVersion
):
    hosts = ("other.example", "*.wild.example", "exact.wild.example")
    context = gate(by_name={host: server_certificate(host) for host in hosts})
    browser = client_context(client("tampered"), version)
    browser.check_hostname = False
    ends = join(context, client=browser, name=asked)
    assert shown(ends.client) == NAMES[asked]
    identity = read_peer(ends.server)
    assert identity.judged
    assert [error.number for error in identity.errors] == [7]


def test_without_a_server_name_the_default_certificate_is_shown():
    context = gate(by_name={"other.example": server_certificate("other.example")})
    browser = client_context(client("good"))
    browser.check_hostname = False
    ends = join(context, client=browser, name=None)
    assert shown(ends.client) == "localhost"
    assert read_peer(ends.server).judged


def test_a_good_client_is_good_at_every_server_name():
    context = gate(by_name={"other.example": server_certificate("other.example")})
    identity = read_peer(join(context, client("good"), name="other.example").server)
    assert identity.judged
    assert identity.errors == ()


@pytest.mark.parametrize("sends_issuer", [False, True])
def test_the_chain_that_is_sent_is_the_file_s_and_no_ca_certificate_is_added(sends_issuer: bool):
    """OpenSSL would fill the chain up from the store of client CAs, here the server's own CA."""
    web = trust().web
    server = web.server("localhost")
    chain = (server.leaf, web.certificate) if sends_issuer else (server.leaf,)
    shown_pair = pair(chain, server.key, "server.crt", "server.key")
    context = gate(default=shown_pair, anchors=[web.certificate])
    seen = client_of(context.new_connection()).get_peer_cert_chain(as_cryptography=True)
    assert seen == list(chain)


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_alpn_takes_the_server_s_first_choice(version: ssl.TLSVersion):
    browser = client_context(version=version)
    browser.set_alpn_protocols(["h2", "http/1.0", "http/1.1"])
    assert join(gate(), client=browser).client.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_alpn_without_a_common_protocol_is_refused(version: ssl.TLSVersion):
    """RFC 7301, section 3.2; a client that speaks SMTP must not be answered (ALPACA)."""
    browser = client_context(version=version)
    browser.set_alpn_protocols(["smtp"])
    with pytest.raises(TLSError) as caught:
        join(gate(), client=browser)
    assert caught.value.reason == "no application protocol"


def test_a_failed_alpn_choice_leaves_the_next_client_alone():
    context, smtp = gate(), client_context()
    smtp.set_alpn_protocols(["smtp"])
    with pytest.raises(TLSError):
        join(context, client=smtp)
    assert read_peer(join(context, client("good")).server).judged


def test_min_version_refuses_older_clients():
    with pytest.raises(TLSError) as caught:
        join(gate(min_version="1.3"), version=TLS_1_2)
    assert caught.value.reason == "unsupported protocol"


@pytest.mark.parametrize(
    ("version", "suite"),
    [(TLS_1_2, "ECDHE-ECDSA-AES"), (TLS_1_3, "TLS_")],
)
def test_the_suites_have_forward_secrecy(version: ssl.TLSVersion, suite: str):
    chosen = join(gate(), version=version).client.cipher()
    assert chosen is not None
    assert chosen[0].startswith(suite)


@pytest.mark.parametrize("weak", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "DHE+AESGCM"])
def test_suites_without_forward_secrecy_or_aead_are_not_spoken(weak: str):
    browser = client_context(version=TLS_1_2)
    browser.set_ciphers(weak)
    with pytest.raises(TLSError) as caught:
        join(gate(), client=browser)
    assert caught.value.reason == "no shared cipher"


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", "certificate verify failed"),
        ("unknown_ca", "certificate verify failed"),
        (None, "peer did not return a certificate"),
    ],
)
def test_reject_by_alert_ends_the_handshake(kind: str | None, reason: str, version: ssl.TLSVersion):
    who = client(kind) if kind else None
    with pytest.raises(TLSError) as caught:
        join(gate(verify_mode=ssl.CERT_REQUIRED), who, version=version)
    assert caught.value.reason == reason


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_reject_by_alert_lets_good_clients_in(version: ssl.TLSVersion):
    ends = join(gate(verify_mode=ssl.CERT_REQUIRED), client("good"), version=version)
    assert read_peer(ends.server).judged


def test_an_anchor_that_is_no_root_is_an_error_because_it_would_admit_nobody():
    with pytest.raises(CertgateError, match=r"is an intermediate, and its issuer .* is missing"):
        gate(anchors=[trust().sub.certificate])


def test_an_intermediate_beside_its_root_may_be_among_the_anchors():
    context = gate(anchors=[trust().sub.certificate, trust().root.certificate])
    assert read_peer(join(context, client("missing_known_intermediate")).server).errors == ()


def test_a_gate_without_anchors_is_an_error():
    with pytest.raises(CertgateError, match="nobody could be verified"):
        gate(anchors=[])


def test_a_self_signed_intermediate_is_an_error_because_it_would_be_an_anchor():
    with pytest.raises(CertgateError, match="a self-signed certificate is no intermediate"):
        gate(intermediates=[trust().web.certificate])


def test_more_ca_names_than_a_handshake_can_carry_are_an_error():
    key = trust().root.key
    anchors = [Authority(f"{number:04} {'x' * 55}", key=key).certificate for number in range(900)]
    with pytest.raises(CertgateError, match="do not fit into a TLS handshake"):
        gate(anchors=anchors)


def test_a_server_key_that_is_too_weak_is_an_error_before_the_first_client():
    weak = trust().web.server("localhost", key=rsa_key(1024))
    with pytest.raises(CertgateError, match="is not usable: ee key too small"):
        gate(default=pair(weak.certificates, weak.key, "server.crt", "server.key"))
