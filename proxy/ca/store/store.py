"""One store, opened: transactions are its only door."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from proxy.ca.files import SECRET, is_file
from proxy.ca.store.changes import Writing
from proxy.ca.store.engine import explained, sqlite_engine, transaction
from proxy.ca.store.migrate import check_revision, upgrade
from proxy.ca.store.queries import Reading
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Store:
    """A store with its one connection; not to be shared between threads."""

    path: Path
    connection: Connection

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a new, empty store, readable by its owner alone.

        Raises:
            CertgateError: the file exists already or cannot be made.
        """
        try:
            # Made here rather than by SQLite, which would use the umask's mode.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET))
        except OSError as error:
            raise CertgateError(f"{path}: cannot be made: {error.strerror}") from error
        store = cls._connect(path)
        with transaction(store.connection, path, write=True):
            upgrade(store.connection)
        return store

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing store, upgrading an older schema first.

        Raises:
            CertgateError: missing, not a store, damaged, or written by a newer certgate.
        """
        if not is_file(path):
            raise CertgateError(f"{path}: there is no such store")
        store = cls._connect(path)
        try:
            with transaction(store.connection, path, write=False):
                is_current = check_revision(store.connection, path)
            if not is_current:
                with transaction(store.connection, path, write=True):
                    upgrade(store.connection)
        except CertgateError:
            store.close()
            raise
        return store

    @classmethod
    def _connect(cls, path: Path) -> Self:
        with explained(path):
            return cls(path, sqlite_engine(path).connect())

    def close(self) -> None:
        """Close the connection; the last one folds SQLite's write-ahead log into the file."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reading]:
        """Open a transaction that sees one state of the store."""
        with transaction(self.connection, self.path, write=False) as connection:
            yield Reading(connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writing]:
        """Open a transaction that holds the write lock from its beginning."""
        with transaction(self.connection, self.path, write=True) as connection:
            yield Writing(connection)
