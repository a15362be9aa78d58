"""Run by Alembic: migrate over the connection and transaction that the store holds.

Offline (SQL printed for a dialect) it needs no connection; the tests use that for PostgreSQL.
"""

from __future__ import annotations

from alembic import context

from proxy.ca.store.schema import metadata


def run() -> None:
    """Migrate, or print the SQL in offline mode."""
    if context.is_offline_mode():
        context.configure(
            dialect_name=context.config.get_main_option("dialect"), target_metadata=metadata
        )
    else:
        context.configure(
            connection=context.config.attributes["connection"],
            target_metadata=metadata,
            # SQLite rolls DDL back too, since the store begins its transactions itself.
            transactional_ddl=True,
        )
    with context.begin_transaction():
        context.run_migrations()


run()
