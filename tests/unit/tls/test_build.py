"""One call makes a context that is ready, or says what cannot be used."""

import ssl

import pytest

from proxy.errors import CertgateError
from proxy.tls.peer import read_peer
from tests.pki import client, trust
from tests.unit.tls.memory import TLS_1_3, gate, join, server_certificate


def test_the_context_is_frozen():
    with pytest.raises(RuntimeError):
        gate().verify_depth = 2


def test_the_settings_arrive():
    context = gate(min_version="1.3", verify_depth=1, verify_mode=ssl.CERT_REQUIRED)
    assert context.minimum_version is TLS_1_3
    assert context.verify_depth == 1
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("check", "kind", "numbers"),
    [
        ("off", "revoked", set()),
        ("leaf", "revoked", {23}),
        ("leaf", "good", set()),
        ("chain", "revoked", {23}),
        ("chain", "with_intermediate", set()),
    ],
)
def test_crls_are_checked_as_told(check: str, kind: str, numbers: set[int]):
    context = gate(crls=trust().crls, crl_check=check)
    errors = read_peer(join(context, client(kind)).server).errors
    assert {error.number for error in errors} == numbers


def test_a_name_that_is_none_is_an_error():
    with pytest.raises(CertgateError, match="is not a server name"):
        gate(by_name={"a b": server_certificate()})
