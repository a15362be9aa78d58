"""A list is due from 30 days before it ends, to the second."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from proxy.identity.crl_due import SIGN_AGAIN, due_by
from tests.pki import START, trust
from tests.unit.identity.forge import elements, signed
from tests.unit.identity.lists import crl_of

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("left", "is_due"),
    [
        (SIGN_AGAIN + SECOND, False),
        (SIGN_AGAIN, True),
        (SECOND, True),
        (-SECOND, True),
    ],
    ids=str,
)
def test_it_is_due_within_thirty_days_and_ever_after(left: timedelta, is_due: bool):
    ends = START + timedelta(days=40)
    found = due_by(crl_of(trust().root, days_left=40), ends - left)
    assert found == (ends if is_due else None)


def test_a_list_without_an_end_is_never_due():
    """It counts as unusable anyway (``read_crl``)."""
    root = trust().root
    fields = elements(crl_of(root).tbs_certlist_bytes)
    del fields[4]
    crl = x509.load_der_x509_crl(signed(fields, root.key, fields[1]))
    assert due_by(crl, START + timedelta(days=4000)) is None
