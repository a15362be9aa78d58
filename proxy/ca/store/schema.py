"""The schema, for SQLite and PostgreSQL alike.

Serial numbers have up to 20 octets (RFC 5280 section 4.1.2.2), more than any integer column
holds: they are decimal text. Times are seconds since 1970, UTC, because SQLite has no time type
and text with zones does not compare. A certificate is identified by (issuer, serial), never by
the serial alone.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# Named constraints: a later migration has to be able to say which one it changes.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

SERIAL = String(50)
SHA256 = String(64)
# SQLite numbers rows by itself only where the column is spelled INTEGER.
ROW_ID = BigInteger().with_variant(Integer(), "sqlite")

issuers = Table(
    "issuers",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("fingerprint_sha256", SHA256, nullable=False, unique=True),
    Column("certificate", LargeBinary, nullable=False),
    Column("next_serial", SERIAL, nullable=True),  # null: serials are random
    Column("crl_number", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

certificates = Table(
    "certificates",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("issuer_id", ROW_ID, ForeignKey("issuers.id"), nullable=False),
    Column("serial", SERIAL, nullable=False),
    Column("profile", String(16), nullable=False),
    Column("common_name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("alternative_names", Text, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("fingerprint_sha256", SHA256, nullable=False),
    Column("spki_sha256", SHA256, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("key_file", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("issuer_id", "serial"),
    Index(None, "common_name"),
    Index(None, "fingerprint_sha256"),
    Index(None, "spki_sha256"),
    Index(None, "not_after"),
)

revocations = Table(
    "revocations",
    metadata,
    Column("certificate_id", ROW_ID, ForeignKey("certificates.id"), primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("revoked_at", BigInteger, nullable=False),
)

# Revocations that an adopted CA brought along: of certificates that are not in this store.
inherited_revocations = Table(
    "inherited_revocations",
    metadata,
    Column("issuer_id", ROW_ID, ForeignKey("issuers.id"), primary_key=True),
    Column("serial", SERIAL, primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("revoked_at", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verb", String(16), nullable=False),
    Column("serial", SERIAL, nullable=True),
    Column("detail", Text, nullable=False),
    Index(None, "serial"),
)
