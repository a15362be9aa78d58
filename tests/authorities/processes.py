"""Other processes that use the same CA: started quickly, because everything is loaded before."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

from proxy.ca.authority import Authority
from proxy.ca.delivery import Target, issue_files
from proxy.ca.folder import pem_of
from tests.authorities import PASSPHRASE, client, record_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext
    from pathlib import Path

_PRELOADED = ["tests.authorities.processes", "proxy.ca.store.store", "sqlalchemy.dialects.sqlite"]


def warm_context() -> ForkServerContext:
    """Return a context whose processes are forked from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def issue_many(directory: Path, output: Path, worker: int, count: int) -> None:
    """Issue certificates as fast as the store lets us, and hand each out as a file."""
    with Authority.open(directory, PASSPHRASE) as authority:
        for number in range(count):
            issued = authority.issue(client(f"w{worker}-{number}"))
            path = output / f"{worker}-{number}.crt"
            path.write_bytes(pem_of(issued.certificate))


def revoke_each(directory: Path, serials: list[int]) -> None:
    """Revoke certificates one by one, each with a CRL of its own."""
    with Authority.open(directory, PASSPHRASE) as authority:
        for serial in serials:
            authority.revocation.revoke([record_of(authority, serial)], "superseded")


def issue_until_killed(directory: Path, output: Path, life: int, told: Connection) -> None:
    """Issue, hand out and revoke without end; the test ends the process in the middle.

    It tells when it begins, and when its first certificate is out: that one is slow, because
    SQLAlchemy compiles each statement once.
    """
    told.send_bytes(b"begun")
    with Authority.open(directory, PASSPHRASE) as authority:
        number = 0
        while True:
            target = Target(output, f"life{life}-{number}")
            issued = issue_files(authority, client(f"life{life}-{number}"), target)
            if number % 3 == 0:
                authority.revocation.revoke([record_of(authority, issued.serial)], "superseded")
            if number == 0:
                told.send_bytes(b"issued")
            number += 1
