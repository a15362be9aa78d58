"""The schema and its migrations are one thing."""

from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from proxy.ca.store import create_store, open_store
from proxy.ca.store.migrate import HEAD, REVISIONS
from proxy.ca.store.schema import metadata

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def config(**options: str) -> Config:
    made = Config()
    made.set_main_option("script_location", "proxy.ca.store:migrations")
    for name, value in options.items():
        made.set_main_option(name, value)
    return made


def test_the_list_of_revisions_is_the_files():
    """A forgotten entry would make every store look newer than the program."""
    scripts = ScriptDirectory.from_config(config())
    assert scripts.get_current_head() == HEAD
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == REVISIONS


def test_the_migrations_lead_to_the_schema(tmp_path: Path):
    with create_store(tmp_path / "ca.db") as store:
        context = MigrationContext.configure(store.connection)
        assert compare_metadata(context, metadata) == []


def test_constraints_have_the_names_of_the_schema(tmp_path: Path):
    """A later migration has to name the constraint that it changes."""
    with create_store(tmp_path / "ca.db") as store:
        found = inspect(store.connection).get_unique_constraints("certificates")
    assert [constraint["name"] for constraint in found] == ["uq_certificates_issuer_id_serial"]


def test_the_migrations_speak_postgresql():
    output = io.StringIO()
    offline = Config(output_buffer=output)
    offline.set_main_option("script_location", "proxy.ca.store:migrations")
    offline.set_main_option("dialect", "postgresql")
    command.upgrade(offline, "head", sql=True)
    sql = output.getvalue()
    assert "id BIGSERIAL NOT NULL" in sql
    assert "CONSTRAINT uq_certificates_issuer_id_serial UNIQUE (issuer_id, serial)" in sql
    assert "certificate BYTEA NOT NULL" in sql


def test_the_schema_compiles_for_postgresql():
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


def test_an_older_store_is_upgraded_when_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Alembic is asked exactly when the version is known and not the newest."""
    create_store(tmp_path / "ca.db").close()
    upgraded = []
    monkeypatch.setattr("proxy.ca.store.migrate.REVISIONS", ("0001", "0002"))
    monkeypatch.setattr("proxy.ca.store.migrate.HEAD", "0002")
    monkeypatch.setattr("proxy.ca.store.store.upgrade", upgraded.append)
    open_store(tmp_path / "ca.db").close()
    assert len(upgraded) == 1


def test_opening_a_current_store_does_not_load_alembic(tmp_path: Path):
    import subprocess
    import sys

    create_store(tmp_path / "ca.db").close()
    program = (
        "import sys, pathlib; from proxy.ca.store import open_store; "
        "open_store(pathlib.Path(sys.argv[1])).close(); "
        "assert 'alembic' not in sys.modules, 'alembic'"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path / "ca.db"], check=True, timeout=30)
    assert importlib.util.find_spec("alembic")
