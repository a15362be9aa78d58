"""Who is let in: nobody, unless a route or a verified certificate says so."""

from __future__ import annotations

from typing import cast

import pytest

from proxy.access.decision import Access, decide
from proxy.identity.codes import RefusalCode
from proxy.identity.verdict import INVALID, MISSING, Verdict

VERIFIED = Verdict(None)


@pytest.mark.parametrize("access", Access)
def test_a_verified_client_is_admitted_everywhere(access: Access):
    assert decide(access, VERIFIED) is None


@pytest.mark.parametrize("code", RefusalCode)
def test_a_verified_route_refuses_for_every_reason_there_is(code: RefusalCode):
    assert decide(Access.VERIFIED, Verdict(code)) is code


@pytest.mark.parametrize("access", [Access.OPTIONAL, Access.PUBLIC])
@pytest.mark.parametrize("verdict", [MISSING, INVALID, VERIFIED])
def test_open_routes_admit_everyone(access: Access, verdict: Verdict):
    assert decide(access, verdict) is None


@pytest.mark.parametrize("value", ["open", "PUBLIC", "public ", "", None, True])
def test_what_is_not_one_of_the_three_is_closed(value: object):
    """A value that only looks like «public» must not open a route."""
    assert decide(cast("Access", value), MISSING) is RefusalCode.CERTIFICATE_MISSING
