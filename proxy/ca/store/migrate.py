"""The version of the schema: asked first, cheaply; Alembic is loaded only when it has work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from proxy.errors import CertgateError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

# Oldest first; a test compares the list with the files in migrations/versions.
REVISIONS = ("0001",)
HEAD = REVISIONS[-1]


def current_revision(connection: Connection) -> str | None:
    """Return the schema's revision; None for an empty or foreign database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar_one_or_none()
    return revision


def check_revision(connection: Connection, path: Path) -> bool:
    """Tell whether the schema is current; False when it is older and must be upgraded.

    Raises:
        CertgateError: not a store, or one that a newer certgate wrote.
    """
    revision = current_revision(connection)
    if revision is None:
        raise CertgateError(f"{path}: this file is not a certgate store")
    if revision not in REVISIONS:
        raise CertgateError(
            f"{path}: the store has schema {revision}, which is newer than this certgate knows "
            f"({HEAD}); update certgate"
        )
    return revision == HEAD


def upgrade(connection: Connection) -> None:
    """Bring the schema to the newest revision, inside the transaction that is open."""
    from alembic import command  # noqa: PLC0415 - 0.2 s that only `init` and an upgrade pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "proxy.ca.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
