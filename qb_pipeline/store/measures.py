"""What the store says of a company's well-being, gathered in one look.

Invariant: it only reads, opens no secret, and what is owed is counted from what is stored. Its cost does not grow with
the number of records in agreement, but after a run that failed: then all are looked through for what that run left.

    take(conn, company, month_start) -> Measures
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, and_, cast, column, func, select, text
from sqlalchemy.dialects.postgresql import JSONB

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import exceptions, gaps, inbox, notices, runs, tables, unplanned
from qb_pipeline.store.companies import Company
from qb_pipeline.store.engine import among
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline.store.gaps import Gap
from qb_pipeline.store.inbox import Waiting
from qb_pipeline.store.journal import Operation
from qb_pipeline.store.notices import Notice
from qb_pipeline.store.runs import DRY_RUN, Run, RunStatus

_LOOKED_AT = 50  # runs back, to find the last that was no dry run
_UNDO = "undo "  # the triggers of runs that only take back
_OLDEST = 10  # owed writes and exceptions that are told one by one


@dataclass(frozen=True)
class Lifetimes:
    """When each token stops working."""

    access: datetime
    refresh: datetime


@dataclass(frozen=True)
class OpenWrite:
    """A journal row whose outcome is not settled; `values` are the intended ones in JSON form."""

    side: Side
    entity: str
    operation: Operation
    phase: str
    planned_at: datetime
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Resting:
    """An exception that waits: for a person, for its next attempt, or for good."""

    entity: str
    record_label: str | None
    state: ExceptionState
    code: str
    cause: str
    fix: str
    who: str
    attempts: int
    first_seen: datetime


@dataclass(frozen=True)
class Measures:
    """One company. `cursors` are (side, stream) -> the stored value and when it was moved; `calls` are this month's
    calls to QuickBooks by kind, `app_calls` those of all companies of the same QuickBooks app."""

    company: Company
    tokens: Lifetimes | None = None
    cursors: Mapping[tuple[Side, str], tuple[Any, datetime]] = field(default_factory=dict)
    last_run: Run | None = None
    successes: Mapping[str, datetime] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    app_calls: Mapping[str, int] = field(default_factory=dict)
    open_writes: int = 0
    oldest_writes: Sequence[OpenWrite] = ()
    exceptions: Mapping[ExceptionState, int] = field(default_factory=dict)
    oldest_exceptions: Sequence[Resting] = ()
    parked: int = 0  # records that wait for another one
    unplanned: int = 0  # records that changed and that no run has compared since
    inbox: Waiting | None = None
    current_gap: Gap | None = None
    owed_gaps: Sequence[Gap] = ()
    notices: Sequence[Notice] = ()


def take(conn: Connection, company: Company, month_start: datetime) -> Measures:
    """Everything health rests on; calls are counted from `month_start`."""
    name = company.name
    recent = runs.recent(conn, name, _LOOKED_AT)
    return Measures(
        company=company,
        tokens=lifetimes(conn, name),
        cursors=_cursors(conn, name),
        last_run=next((r for r in recent if r.trigger != DRY_RUN), None),
        successes=_successes(conn, name),
        calls=calls(conn, [name], month_start),
        app_calls=calls(conn, _sharing_app(conn, company), month_start),
        open_writes=_open_writes(conn, name),
        oldest_writes=_oldest_writes(conn, name),
        exceptions=exceptions.counts(conn, name),
        oldest_exceptions=_oldest_exceptions(conn, name),
        parked=_parked(conn, name),
        unplanned=_unplanned(conn, name, recent),
        inbox=inbox.waiting(conn).get(name),
        current_gap=gaps.current(conn, name),
        owed_gaps=gaps.owed(conn, name),
        notices=notices.open_(conn, name),
    )


def lifetimes(conn: Connection, company: str) -> Lifetimes | None:
    """When the tokens stop working, without opening them; None where there are none."""
    token = tables.token
    wanted = select(token.c.access_expires_at, token.c.refresh_expires_at).where(token.c.company == company)
    row = conn.execute(wanted).first()
    return None if row is None else Lifetimes(*row)


def calls(conn: Connection, companies: Sequence[str], since: datetime) -> dict[str, int]:
    """Calls to QuickBooks by kind, of runs that began since then, whether they ended or not: a run puts its calls down
    as it goes, so of one that was killed only the last few are missing."""
    run = tables.run
    told = func.jsonb_each_text(run.c.api_calls["quickbooks"]).table_valued(column("key"), column("value"))
    statement = (
        select(told.c.key, func.sum(cast(told.c.value, Integer)))
        .select_from(run.join(told, run.c.id.is_not(None)))
        .where(among(run.c.company, companies), run.c.started_at >= since)
        .group_by(told.c.key)
    )
    return {kind: int(count) for kind, count in conn.execute(statement)}


def _sharing_app(conn: Connection, company: Company) -> list[str]:
    """The companies that are metered together: those of the same QuickBooks app."""
    known = tables.company
    same = known.c.client_id.is_not_distinct_from(company.client_id)
    return list(conn.scalars(select(known.c.name).where(same)))


def _cursors(conn: Connection, company: str) -> dict[tuple[Side, str], tuple[Any, datetime]]:
    cursor = tables.cursor
    wanted = select(cursor.c.side, cursor.c.stream, cursor.c.value, cursor.c.updated_at)
    rows = conn.execute(wanted.where(cursor.c.company == company))
    return {(Side(side), stream): (value, moved) for side, stream, value, moved in rows}


def _successes(conn: Connection, company: str) -> dict[str, datetime]:
    """What started a run -> when the last one of it that succeeded ended."""
    run = tables.run
    mine = (run.c.company == company, run.c.status == RunStatus.SUCCEEDED.value, run.c.trigger != DRY_RUN)
    statement = select(run.c.trigger, func.max(run.c.ended_at)).where(*mine).group_by(run.c.trigger)
    return dict(conn.execute(statement).tuples().all())


def _open_writes(conn: Connection, company: str) -> int:
    return conn.scalar(select(func.count()).where(_unsettled(company))) or 0


def _oldest_writes(conn: Connection, company: str) -> list[OpenWrite]:
    j = tables.journal
    wanted = select(j.c.side, j.c.entity, j.c.operation, j.c.phase, j.c.planned_at, j.c.intended)
    mine = wanted.where(_unsettled(company))
    return [
        OpenWrite(Side(side), entity, Operation(operation), phase, planned_at, values)
        for side, entity, operation, phase, planned_at, values in conn.execute(mine.order_by(j.c.id).limit(_OLDEST))
    ]


def _unsettled(company: str) -> ColumnElement[bool]:
    # Spelled as in the partial index, so that the planner can use it.
    return and_(tables.journal.c.company == company, text("phase IN ('planned', 'sent', 'answered')"))


def _parked(conn: Connection, company: str) -> int:
    """Records that exceptions hold back; one that waits for several others counts once."""
    e = tables.exception
    holding = (e.c.company == company, e.c.state != ExceptionState.RESOLVED.value, e.c.blocks != cast([], JSONB))
    waiting: Counter[str] = Counter()
    for names in conn.scalars(select(e.c.blocks).where(*holding)):
        waiting |= Counter(map(str, names))
    return waiting.total()


def _unplanned(conn: Connection, company: str, recent: Sequence[Run]) -> int:
    """What runs have left that read and did not come to an end; 0 where the last one did."""
    comparing = [r for r in recent if r.trigger != DRY_RUN and not r.trigger.startswith(_UNDO)]
    if not comparing or comparing[0].status is RunStatus.SUCCEEDED:
        return 0
    since = next((r.ended_at for r in comparing if r.status is RunStatus.SUCCEEDED), None)
    return unplanned.count(conn, company, since)


def _oldest_exceptions(conn: Connection, company: str) -> list[Resting]:
    e = tables.exception
    waiting = [s.value for s in (ExceptionState.OPEN, ExceptionState.RETRYING, ExceptionState.DEAD)]
    wanted = select(
        e.c.entity, e.c.record_label, e.c.state, e.c.code, e.c.cause, e.c.fix, e.c.who, e.c.attempts, e.c.first_seen
    )
    mine = wanted.where(e.c.company == company, e.c.state.in_(waiting)).order_by(e.c.first_seen, e.c.id)
    return [
        Resting(**{**row, "state": ExceptionState(row["state"])})
        for row in conn.execute(mine.limit(_OLDEST)).mappings()
    ]
