"""Bring the tables of schema `qb` up to date.

Invariant: two processes starting at once never migrate at the same time, and a migration is done wholly or not at all.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text
from sqlalchemy.schema import CreateSchema

from qb_pipeline.store import tables
from qb_pipeline.store.staging_tables import ensure_staging


def migrate(engine: Engine) -> None:
    """Run every outstanding migration in one transaction."""
    with engine.begin() as conn:
        conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('migrate', 0))"))
        conn.execute(CreateSchema(tables.SCHEMA, if_not_exists=True))
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = conn
        command.upgrade(config, "head")


def prepare(engine: Engine) -> None:
    """Everything a fresh or outdated database needs: migrations, then staging tables."""
    migrate(engine)
    ensure_staging(engine)
