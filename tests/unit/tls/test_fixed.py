"""What has no effect behind this gate says so."""

import inspect
import socket
import ssl

import pytest

from proxy.tls.context import ClientCertContext
from proxy.tls.fixed import FixedSettings
from proxy.tls.material import CertificateSettings

ATTRIBUTES = {
    "check_hostname": (False, True),
    "hostname_checks_common_name": (False, True),
    "keylog_filename": (None, "keys.log"),
    "num_tickets": (2, 0),
    "post_handshake_auth": (False, True),
    "security_level": (2, 0),
    "sni_callback": (None, print),
    "_msg_callback": (None, print),
}

METHODS = [
    "wrap_socket",
    "load_default_certs",
    "set_default_verify_paths",
    "load_dh_params",
    "set_ecdh_curve",
    "set_npn_protocols",
    "set_servername_callback",
    "set_psk_client_callback",
    "set_psk_server_callback",
    "session_stats",
]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_fixed_attribute_keeps_its_value_or_raises(name: str):
    context = ClientCertContext()
    value, other = ATTRIBUTES[name]
    assert getattr(context, name) == value
    setattr(context, name, value)
    with pytest.raises(ValueError, match=rf"ClientCertContext\.{name} is always {value!r}: "):
        setattr(context, name, other)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_without_effect_raises_and_says_why(name: str):
    with pytest.raises(NotImplementedError, match=rf"ClientCertContext\.{name}: \w"):
        getattr(ClientCertContext(), name)("anything")


def test_wrap_socket_says_what_would_happen():
    with socket.socket() as sock, pytest.raises(NotImplementedError, match="use wrap_bio"):
        ClientCertContext().wrap_socket(sock, server_side=True)


def test_nothing_public_of_the_standard_context_is_left_to_the_standard_library():
    """Whatever a new Python adds to SSLContext must be given an effect here, or be refused."""
    inherited = {name for name, _ in inspect.getmembers(ssl.SSLContext) if not name.startswith("_")}
    ours = set().union(
        *(vars(base) for base in (ClientCertContext, CertificateSettings, FixedSettings))
    )
    harmless = {"protocol", "sslobject_class", "sslsocket_class"}
    assert inherited - ours == harmless
