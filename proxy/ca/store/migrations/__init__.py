"""Alembic's migrations, packaged, so that an installed certgate can upgrade its own store."""
