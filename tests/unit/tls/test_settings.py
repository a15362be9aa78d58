"""Settings are values; the checks on them need no handshake."""

import pytest
from OpenSSL import SSL

from proxy.errors import CertgateError
from proxy.tls.settings import (
    DEFAULT_OPTIONS,
    ClientAuthentication,
    ProtocolSettings,
    refuse_dead_ends,
    refuse_self_issued,
)
from tests.pki import EMPTY, Profile, client, trust

ROOT, SUB, WEB = (one.certificate for one in (trust().root, trust().sub, trust().web))
CRL = trust().crls[0]


@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        (ClientAuthentication(), 0),
        (ClientAuthentication(crls=(CRL,)), 0x4),
        (ClientAuthentication(crls=(CRL,), verify_flags=0), 0),
        (ClientAuthentication(verify_flags=0xC), 0xC),
    ],
)
def test_a_loaded_crl_is_looked_at_unless_told_otherwise(
    settings: ClientAuthentication, flags: int
):
    assert settings.effective_flags == flags


def test_the_default_options_are_what_openssl_starts_with_and_the_required_ones():
    """If a new OpenSSL starts with more, this list has to follow or setting options raises."""
    required = SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION
    assert SSL.Context(SSL.TLS_SERVER_METHOD).set_options(required) == DEFAULT_OPTIONS


def test_the_defaults_are_tls_1_2_and_three_intermediates():
    assert ProtocolSettings().minimum.name == "TLSv1_2"
    assert ClientAuthentication().verify_depth == 3


@pytest.mark.parametrize("anchors", [(ROOT,), (ROOT, WEB), (SUB, ROOT), (ROOT, ROOT)])
def test_anchors_that_lead_to_a_root_are_taken(anchors: tuple):
    refuse_dead_ends(anchors)


@pytest.mark.parametrize("anchors", [(), (SUB,), (ROOT, SUB, client("unknown_ca").leaf)])
def test_anchors_that_lead_nowhere_are_refused(anchors: tuple):
    with pytest.raises(CertgateError):
        refuse_dead_ends(anchors)


def test_intermediates_are_not_issued_by_themselves():
    refuse_self_issued((SUB,))
    with pytest.raises(CertgateError, match="CN=certgate test root: a self-signed certificate"):
        refuse_self_issued((SUB, ROOT))


def test_a_certificate_without_a_subject_is_still_named():
    nameless = trust().root.issue(Profile(subject=EMPTY)).leaf
    with pytest.raises(CertgateError, match=r"^\(a certificate without a subject\): is an inter"):
        refuse_dead_ends((nameless,))
