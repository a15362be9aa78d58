"""Each setting of the standard context takes effect or raises, and only before the first use."""

import logging
import ssl
from contextlib import suppress

import pytest
from OpenSSL import SSL

from proxy.errors import CertgateError
from proxy.identity.peer import VerifyError
from proxy.tls.context import ClientCertContext
from proxy.tls.failure import TLSError, context_failure_reason
from tests.pki import client, trust
from tests.unit.tls.memory import (
    TLS_1_2,
    TLS_1_3,
    client_context,
    client_of,
    join,
    server_certificate,
)


@pytest.fixture
def context() -> ClientCertContext:
    """Return a context that could be used, and is not yet."""
    context = ClientCertContext()
    context.set_server_certificate(server_certificate())
    context.load_verify_locations(cadata=trust().ca_pem.decode())
    return context


def test_it_is_a_standard_context_that_asks_for_certificates(context: ClientCertContext):
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_OPTIONAL
    assert context.protocol is ssl.PROTOCOL_TLS_SERVER
    assert context.minimum_version is TLS_1_2
    assert context.maximum_version is TLS_1_3


def test_cert_required_refuses_in_the_handshake(context: ClientCertContext):
    context.verify_mode = ssl.CERT_REQUIRED
    assert context.verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(TLSError):
        join(context, client("expired"))


def test_cert_none_is_refused(context: ClientCertContext):
    with pytest.raises(ValueError, match="CERT_NONE cannot be"):
        context.verify_mode = ssl.CERT_NONE


@pytest.mark.parametrize(("side", "version"), [("minimum", TLS_1_3), ("maximum", TLS_1_2)])
def test_versions_take_effect(context: ClientCertContext, side: str, version: ssl.TLSVersion):
    setattr(context, f"{side}_version", version)
    assert getattr(context, f"{side}_version") is version
    assert join(context).client.version() == ("TLSv1.3" if version is TLS_1_3 else "TLSv1.2")
    other = TLS_1_2 if version is TLS_1_3 else TLS_1_3
    with pytest.raises((TLSError, ssl.SSLError)):
        join(context, version=other)


def test_maximum_supported_is_tls_1_3(context: ClientCertContext):
    context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    assert context.maximum_version is TLS_1_3


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "SSLv3", "MINIMUM_SUPPORTED"])
def test_old_versions_are_refused(context: ClientCertContext, version: str):
    with pytest.raises(ValueError, match=r"only TLS 1\.2 and TLS 1\.3"):
        context.minimum_version = getattr(ssl.TLSVersion, version)
    with pytest.raises(ValueError, match=r"only TLS 1\.2 and TLS 1\.3"):
        context.maximum_version = getattr(ssl.TLSVersion, version)


def test_a_range_without_a_version_is_refused(context: ClientCertContext):
    context.maximum_version = TLS_1_2
    with pytest.raises(ValueError, match="leave none"):
        context.minimum_version = TLS_1_3


def test_ciphers_take_effect(context: ClientCertContext):
    context.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
    chosen = join(context, version=TLS_1_2).client.cipher()
    assert chosen is not None
    assert chosen[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"
    names = [entry["name"] for entry in context.get_ciphers()]
    assert names[-1] == "ECDHE-ECDSA-CHACHA20-POLY1305"


@pytest.mark.parametrize(
    ("version", "suite"),
    [(TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"), (TLS_1_3, "TLS_AES_128_GCM_SHA256")],
)
def test_the_order_of_the_ciphers_is_ours(
    context: ClientCertContext, version: ssl.TLSVersion, suite: str
):
    """Python's own client, like curl and the openssl command, puts AES-256 first."""
    chosen = join(context, version=version).client.cipher()
    assert chosen is not None
    assert chosen[0] == suite


def test_a_client_without_aes_in_hardware_gets_the_cipher_that_it_prefers(
    context: ClientCertContext,
):
    browser = client_context(version=TLS_1_2)
    browser.set_ciphers("ECDHE+CHACHA20:ECDHE+AESGCM")
    chosen = join(context, client=browser).client.cipher()
    assert chosen is not None
    assert chosen[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"


def test_the_order_can_be_left_to_the_client(context: ClientCertContext):
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    browser = client_context(version=TLS_1_2)
    browser.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256")
    chosen = join(context, client=browser).client.cipher()
    assert chosen is not None
    assert chosen[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"


@pytest.mark.parametrize("ciphers", ["DEFAULT:@SECLEVEL=0", "@SECLEVEL=1:ALL"])
def test_the_security_level_cannot_be_lowered_through_the_ciphers(
    context: ClientCertContext, ciphers: str
):
    with pytest.raises(ValueError, match="security level stays 2"):
        context.set_ciphers(ciphers)


def test_ciphers_that_leave_nothing_are_refused(context: ClientCertContext):
    with pytest.raises(ssl.SSLError, match="no cipher suite can be selected"):
        context.set_ciphers("NOTHING")


def test_alpn_takes_effect(context: ClientCertContext):
    context.set_alpn_protocols(["one", "two"])
    browser = client_context()
    browser.set_alpn_protocols(["three", "two"])
    assert join(context, client=browser).client.selected_alpn_protocol() == "two"


@pytest.mark.parametrize("protocol", ["", "x" * 256])
def test_alpn_names_have_one_to_255_bytes(context: ClientCertContext, protocol: str):
    with pytest.raises(ssl.SSLError, match="1 to 255"):
        context.set_alpn_protocols([protocol])


def test_without_alpn_a_client_that_offers_it_is_served(context: ClientCertContext):
    browser = client_context()
    browser.set_alpn_protocols(["h2"])
    assert join(context, client=browser).client.selected_alpn_protocol() is None


def test_options_take_effect(context: ClientCertContext):
    context.options |= ssl.OP_NO_TLSv1_3
    assert context.options & ssl.OP_NO_TLSv1_3
    assert join(context).client.version() == "TLSv1.2"


def test_usual_options_can_be_set_and_cleared(context: ClientCertContext):
    context.options |= ssl.OP_ALL | ssl.OP_NO_SSLv3 | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.options |= ssl.OP_NO_TLSv1_2
    context.options &= ~ssl.OP_NO_TLSv1_2
    assert join(context, version=TLS_1_2).client.version() == "TLSv1.2"


@pytest.mark.parametrize("option", ["OP_NO_TICKET", "OP_NO_RENEGOTIATION", "OP_NO_COMPRESSION"])
def test_required_options_cannot_be_cleared(context: ClientCertContext, option: str):
    assert context.options & getattr(ssl, option)
    with pytest.raises(ValueError, match="cannot be cleared"):
        context.options &= ~getattr(ssl, option)


@pytest.mark.parametrize("option", [ssl.OP_IGNORE_UNEXPECTED_EOF, 1 << 3, 1 << 40])
def test_options_without_effect_or_against_safety_are_refused(
    context: ClientCertContext, option: int
):
    with pytest.raises(ValueError, match="has no effect here, or is not safe"):
        context.options |= option


SETTERS = {
    "verify_mode": lambda context: setattr(context, "verify_mode", ssl.CERT_REQUIRED),
    "verify_flags": lambda context: setattr(context, "verify_flags", ssl.VERIFY_X509_STRICT),
    "verify_depth": lambda context: setattr(context, "verify_depth", 1),
    "minimum_version": lambda context: setattr(context, "minimum_version", TLS_1_3),
    "maximum_version": lambda context: setattr(context, "maximum_version", TLS_1_2),
    "options": lambda context: setattr(context, "options", context.options | ssl.OP_NO_TLSv1_2),
    "set_ciphers": lambda context: context.set_ciphers("DEFAULT"),
    "set_alpn_protocols": lambda context: context.set_alpn_protocols(["h2"]),
    "set_server_certificate": lambda context: context.set_server_certificate(server_certificate()),
    "server name": lambda context: context.set_server_certificate(server_certificate(), "a.b"),
    "load_verify_locations": lambda context: context.load_verify_locations(
        cadata=trust().ca_pem.decode()
    ),
    "load_client_intermediates": lambda context: context.load_client_intermediates(
        cadata=trust().sub.pem
    ),
    "add_crls": lambda context: context.add_crls(trust().crls),
}


@pytest.mark.parametrize("setter", SETTERS)
def test_a_context_in_use_is_frozen(context: ClientCertContext, setter: str):
    SETTERS[setter](context)
    context.freeze()
    with pytest.raises(RuntimeError, match="in use and frozen"):
        SETTERS[setter](context)


def test_the_first_connection_freezes(context: ClientCertContext):
    context.new_connection()
    with pytest.raises(RuntimeError):
        context.verify_depth = 1


def test_a_context_without_a_server_certificate_makes_no_connection():
    context = ClientCertContext()
    context.add_trust_anchors([trust().root.certificate])
    with pytest.raises(CertgateError, match="has no server certificate"):
        context.new_connection()


def test_a_context_without_anchors_makes_no_connection():
    context = ClientCertContext()
    context.set_server_certificate(server_certificate())
    with pytest.raises(CertgateError, match="nobody could be verified"):
        context.new_connection()


@pytest.mark.parametrize(
    "wrong",
    [{}, {"server_side": False}, {"server_side": True, "server_hostname": "a"}],
)
def test_wrap_bio_is_for_servers(context: ClientCertContext, wrong: dict[str, object]):
    with pytest.raises(ValueError, match="for the server's side"):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), **wrong)


def test_failures_are_counted_and_logged(
    context: ClientCertContext, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "proxy.tls")
    context.count_handshake_failure("no shared cipher")
    context.count_handshake_failure("no shared cipher", [VerifyError(10, 0, "has expired")])
    assert context.handshake_failures == {"no shared cipher": 2}
    assert caplog.messages == [
        "TLS handshake failed: no shared cipher",
        "TLS handshake failed: no shared cipher (10 at depth 0: has expired)",
    ]


def test_renegotiation_is_refused(context: ClientCertContext):
    """The certificate that was judged stays the connection's for good."""
    context.maximum_version = TLS_1_2
    server = context.new_connection()
    eager = client_of(server)
    assert eager.renegotiate()
    with suppress(SSL.WantReadError):
        eager.do_handshake()
    server.feed(eager.bio_read(1 << 16))
    assert server.read(100) is None
    eager.bio_write(server.drain(1 << 16))
    with pytest.raises(SSL.Error) as caught:
        eager.do_handshake()
    assert context_failure_reason(caught.value) == "no renegotiation"
