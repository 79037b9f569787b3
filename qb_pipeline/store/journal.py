"""The journal of writes: planned → sent → answered → bound, or failed, or abandoned.

Invariant: a row with the exact bytes and the idempotency key is committed before its request leaves, so whatever a
crash interrupts can be sent again byte for byte; a row leaves the open phases only when its outcome is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    TableValuedAlias,
    Text,
    Update,
    and_,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import tables
from qb_pipeline.store.engine import among, dumps, utcnow

_journal = tables.journal
# Spelled as in the partial index, so that the planner can use it.
_UNSETTLED = text("phase IN ('planned', 'sent', 'answered')")


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


class Word(StrEnum):
    """The person's word on which a removal leaves, where there is one; see sync/brake.py."""

    ALLOWED = "allowed"  # the brake stopped it, or would have
    STILL_ALLOWED = "still allowed"  # it was allowed before, and refused
    ORDERED = "ordered"  # it takes back what an undo names


@dataclass(frozen=True, kw_only=True)
class PlannedWrite:
    """One write to `side`. `source_id` is the record's id on the other side, `target_id` its id on `side` if known and
    `target_version` the version it must still have; items of a batch share `batch_key` and have their own `bid`, both
    given by `leave`; `intended` are the canonical values in JSON form, and `before` those an update replaces, so that
    it can be taken back; `word` is on whose word a removal goes."""

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
    target_version: str | None = None
    batch_key: str | None = None
    bid: str | None = None
    generation: int = 0
    intended: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    word: Word | None = None


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


_BEFORE = "~before"  # no field's name: the former values stand in the column of the intended ones
WORD = "~word"  # and so does the word
_STAMPS = {Phase.SENT: "sent_at", Phase.ANSWERED: "answered_at", Phase.BOUND: "bound_at"}


def insert_planned(conn: Connection, rows: Sequence[PlannedWrite], now: datetime | None = None) -> list[int]:
    """Insert rows in phase planned and return their ids in the order given.

    A second open row with the same key, or a second open creation of the same record, raises `IntegrityError`.
    """
    if not rows:
        return []
    returning = insert(_journal).returning(_journal.c.id, sort_by_parameter_order=True)
    return list(conn.scalars(returning, [_stored_form(row, now or utcnow()) for row in rows]))


def _stored_form(row: PlannedWrite, now: datetime) -> dict[str, Any]:
    fields = {k: v for k, v in vars(row).items() if k not in ("before", "word")}
    beside = {_BEFORE: dict(row.before), WORD: row.word and row.word.value}
    return {
        **fields,
        "intended": {**row.intended, **{name: told for name, told in beside.items() if told}},
        "side": row.side.value,
        "operation": row.operation.value,
        "body_hash": body_hash(row.body),
        "phase": Phase.PLANNED.value,
        "planned_at": now,
    }


def body_hash(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def mark(conn: Connection, company: str, ids: Iterable[int], phase: Phase, now: datetime | None = None) -> int:
    """Move rows to `phase` and stamp its time; returns how many moved. Closed rows stay as they are."""
    values: dict[str, Any] = {"phase": phase.value}
    if phase in _STAMPS:
        values[_STAMPS[phase]] = now or utcnow()
    statement = update(_journal).where(_open(company), among(_journal.c.id, ids))
    return conn.execute(statement.values(values)).rowcount


def leave(
    conn: Connection, company: str, slots: Mapping[int, tuple[str | None, str | None]], now: datetime | None = None
) -> int:
    """Move rows to sent and note how each travels: (batch key, bId), or (None, None) alone; returns how many moved."""
    ids = literal(list(slots), ARRAY(BigInteger))
    batch_keys, bids = (literal([slot[n] for slot in slots.values()], ARRAY(Text())) for n in (0, 1))
    columns = column("id", BigInteger), column("batch_key", Text), column("bid", Text)
    given = func.unnest(ids, batch_keys, bids).table_valued(*columns).render_derived("given")
    values = {"batch_key": given.c.batch_key, "bid": given.c.bid}
    return _update_from(conn, company, given, {**values, "phase": Phase.SENT.value, "sent_at": now or utcnow()})


def store_answers(conn: Connection, company: str, answers: Mapping[int, bytes], now: datetime | None = None) -> int:
    """Keep the raw answers and move their rows to answered; returns how many."""
    given = _pairs("answer", answers, LargeBinary())
    answered = {"answer": given.c.answer, "phase": Phase.ANSWERED.value, "answered_at": now or utcnow()}
    return _update_from(conn, company, given, answered)


def store_answer(conn: Connection, company: str, write_id: int, answer: bytes, now: datetime | None = None) -> None:
    """Keep one raw answer and move its row to answered."""
    store_answers(conn, company, {write_id: answer}, now)


def fail(conn: Connection, company: str, errors: Mapping[int, Any], phase: Phase = Phase.FAILED) -> int:
    """Close rows as failed (or abandoned) with the error as JSON; returns how many."""
    return conn.execute(_failing(company, errors, phase)).rowcount


def abandon_unsent(conn: Connection, company: str, errors: Mapping[int, Any]) -> int:
    """Close rows that never left; returns how many. One that somebody marked as leaving meanwhile stays open: of it
    nobody knows what became."""
    unsent = _journal.c.phase == Phase.PLANNED.value
    return conn.execute(_failing(company, errors, Phase.ABANDONED).where(unsent)).rowcount


def _failing(company: str, errors: Mapping[int, Any], phase: Phase) -> Update:
    given = _pairs("error", {k: dumps(v) for k, v in errors.items()}, Text())
    return _updating(company, given, {"error": cast(given.c.error, JSONB), "phase": phase.value})


def set_target(conn: Connection, company: str, targets: Mapping[int, str]) -> int:
    """Note the id that a creation was given on the written side; returns how many open rows took one."""
    given = _pairs("target_id", targets, Text())
    return _update_from(conn, company, given, {"target_id": given.c.target_id})


def open_rows(conn: Connection, company: str, entity: str | None = None) -> list[Write]:
    """Every row whose outcome is not settled (planned, sent, answered), oldest first."""
    asked = {"company": company} if entity is None else {"company": company, "entity": entity}
    return [_read(row) for row in conn.execute(_open_rows(frozenset(asked)), asked).mappings()]


@cache  # every run asks this of every entity; making the statement costs more than its answer
def _open_rows(given: frozenset[str]) -> Select[Any]:
    mine = [_journal.c[name] == bindparam(name) for name in sorted(given)]
    return select(_journal).where(*mine, _UNSETTLED).order_by(_journal.c.id)


def get_many(conn: Connection, company: str, ids: Iterable[int]) -> dict[int, Write]:
    """Rows by id, whatever their phase; unknown ids are left out."""
    statement = select(_journal).where(_journal.c.company == company, among(_journal.c.id, ids))
    return {row["id"]: _read(row) for row in conn.execute(statement).mappings()}


def of_run(conn: Connection, company: str, run_id: str) -> list[Write]:
    """Everything a run planned, oldest first."""
    statement = select(_journal).where(_journal.c.company == company, _journal.c.run_id == run_id)
    return [_read(row) for row in conn.execute(statement.order_by(_journal.c.id)).mappings()]


def last_generations(
    conn: Connection, company: str, side: Side, entity: str, source_ids: Iterable[str]
) -> dict[str, int]:
    """source id -> the highest generation ever journalled for it on `side`; records never written are left out."""
    statement = (
        select(_journal.c.source_id, func.max(_journal.c.generation))
        .where(
            _journal.c.company == company,
            _journal.c.side == side.value,
            _journal.c.entity == entity,
            among(_journal.c.source_id, source_ids),
        )
        .group_by(_journal.c.source_id)
    )
    return dict(conn.execute(statement).tuples().all())


def _open(company: str) -> ColumnElement[bool]:
    return and_(_journal.c.company == company, _UNSETTLED)


def _pairs(name: str, values: Mapping[int, Any], type_: TypeEngine[Any]) -> TableValuedAlias:
    """id and value as a table of two columns, from two array parameters."""
    ids, items = literal(list(values), ARRAY(BigInteger)), literal(list(values.values()), ARRAY(type_))
    return func.unnest(ids, items).table_valued(column("id", BigInteger), column(name, type_)).render_derived("given")


def _update_from(conn: Connection, company: str, given: TableValuedAlias, values: dict[str, Any]) -> int:
    return conn.execute(_updating(company, given, values)).rowcount


def _updating(company: str, given: TableValuedAlias, values: dict[str, Any]) -> Update:
    return update(_journal).where(_open(company), _journal.c.id == given.c.id).values(values)


def _read(row: Mapping[Any, Any]) -> Write:
    typed = {"side": Side(row["side"]), "operation": Operation(row["operation"]), "phase": Phase(row["phase"])}
    stored = row["intended"]
    intended = {k: v for k, v in stored.items() if k not in (_BEFORE, WORD)}
    word = Word(stored[WORD]) if WORD in stored else None
    return Write(**{**row, **typed, "intended": intended, "before": stored.get(_BEFORE, {}), "word": word})
