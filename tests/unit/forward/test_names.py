"""Which names pass from the client to the app, however they are spelt."""

from __future__ import annotations

import pytest

from proxy.forward.names import _COMMON, is_client_field
from proxy.http1.messages import CONNECTION_FIELDS

REPLACED = [
    b"x-forwarded-for",
    b"x-forwarded-proto",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-user",
    b"x-forwarded-client-cert",
    b"x-forwarded",
    b"forwarded",
    b"x-real-ip",
    b"x-request-id",
    b"x-original-url",
    b"x-original-host",
    b"x-rewrite-url",
]
IDENTITY = [b"x-ssl-client-verify", b"client-cert", b"client-cert-chain", b"ssl-client-cert"]


@pytest.mark.parametrize("name", REPLACED + IDENTITY)
@pytest.mark.parametrize("dash", [b"-", b"_", b".", b"~", b"!", b"'", b"|"])
def test_a_name_that_the_gateway_sets_does_not_pass_in_any_spelling(name: bytes, dash: bytes):
    assert not is_client_field(name.replace(b"-", dash))


@pytest.mark.parametrize("name", sorted(CONNECTION_FIELDS))
@pytest.mark.parametrize("dash", [b"-", b"_", b"."])
def test_a_name_that_looks_like_framing_does_not_pass(name: bytes, dash: bytes):
    assert not is_client_field(name.replace(b"-", dash))


def test_a_name_that_becomes_the_apps_own_proxy_does_not_pass():
    """httpoxy: CGI makes HTTP_PROXY of it, and the app sends its own requests there."""
    assert not is_client_field(b"proxy")


@pytest.mark.parametrize(
    "name",
    b"""proxy-authorization authorization cookie x-csrf-token x-api-key x-forward forwarded-for
    x-real content-type x-content-length x_y ! 1""".split(),
)
def test_the_clients_own_names_pass(name: bytes):
    assert is_client_field(name)


def test_the_short_cut_for_common_names_takes_no_other_decision():
    """A name in the short list that another rule refuses would pass unseen."""
    for name in _COMMON:
        assert is_client_field(name.replace(b"-", b"_")), name
        assert name == name.lower()
