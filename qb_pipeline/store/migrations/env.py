"""Alembic's environment: runs on the connection that `store.migrate` hands over.

Invariant: the version table stands in our own schema, as Dagster keeps its own in `public` of a shared database.
"""

from alembic import context

from qb_pipeline.store import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    version_table_schema=tables.SCHEMA,
)
with context.begin_transaction():
    context.run_migrations()
