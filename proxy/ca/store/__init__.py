"""What the authority remembers: issuers, certificates, revocations, and who did what.

Only ``open_store`` and ``create_store`` load SQLAlchemy (0.35 s), so that help, completion and
``certgate serve`` never pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.store.store import Store


def create_store(path: Path) -> Store:
    """Make a new, empty store.

    Raises:
        CertgateError: the file exists already or cannot be written.
    """
    from proxy.ca.store.store import Store  # noqa: PLC0415 - see above

    return Store.create(path)


def open_store(path: Path) -> Store:
    """Open a store, bringing an older one to the current schema.

    Raises:
        CertgateError: no such store, not a store, or one from a newer version.
    """
    from proxy.ca.store.store import Store  # noqa: PLC0415 - see above

    return Store.open(path)
