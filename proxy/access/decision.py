"""The one place that lets a request in."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.identity.codes import RefusalCode
    from proxy.identity.verdict import Verdict


class Access(StrEnum):
    """What a route asks of a client."""

    VERIFIED = "verified"
    OPTIONAL = "optional"
    PUBLIC = "public"


_OPEN = frozenset({Access.OPTIONAL, Access.PUBLIC})


def decide(access: Access, verdict: Verdict) -> RefusalCode | None:
    """Return why the request is refused, or None when it is admitted.

    ``optional`` and ``public`` routes are open to everyone; the app is told the verdict on both.
    Whatever else a route says asks for a good certificate.
    """
    return None if access in _OPEN else verdict.code
