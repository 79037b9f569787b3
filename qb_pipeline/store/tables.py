"""The tables of schema `qb`, as SQLAlchemy Core metadata.

Invariant: whatever must never exist twice (a link of one id, an open exception of one cause, an open creation of one
record) is refused by a unique index here, not only by the code that writes.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "qb"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    },
)

_EMPTY_OBJECT = text("'{}'::jsonb")
_EMPTY_LIST = text("'[]'::jsonb")


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _text(name: str, *, null: bool = False, primary_key: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=null, primary_key=primary_key, server_default=default)


def _time(name: str, *, null: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=null)


def _now(name: str) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"))


def _bytes(name: str, *, null: bool = True) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null)


company = Table(
    "company",
    metadata,
    _text("name", primary_key=True),
    Column("realm_id", Text, unique=True),
    _text("contractor_system"),
    _text("contractor_url", null=True),
    _bytes("contractor_key_sealed"),
    _text("quickbooks_api", null=True),
    _text("quickbooks_discovery", null=True),
    _text("client_id", null=True),
    _bytes("client_secret_sealed"),
    # What signs the webhooks of the company's own app, and those of its contractor system.
    _bytes("verifier_sealed"),
    _bytes("webhook_secret_sealed"),
    _text("state", default="new"),
    _text("state_reason", null=True),
    _time("connected_at"),
    _time("disconnected_at"),
    _now("created_at"),
)

token = Table(
    "token",
    metadata,
    _text("company", primary_key=True),
    _bytes("access_sealed", null=False),
    _bytes("refresh_sealed", null=False),
    _time("access_expires_at", null=False),
    _time("refresh_expires_at", null=False),
    _now("updated_at"),
)

link = Table(
    "link",
    metadata,
    _id(),
    _text("company"),
    _text("entity"),
    _text("contractor_id", null=True),
    _text("quickbooks_id", null=True),
    Column("base", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _text("contractor_hash", null=True),
    _text("quickbooks_hash", null=True),
    Column("contractor_changed", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Column("quickbooks_changed", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _text("match_class", null=True),
    Column("evidence", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _text("state", default="live"),
    _now("created_at"),
    _now("updated_at"),
    UniqueConstraint("company", "entity", "contractor_id"),
    UniqueConstraint("company", "entity", "quickbooks_id"),
    Index(
        "ix_link_half",
        "company",
        "entity",
        postgresql_where=text("state = 'live' AND (contractor_id IS NULL OR quickbooks_id IS NULL)"),
    ),
)

candidate = Table(
    "candidate",
    metadata,
    _id(),
    _text("company"),
    _text("entity"),
    _text("contractor_id"),
    _text("quickbooks_id"),
    _text("class"),
    Column("score", Numeric(9, 6), nullable=False),
    Column("evidence", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _text("decision", default="open"),
    _now("created_at"),
    _time("decided_at"),
    UniqueConstraint("company", "entity", "contractor_id", "quickbooks_id"),
)

_OPEN_PHASES = "phase IN ('planned', 'sent', 'answered')"

journal = Table(
    "journal",
    metadata,
    _id(),
    _text("company"),
    _text("run_id", null=True),
    _text("side"),
    _text("entity"),
    _text("operation"),
    Column("link_id", BigInteger),
    _text("source_id", null=True),
    _text("target_id", null=True),
    _text("target_version", null=True),
    _text("request_key"),
    _text("batch_key", null=True),
    _text("bid", null=True),
    _bytes("body", null=False),
    _text("body_hash"),
    Column("generation", Integer, nullable=False, server_default=text("0")),
    _text("phase", default="planned"),
    _bytes("answer"),
    Column("error", JSONB),
    Column("intended", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _now("planned_at"),
    _time("sent_at"),
    _time("answered_at"),
    _time("bound_at"),
    Index("ix_journal_open", "company", "id", postgresql_where=text(_OPEN_PHASES)),
    # Items of one batch share its request id; the pair with the bId is the key of an item.
    Index(
        "uq_journal_open_key",
        "company",
        "side",
        "request_key",
        text("coalesce(bid, '')"),
        unique=True,
        postgresql_where=text(_OPEN_PHASES),
    ),
    # Two open creations of one record are how a duplicate is born.
    Index(
        "uq_journal_open_create",
        "company",
        "side",
        "entity",
        "source_id",
        unique=True,
        postgresql_where=text(f"operation = 'create' AND {_OPEN_PHASES}"),
    ),
    Index("ix_journal_source", "company", "side", "entity", "source_id"),
    Index("ix_journal_target", "company", "side", "entity", "target_id"),
    Index("ix_journal_run", "company", "run_id"),
)

cursor = Table(
    "cursor",
    metadata,
    _text("company", primary_key=True),
    _text("side", primary_key=True),
    _text("stream", primary_key=True),
    Column("value", JSONB, nullable=False),
    _now("updated_at"),
)

exception = Table(
    "exception",
    metadata,
    _id(),
    _text("company"),
    _text("entity"),
    _text("side"),
    _text("record_id"),
    _text("record_label", null=True),
    _text("code"),
    _text("title"),
    _text("cause"),
    _text("fix"),
    _text("who"),
    Column("retry_safe", Boolean, nullable=False),
    _text("state", default="open"),
    Column("attempts", Integer, nullable=False, server_default=text("1")),
    _time("next_attempt_at"),
    Column("blocks", JSONB, nullable=False, server_default=_EMPTY_LIST),
    _text("fingerprint", null=True),
    _now("first_seen"),
    _now("last_seen"),
    _time("resolved_at"),
    _text("run_id", null=True),
    Column("told_blocks", JSONB, nullable=False, server_default=_EMPTY_LIST),
    Index(
        "uq_exception_unresolved",
        "company",
        "entity",
        "side",
        "record_id",
        "code",
        unique=True,
        postgresql_where=text("state <> 'resolved'"),
    ),
    Index(
        "ix_exception_due",
        "company",
        "entity",
        "next_attempt_at",
        postgresql_where=text("state IN ('open', 'retrying') AND next_attempt_at IS NOT NULL"),
    ),
)

sync_log = Table(
    "sync_log",
    metadata,
    _id(),
    _text("company"),
    _text("run_id", null=True),
    _now("at"),
    _text("entity"),
    _text("side"),
    _text("record_id", null=True),
    _text("record_label", null=True),
    _text("action"),
    Column("detail", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Index("ix_sync_log_company_id", "company", "id"),
    Index("ix_sync_log_record", "company", "entity", "record_id"),
    Index("ix_sync_log_run", "company", "run_id"),
)

run = Table(
    "run",
    metadata,
    _text("id", primary_key=True),
    _text("company"),
    _text("trigger"),
    _now("started_at"),
    _time("ended_at"),
    _text("status", default="running"),
    Column("counts", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Column("api_calls", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _text("error", null=True),
    Index("ix_run_company_started_at", "company", "started_at"),
)

inbox = Table(
    "inbox",
    metadata,
    _id(),
    _text("source"),
    # Empty where the realm is not known here: the event is kept and counted all the same.
    _text("company", null=True),
    _text("realm_id", null=True),
    _text("subject"),
    _text("record_id"),
    _text("operation"),
    _text("dedupe_key"),
    _time("occurred_at"),
    _now("received_at"),
    Column("detail", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    _text("state", default="new"),
    _text("run_id", null=True),
    _time("done_at"),
    UniqueConstraint("source", "dedupe_key"),
    Index("ix_inbox_new", "company", "id", postgresql_where=text("state = 'new'")),
)

alias = Table(
    "alias",
    metadata,
    _text("company", primary_key=True),
    _text("entity", primary_key=True),
    _text("side", primary_key=True),
    _text("loser_id", primary_key=True),
    _text("survivor_id"),
    _text("source"),
    _now("created_at"),
    Index("ix_alias_survivor", "company", "entity", "side", "survivor_id"),
)

gap = Table(
    "gap",
    metadata,
    _id(),
    _text("company"),
    _time("began_at", null=False),
    _time("ended_at"),
    _text("reason"),
    _time("filled_at"),
    _text("run_id", null=True),
    Index("ix_gap_open", "company", "id", postgresql_where=text("filled_at IS NULL")),
    # One company is out of touch once at a time.
    Index("uq_gap_current", "company", unique=True, postgresql_where=text("ended_at IS NULL")),
)

notice = Table(
    "notice",
    metadata,
    _id(),
    _text("company"),
    _text("kind"),
    # What the notice is about; while one of a topic is not cleared, no other of that topic is made.
    _text("topic"),
    _text("title"),
    _text("body"),
    _now("created_at"),
    _time("sent_at"),
    _time("cleared_at"),
    Index("ix_notice_unsent", "id", postgresql_where=text("sent_at IS NULL")),
    Index("uq_notice_open", "company", "kind", "topic", unique=True, postgresql_where=text("cleared_at IS NULL")),
)
