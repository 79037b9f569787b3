"""Webhook inbox, aliases of merged records, gaps of disconnected companies, notices; a column nothing used goes.

Invariant: as in `tables`; this text stays as it is, later changes are later revisions.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EMPTY = sa.text("'{}'::jsonb")
NOW = sa.text("now()")


def _time(name: str, *, null: bool = True, now: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null, server_default=NOW if now else None)


def _text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null, server_default=default)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def upgrade() -> None:
    op.drop_column("link", "line_links", schema="qb")
    op.add_column("company", sa.Column("verifier_sealed", sa.LargeBinary()), schema="qb")
    op.add_column("company", sa.Column("webhook_secret_sealed", sa.LargeBinary()), schema="qb")
    op.create_table(
        "inbox",
        _id(),
        _text("source"),
        _text("company", null=True),
        _text("realm_id", null=True),
        _text("subject"),
        _text("record_id"),
        _text("operation"),
        _text("dedupe_key"),
        _time("occurred_at"),
        _time("received_at", null=False, now=True),
        sa.Column("detail", postgresql.JSONB(), nullable=False, server_default=EMPTY),
        _text("state", default="new"),
        _text("run_id", null=True),
        _time("done_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("source", "dedupe_key", name=op.f("uq_inbox_source_dedupe_key")),
        schema="qb",
    )
    op.create_index("ix_inbox_new", "inbox", ["company", "id"], schema="qb", postgresql_where=sa.text("state = 'new'"))
    op.create_table(
        "alias",
        _text("company"),
        _text("entity"),
        _text("side"),
        _text("loser_id"),
        _text("survivor_id"),
        _text("source"),
        _time("created_at", null=False, now=True),
        sa.PrimaryKeyConstraint("company", "entity", "side", "loser_id", name=op.f("pk_alias")),
        schema="qb",
    )
    op.create_index("ix_alias_survivor", "alias", ["company", "entity", "side", "survivor_id"], schema="qb")
    op.create_table(
        "gap",
        _id(),
        _text("company"),
        _time("began_at", null=False),
        _time("ended_at"),
        _text("reason"),
        _time("filled_at"),
        _text("run_id", null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gap")),
        schema="qb",
    )
    op.create_index("ix_gap_open", "gap", ["company", "id"], schema="qb", postgresql_where=sa.text("filled_at IS NULL"))
    op.create_index(
        "uq_gap_current",
        "gap",
        ["company"],
        unique=True,
        schema="qb",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "notice",
        _id(),
        _text("company"),
        _text("kind"),
        _text("topic"),
        _text("title"),
        _text("body"),
        _time("created_at", null=False, now=True),
        _time("sent_at"),
        _time("cleared_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        schema="qb",
    )
    op.create_index("ix_notice_unsent", "notice", ["id"], schema="qb", postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index(
        "uq_notice_open",
        "notice",
        ["company", "kind", "topic"],
        unique=True,
        schema="qb",
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
