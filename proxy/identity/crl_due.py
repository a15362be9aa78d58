"""When a revocation list has to be signed again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.x509 import CertificateRevocationList

SIGN_AGAIN: Final = timedelta(days=30)
"""Before nextUpdate: long enough to find out who can sign, and to have it signed."""


def due_by(crl: CertificateRevocationList, now: datetime) -> datetime | None:
    """Return the nextUpdate of a list that should be signed again by now.

    Args:
        crl: any list.
        now: the present, with a time zone.

    Returns:
        A moment at most 30 days ahead, or in the past; None while there is time, and for a list
        without a nextUpdate.
    """
    ends = crl.next_update_utc
    return ends if ends is not None and ends - now <= SIGN_AGAIN else None
