"""SQLite, opened so that a commit means that the certificate is on the disk.

The driver's own transaction control is switched off (it begins too late, and not at all before a
SELECT). A writing transaction begins with BEGIN IMMEDIATE: it takes the write lock before it reads
the next serial, so two processes can never read the same one.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event, exc
from sqlalchemy.pool import NullPool

from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

# Eight processes that issue at once wait for each other; half a minute is far beyond any queue
# that people can make, and still an end.
_BUSY_TIMEOUT_MS = 30_000
_WRITE = "certgate_write"


def sqlite_engine(path: Path) -> Engine:
    """Return an engine for a store in a file; nothing is opened yet."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        # mode=rw would refuse to create; the file's existence is checked by the caller.
        connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextlib.contextmanager
def transaction(connection: Connection, path: Path, *, write: bool) -> Iterator[Connection]:
    """Run the block in one transaction: committed at its end, rolled back on any exception.

    Raises:
        CertgateError: the database says no: busy, full, read-only, damaged.
    """
    with explained(path):
        options = connection.execution_options(**{_WRITE: write})
        with options.begin():
            yield connection


_EXPLANATIONS = (
    ("database is locked", "another command holds the store for too long; try again"),
    ("disk is full", "the disk is full; nothing was changed"),
    ("disk I/O error", "the disk failed or is full; nothing was changed"),
    ("readonly database", "the store is read-only here; nothing was changed"),
    ("unable to open", "the store cannot be opened: is the folder readable and writable?"),
    ("not a database", "this file is not a certgate store"),
    ("malformed", "the store is damaged; restore it from a backup"),
)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the database's complaints into one line that names the store."""
    try:
        yield
    except exc.DBAPIError as error:
        told = str(error.orig)
        for fragment, explanation in _EXPLANATIONS:
            if fragment in told:
                raise CertgateError(f"{path}: {explanation}") from error
        raise CertgateError(f"{path}: the store failed: {told}") from error
