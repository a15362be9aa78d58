"""Variables that are known when a request is there, by which servers can be chosen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from proxy.errors import CertgateError
from proxy.observe.variables import VARIABLES, vouched_variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.observe.access_record import AccessRecord

_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

# What only the answer tells, and what has no other value tomorrow: a hash of it would be none.
_UNKNOWN_YET: Final = frozenset(
    {
        *("body_bytes_sent", "error", "msec", "request_time", "status"),
        *("time_iso8601", "time_local"),
        *("upstream_addr", "upstream_response_time", "upstream_status"),
    }
)


def request_variable(text: str) -> Callable[[AccessRecord], bytes]:
    """Return what a variable stands for in the record of a request that was just decided on.

    Args:
        text: ``$name`` or ``${name}``.

    Raises:
        CertgateError: there is no such variable, or it is not known so early.
    """
    match = _VARIABLE.fullmatch(text)
    if match is None:
        raise CertgateError("name one variable, e.g. $remote_addr")
    name = match[1] or match[2]
    if name in _UNKNOWN_YET:
        raise CertgateError(f"${name} is not known before the app has answered")
    found = vouched_variable(name)
    if found is None:
        known = ", ".join(sorted(set(VARIABLES) - _UNKNOWN_YET))
        raise CertgateError(f"no variable ${name}; there are: {known}")
    return lambda record: found(record) or b""
