"""Variables that are known when a request is there, by which servers can be chosen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from proxy.errors import CertgateError
from proxy.observe.scope import CHOICE

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.observe.access_record import AccessRecord

_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


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
    found = CHOICE.find(match[1] or match[2])
    return lambda record: found(record) or b""
