"""The store: transactions, versions, complaints."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from proxy.ca.store import create_store, open_store
from proxy.ca.store.records import AuditRecord
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proxy.ca.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_store(tmp_path / "ca.db") as made:
        yield made


def enter(store: Store, fingerprint: str = "aa") -> int:
    with store.writing() as change:
        return change.add_issuer(
            subject="CN=x",
            fingerprint_sha256=fingerprint,
            certificate=b"",
            next_serial=1,
            crl_number=1,
            created_at=0,
        )


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def test_it_writes_ahead_and_waits_for_the_disk(store: Store):
    """A commit must survive a power cut: WAL alone would not promise that."""
    values = {}
    for pragma in ("journal_mode", "synchronous", "foreign_keys"):
        with store.reading() as query:
            values[pragma] = query._connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_it_is_for_its_owner_alone(store: Store):
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_an_exception_takes_everything_back(store: Store):
    issuer = enter(store)

    def issue_and_fail() -> None:
        with store.writing() as change:
            assert change.take_serial(issuer) == 1
            change.note(AuditRecord(0, "me", "issue", 1, ""))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        issue_and_fail()
    with store.writing() as change:
        assert change.take_serial(issuer) == 1
        assert change.history(1) == []


def test_a_writer_holds_the_store_from_its_first_moment(store: Store):
    """Two that read the same next serial before either writes would be the classic mistake."""
    issuer = enter(store)
    with store.writing() as change:
        change.issuer("aa")
        other = sqlite3.connect(store.path, timeout=0)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert change.take_serial(issuer) == 1


def test_the_same_serial_twice_is_impossible(store: Store):
    import dataclasses

    from proxy.ca.store.records import NewCertificate

    issuer = enter(store)
    fields = {field.name: "" for field in dataclasses.fields(NewCertificate)}
    row = NewCertificate(
        **fields
        | {"serial": 5, "certificate": b"", "not_before": 0, "not_after": 0, "created_at": 0}
    )  # type: ignore[arg-type]
    with store.writing() as change:
        change.add_certificate(issuer, row)
    with pytest.raises(CertgateError, match="UNIQUE"), store.writing() as change:
        change.add_certificate(issuer, row)


def test_another_authority_has_serials_of_its_own(store: Store):
    one, two = enter(store, "aa"), enter(store, "bb")
    with store.writing() as change:
        assert change.take_serial(one) == 1
        assert change.take_serial(one) == 2
        assert change.take_serial(two) == 1


def test_serials_end_with_twenty_octets(store: Store):
    issuer = enter(store)
    with store.writing() as change:
        change._connection.exec_driver_sql(f"UPDATE issuers SET next_serial = {str(2**159 - 1)!r}")  # noqa: S608
        assert change.take_serial(issuer) == 2**159 - 1
        with pytest.raises(CertgateError, match="used up"):
            change.take_serial(issuer)


def test_a_store_is_never_made_over_a_file(tmp_path: Path):
    (tmp_path / "ca.db").write_text("mine")
    with pytest.raises(CertgateError, match=r"ca\.db: cannot be made: File exists"):
        create_store(tmp_path / "ca.db")


def test_a_missing_store_is_not_made_by_opening(tmp_path: Path):
    with pytest.raises(CertgateError, match="there is no such store"):
        open_store(tmp_path / "ca.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"garbage" * 100])
def test_another_file_is_not_a_store(tmp_path: Path, content: bytes):
    (tmp_path / "ca.db").write_bytes(content)
    with pytest.raises(CertgateError, match="this file is not a certgate store"):
        open_store(tmp_path / "ca.db")


def test_a_store_from_a_newer_version_is_left_alone(store: Store):
    store.close()
    execute(store.path, "UPDATE alembic_version SET version_num = '9999'")
    before = store.path.read_bytes()
    with pytest.raises(CertgateError, match=r"schema 9999, which is newer .* update certgate"):
        open_store(store.path)
    assert store.path.read_bytes() == before


def test_a_damaged_store_is_told(store: Store, tmp_path: Path):
    enter(store)
    store.close()
    damaged = tmp_path / "damaged.db"
    shutil.copy(store.path, damaged)
    with damaged.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 12 * 4096)
    with pytest.raises(CertgateError, match=r"damaged\.db: "), open_store(damaged) as opened:
        enter(opened, "bb")


def test_a_full_disk_changes_nothing(store: Store):
    """SQLite can be told that the disk ends here."""
    enter(store)
    with store.reading() as query:
        pages = query._connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        query._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        with store.writing() as change:
            for number in range(1000):
                change.note(AuditRecord(0, "me", "issue", number, "x" * 1000))

    with pytest.raises(CertgateError, match="the disk is full; nothing was changed"):
        fill()
    with store.reading() as query:
        assert query.history(0) == []


def test_a_store_that_somebody_holds_too_long_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("proxy.ca.store.engine._BUSY_TIMEOUT_MS", 1)
    held = pytest.raises(CertgateError, match="another command holds the store")
    with store.writing(), open_store(store.path) as second, held:
        enter(second)
