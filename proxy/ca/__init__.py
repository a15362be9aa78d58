"""The certificate authority: requests, profiles, issuance, revocation, bundles, and the store.

Importing this room is cheap: SQLAlchemy and Alembic are loaded only when a store is opened.
"""
