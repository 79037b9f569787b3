"""The journal of writes: planned → sent → answered → bound, or failed, or abandoned.

Invariant: a row with the exact bytes and the idempotency key is committed before its request leaves, so whatever a
crash interrupts can be sent again byte for byte; a row leaves the open phases only when its outcome is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities.spec import Side


class Phase(StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    ANSWERED = "answered"
    BOUND = "bound"
    FAILED = "failed"
    ABANDONED = "abandoned"


OPEN_PHASES = (Phase.PLANNED, Phase.SENT, Phase.ANSWERED)


class Operation(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    VOID = "void"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class PlannedWrite:
    """One write to `side`. `source_id` is the record's id on the other side, `target_id` its id on `side` if known;
    items of a batch share `batch_key` and have their own `bid`; `intended` are the canonical values in JSON form."""

    company: str
    side: Side
    entity: str
    operation: Operation
    request_key: str
    body: bytes
    run_id: str | None = None
    link_id: int | None = None
    source_id: str | None = None
    target_id: str | None = None
    batch_key: str | None = None
    bid: str | None = None
    generation: int = 0
    intended: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Write(PlannedWrite):
    """A journal row as stored."""

    id: int
    body_hash: str
    phase: Phase
    answer: bytes | None
    error: Any
    planned_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None
    bound_at: datetime | None


def insert_planned(conn: Connection, rows: Sequence[PlannedWrite], now: datetime | None = None) -> list[int]:
    """Insert rows in phase planned and return their ids in the order given.

    A second open row with the same key, or a second open creation of the same record, raises `IntegrityError`.
    """
    raise NotImplementedError


def mark(conn: Connection, company: str, ids: Iterable[int], phase: Phase, now: datetime | None = None) -> int:
    """Move rows to `phase` and stamp its time; returns how many moved. Closed rows stay as they are."""
    raise NotImplementedError


def store_answers(conn: Connection, company: str, answers: Mapping[int, bytes], now: datetime | None = None) -> int:
    """Keep the raw answers and move their rows to answered; returns how many."""
    raise NotImplementedError


def store_answer(conn: Connection, company: str, id: int, answer: bytes, now: datetime | None = None) -> None:  # noqa: A002
    """Keep one raw answer and move its row to answered."""
    raise NotImplementedError


def fail(conn: Connection, company: str, errors: Mapping[int, Any], phase: Phase = Phase.FAILED) -> int:
    """Close rows as failed (or abandoned) with the error as JSON; returns how many."""
    raise NotImplementedError


def set_target(conn: Connection, company: str, targets: Mapping[int, str]) -> int:
    """Note the id that a creation was given on the written side."""
    raise NotImplementedError


def open_rows(conn: Connection, company: str, entity: str | None = None) -> list[Write]:
    """Every row whose outcome is not settled (planned, sent, answered), oldest first."""
    raise NotImplementedError


def get_many(conn: Connection, company: str, ids: Iterable[int]) -> dict[int, Write]:
    raise NotImplementedError


def last_generations(
    conn: Connection, company: str, side: Side, entity: str, source_ids: Iterable[str]
) -> dict[str, int]:
    """source id -> the highest generation ever journalled for it on `side`; records never written are left out."""
    raise NotImplementedError
