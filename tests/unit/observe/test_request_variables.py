"""Variables by which a server can be chosen."""

from __future__ import annotations

import pytest

from proxy.errors import CertgateError
from proxy.observe.access_record import AccessRecord
from proxy.observe.request_variables import request_variable


@pytest.mark.parametrize("text", ["$request_uri", "${request_uri}"])
def test_a_variable_has_the_value_of_the_request(text: str):
    record = AccessRecord("192.0.2.1")
    record.target = b"/a?b"
    assert request_variable(text)(record) == b"/a?b"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$status", r"\$status is known only with the response; here there are: "),
        ("$upstream_addr", "only with the response"),
        ("$time_local", "is another one each time"),
        ("$request_time", "is for the access log alone"),
        ("$colour", r"no variable \$colour; there are: .*remote_addr"),
        ("remote_addr", "name one variable"),
        ("$remote_addr$host", "name one variable"),
        ("${remote_addr", "name one variable"),
        ("", "name one variable"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, reason: str):
    with pytest.raises(CertgateError, match=reason):
        request_variable(text)
