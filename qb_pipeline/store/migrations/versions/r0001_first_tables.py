"""The first tables.

Invariant: as in `tables`; this text stays as it is, later changes are later revisions.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "candidate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("contractor_id", sa.Text(), nullable=False),
        sa.Column("quickbooks_id", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("score", sa.Numeric(precision=9, scale=6), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("decision", sa.Text(), server_default="open", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate")),
        sa.UniqueConstraint(
            "company",
            "entity",
            "contractor_id",
            "quickbooks_id",
            name=op.f("uq_candidate_company_entity_contractor_id_quickbooks_id"),
        ),
        schema="qb",
    )
    op.create_table(
        "company",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("realm_id", sa.Text(), nullable=True),
        sa.Column("contractor_system", sa.Text(), nullable=False),
        sa.Column("contractor_url", sa.Text(), nullable=True),
        sa.Column("contractor_key_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("quickbooks_api", sa.Text(), nullable=True),
        sa.Column("quickbooks_discovery", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("client_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_company")),
        sa.UniqueConstraint("realm_id", name=op.f("uq_company_realm_id")),
        schema="qb",
    )
    op.create_table(
        "cursor",
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("company", "side", "stream", name=op.f("pk_cursor")),
        schema="qb",
    )
    op.create_table(
        "exception",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("record_label", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("fix", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("retry_safe", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocks", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("first_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exception")),
        schema="qb",
    )
    op.create_index(
        "ix_exception_due",
        "exception",
        ["company", "entity", "next_attempt_at"],
        unique=False,
        schema="qb",
        postgresql_where=sa.text("state IN ('open', 'retrying') AND next_attempt_at IS NOT NULL"),
    )
    op.create_index(
        "uq_exception_unresolved",
        "exception",
        ["company", "entity", "side", "record_id", "code"],
        unique=True,
        schema="qb",
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("link_id", sa.BigInteger(), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("target_id", sa.Text(), nullable=True),
        sa.Column("target_version", sa.Text(), nullable=True),
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("batch_key", sa.Text(), nullable=True),
        sa.Column("bid", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("phase", sa.Text(), server_default="planned", nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        sa.Column("intended", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        schema="qb",
    )
    op.create_index(
        "ix_journal_open",
        "journal",
        ["company", "id"],
        unique=False,
        schema="qb",
        postgresql_where=sa.text("phase IN ('planned', 'sent', 'answered')"),
    )
    op.create_index("ix_journal_run", "journal", ["company", "run_id"], unique=False, schema="qb")
    op.create_index(
        "ix_journal_source", "journal", ["company", "side", "entity", "source_id"], unique=False, schema="qb"
    )
    op.create_index(
        "ix_journal_target", "journal", ["company", "side", "entity", "target_id"], unique=False, schema="qb"
    )
    op.create_index(
        "uq_journal_open_create",
        "journal",
        ["company", "side", "entity", "source_id"],
        unique=True,
        schema="qb",
        postgresql_where=sa.text("operation = 'create' AND phase IN ('planned', 'sent', 'answered')"),
    )
    op.create_index(
        "uq_journal_open_key",
        "journal",
        ["company", "side", "request_key", sa.literal_column("coalesce(bid, '')")],
        unique=True,
        schema="qb",
        postgresql_where=sa.text("phase IN ('planned', 'sent', 'answered')"),
    )
    op.create_table(
        "link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("contractor_id", sa.Text(), nullable=True),
        sa.Column("quickbooks_id", sa.Text(), nullable=True),
        sa.Column("base", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("line_links", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("contractor_hash", sa.Text(), nullable=True),
        sa.Column("quickbooks_hash", sa.Text(), nullable=True),
        sa.Column(
            "contractor_changed",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "quickbooks_changed",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("match_class", sa.Text(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("state", sa.Text(), server_default="live", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("company", "entity", "contractor_id", name=op.f("uq_link_company_entity_contractor_id")),
        sa.UniqueConstraint("company", "entity", "quickbooks_id", name=op.f("uq_link_company_entity_quickbooks_id")),
        schema="qb",
    )
    op.create_index(
        "ix_link_half",
        "link",
        ["company", "entity"],
        unique=False,
        schema="qb",
        postgresql_where=sa.text("state = 'live' AND (contractor_id IS NULL OR quickbooks_id IS NULL)"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Text(), server_default="running", nullable=False),
        sa.Column("counts", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("api_calls", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        schema="qb",
    )
    op.create_index("ix_run_company_started_at", "run", ["company", "started_at"], unique=False, schema="qb")
    op.create_table(
        "sync_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=True),
        sa.Column("record_label", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_log")),
        schema="qb",
    )
    op.create_index("ix_sync_log_company_id", "sync_log", ["company", "id"], unique=False, schema="qb")
    op.create_index("ix_sync_log_record", "sync_log", ["company", "entity", "record_id"], unique=False, schema="qb")
    op.create_index("ix_sync_log_run", "sync_log", ["company", "run_id"], unique=False, schema="qb")
    op.create_table(
        "token",
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("access_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("refresh_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("access_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refresh_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("company", name=op.f("pk_token")),
        schema="qb",
    )


def downgrade() -> None:
    op.drop_table("token", schema="qb")
    op.drop_index("ix_sync_log_run", table_name="sync_log", schema="qb")
    op.drop_index("ix_sync_log_record", table_name="sync_log", schema="qb")
    op.drop_index("ix_sync_log_company_id", table_name="sync_log", schema="qb")
    op.drop_table("sync_log", schema="qb")
    op.drop_index("ix_run_company_started_at", table_name="run", schema="qb")
    op.drop_table("run", schema="qb")
    op.drop_index(
        "ix_link_half",
        table_name="link",
        schema="qb",
        postgresql_where=sa.text("state = 'live' AND (contractor_id IS NULL OR quickbooks_id IS NULL)"),
    )
    op.drop_table("link", schema="qb")
    op.drop_index(
        "uq_journal_open_key",
        table_name="journal",
        schema="qb",
        postgresql_where=sa.text("phase IN ('planned', 'sent', 'answered')"),
    )
    op.drop_index(
        "uq_journal_open_create",
        table_name="journal",
        schema="qb",
        postgresql_where=sa.text("operation = 'create' AND phase IN ('planned', 'sent', 'answered')"),
    )
    op.drop_index("ix_journal_target", table_name="journal", schema="qb")
    op.drop_index("ix_journal_source", table_name="journal", schema="qb")
    op.drop_index("ix_journal_run", table_name="journal", schema="qb")
    op.drop_index(
        "ix_journal_open",
        table_name="journal",
        schema="qb",
        postgresql_where=sa.text("phase IN ('planned', 'sent', 'answered')"),
    )
    op.drop_table("journal", schema="qb")
    op.drop_index(
        "uq_exception_unresolved", table_name="exception", schema="qb", postgresql_where=sa.text("state <> 'resolved'")
    )
    op.drop_index(
        "ix_exception_due",
        table_name="exception",
        schema="qb",
        postgresql_where=sa.text("state IN ('open', 'retrying') AND next_attempt_at IS NOT NULL"),
    )
    op.drop_table("exception", schema="qb")
    op.drop_table("cursor", schema="qb")
    op.drop_table("company", schema="qb")
    op.drop_table("candidate", schema="qb")
