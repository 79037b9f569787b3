"""Webhook events that came in: hints that something changed, kept until a run has looked.

Invariant: an event is stored once, whatever number of times it is delivered, and leaves the inbox only when a run that
took it has looked: one that fails gives it back, and what a killed one held is found. Events of unknown realms and of
things we do not synchronise are kept and counted too.

    store(conn, events) -> how many were new        waiting(conn) -> {company: Waiting(first, last, count)}
    take(conn, company, first, last, run_id)         done(conn, company, run_id)        release(conn, company, run_id)
    release_dead(conn) -> how many events wait again
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, and_, bindparam, column, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert

from qb_pipeline.store import runs, tables
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.inbox_counts import at_rest_upto, counts, forget
from qb_pipeline.store.locks import company_busy
from qb_pipeline.store.runs import RunStatus

__all__ = [
    "Event", "InboxState", "Stored", "Waiting", "adopt", "counts", "done", "hold_realm", "release",
    "release_abandoned", "release_dead", "store", "take", "waiting",
]  # fmt: skip

_inbox = tables.inbox


class InboxState(StrEnum):
    NEW = "new"
    TAKEN = "taken"  # a run is looking
    DONE = "done"
    UNKNOWN = "unknown"  # of a realm nobody here is connected to
    IGNORED = "ignored"  # of something we do not synchronise


@dataclass(frozen=True)
class Event:
    """One hint. `source` is contractor or quickbooks, `subject` the entity's name at the source, `dedupe_key` what
    makes a delivery the same as an earlier one; `detail` holds what more was said (the loser of a merge)."""

    source: str
    subject: str
    record_id: str
    operation: str
    dedupe_key: str
    occurred_at: datetime | None = None
    company: str | None = None
    realm_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    state: InboxState = InboxState.NEW


@dataclass(frozen=True)
class Stored(Event):
    """An event as stored."""

    id: int = 0
    received_at: datetime | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class Waiting:
    """What a company's inbox holds for the next run: the range of ids, how many, since when."""

    first: int
    last: int
    count: int
    since: datetime


def store(conn: Connection, events: Sequence[Event], now: datetime | None = None) -> int:
    """Keep what is new; returns how many were (the rest were repeats)."""
    if not events:
        return 0
    at = now or utcnow()
    rows = [_row(event, at) for event in events]
    # Two processes that were given the same events in different orders would wait for each other; sorted, events would
    # lose the order in which they came, and with it which of two merges is the later one.
    conn.execute(_TAKE_TURNS)
    return conn.execute(_STORE, {"rows": rows}, execution_options={"preserve_rowcount": True}).rowcount


def waiting(conn: Connection) -> dict[str, Waiting]:
    """Per company what no run has taken yet."""
    statement = (
        select(
            _inbox.c.company,
            func.min(_inbox.c.id),
            func.max(_inbox.c.id),
            func.count(),
            func.min(_inbox.c.received_at),
        )
        .where(_inbox.c.state == InboxState.NEW.value, _inbox.c.company.is_not(None))
        .group_by(_inbox.c.company)
    )
    return {company: Waiting(*rest) for company, *rest in conn.execute(statement)}


def take(conn: Connection, company: str, first: int, last: int, run_id: str) -> list[Stored]:
    """Give the new events of a range to a run, oldest first, and again what it took before: a step that is tried again
    has forgotten what it was given."""
    new = and_(_inbox.c.state == InboxState.NEW.value, _inbox.c.id.between(first, last))
    own = and_(_inbox.c.state == InboxState.TAKEN.value, _inbox.c.run_id == run_id)
    statement = (
        update(_inbox)
        .where(_inbox.c.company == company, or_(new, own))
        .values(state=InboxState.TAKEN.value, run_id=run_id)
        .returning(*_inbox.c)
    )
    return sorted((_read(row) for row in conn.execute(statement).mappings()), key=lambda e: e.id)


def done(conn: Connection, company: str, run_id: str, now: datetime | None = None) -> int:
    """The run has looked at everything it took; returns how many events that were."""
    return _close(conn, company, run_id, state=InboxState.DONE.value, done_at=now or utcnow())


def release(conn: Connection, company: str, run_id: str) -> int:
    """The run ended before it had looked: its events wait for the next one."""
    return _close(conn, company, run_id, state=InboxState.NEW.value, run_id=None)


def release_abandoned(conn: Connection, company: str, alive: str) -> int:
    """What other runs took and never finished waits again; only the run `alive`, which holds the company, goes on."""
    statement = update(_inbox).where(
        _inbox.c.id > at_rest_upto(conn),
        _inbox.c.company == company,
        _inbox.c.state == InboxState.TAKEN.value,
        _inbox.c.run_id != alive,
    )
    return conn.execute(statement.values(state=InboxState.NEW.value, run_id=None)).rowcount


def release_dead(conn: Connection) -> int:
    """What runs took that are not alive any more waits again; returns how many events that were."""
    statement = (
        select(_inbox.c.company, _inbox.c.run_id)
        .where(_inbox.c.id > at_rest_upto(conn), _inbox.c.state == InboxState.TAKEN.value)
        .distinct()
    )
    takers = conn.execute(statement).tuples().all()
    return sum(release(conn, company, run_id) for company, run_id in takers if not _alive(conn, company, run_id))


def adopt(conn: Connection, company: str, realm_id: str) -> int:
    """Events that came for a realm before it was connected wait for its company now."""
    hold_realm(conn, realm_id)
    forget(conn)
    statement = update(_inbox).where(_inbox.c.realm_id == realm_id, _inbox.c.state == InboxState.UNKNOWN.value)
    return conn.execute(statement.values(company=company, state=InboxState.NEW.value)).rowcount


def hold_realm(conn: Connection, realm_id: str) -> None:
    """Until this transaction ends, whoever keeps events of an unknown realm and whoever adopts them take turns: else
    one could miss the company, and the other the events."""
    conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"realm:{realm_id}", 0))))


def _alive(conn: Connection, company: str, run_id: str) -> bool:
    """A run holds its company's lock from before its row stands to after its row is closed: it lives only as the
    company's latest run, unclosed, while somebody holds the lock."""
    latest = next(iter(runs.recent(conn, company, 1)), None)
    if latest is None or latest.id != run_id or latest.status is not RunStatus.RUNNING:
        return False
    return company_busy(conn, company)


def _row(event: Event, at: datetime) -> dict[str, Any]:
    occurred = event.occurred_at and event.occurred_at.isoformat()
    return {**vars(event), "state": event.state.value, "occurred_at": occurred, "received_at": at.isoformat()}


def _store_statement() -> Insert:
    """All rows as one parameter: a delivery of a megabyte holds ten thousand events, and its sender waits three
    seconds."""
    names = [f.name for f in fields(Event)] + ["received_at"]
    columns = [column(name, _inbox.c[name].type) for name in names]
    rows = func.jsonb_to_recordset(bindparam("rows", type_=JSONB)).table_valued(*columns)
    statement = insert(_inbox).from_select(names, select(rows.render_derived(with_types=True)))
    return statement.on_conflict_do_nothing(index_elements=["source", "dedupe_key"])


_STORE = _store_statement()
_TAKE_TURNS = select(func.pg_advisory_xact_lock(func.hashtextextended("inbox events", 0)))


def _close(conn: Connection, company: str, taken_by: str, **values: Any) -> int:
    statement = update(_inbox).where(
        _inbox.c.company == company, _inbox.c.run_id == taken_by, _inbox.c.state == InboxState.TAKEN.value
    )
    return conn.execute(statement.values(**values)).rowcount


def _read(row: Mapping[Any, Any]) -> Stored:
    values = {k: v for k, v in row.items() if k != "done_at"}
    return Stored(**{**values, "state": InboxState(values["state"])})
