"""First schema: issuers, certificates, revocations, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration keeps its own copy of the schema: the tables of tomorrow must not change it.
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SERIAL = sa.String(50)
_SHA256 = sa.String(64)


def upgrade() -> None:
    """Make the tables of an empty store."""
    _issuers()
    _certificates()
    _revocations()
    _inherited_revocations()
    _audit()


def _issuers() -> None:
    op.create_table(
        "issuers",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("fingerprint_sha256", _SHA256, nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("next_serial", _SERIAL, nullable=True),
        sa.Column("crl_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_issuers"),
        sa.UniqueConstraint("fingerprint_sha256", name="uq_issuers_fingerprint_sha256"),
    )


def _certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("issuer_id", _ROW_ID, nullable=False),
        sa.Column("serial", _SERIAL, nullable=False),
        sa.Column("profile", sa.String(16), nullable=False),
        sa.Column("common_name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("alternative_names", sa.Text(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint_sha256", _SHA256, nullable=False),
        sa.Column("spki_sha256", _SHA256, nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("key_file", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_certificates"),
        sa.ForeignKeyConstraint(["issuer_id"], ["issuers.id"], name="fk_certificates_issuer_id"),
        sa.UniqueConstraint("issuer_id", "serial", name="uq_certificates_issuer_id_serial"),
    )
    for column in ("common_name", "fingerprint_sha256", "spki_sha256", "not_after"):
        op.create_index(f"ix_certificates_{column}", "certificates", [column])


def _revocations() -> None:
    op.create_table(
        "revocations",
        sa.Column("certificate_id", _ROW_ID, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("certificate_id", name="pk_revocations"),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name="fk_revocations_certificate_id"
        ),
    )


def _inherited_revocations() -> None:
    op.create_table(
        "inherited_revocations",
        sa.Column("issuer_id", _ROW_ID, nullable=False),
        sa.Column("serial", _SERIAL, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer_id", "serial", name="pk_inherited_revocations"),
        sa.ForeignKeyConstraint(
            ["issuer_id"], ["issuers.id"], name="fk_inherited_revocations_issuer_id"
        ),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verb", sa.String(16), nullable=False),
        sa.Column("serial", _SERIAL, nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_serial", "audit", ["serial"])
