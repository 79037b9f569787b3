"""Alembic's environment and revisions; run from code by `store.migrate`."""
