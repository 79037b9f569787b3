"""Gaps: the times a company was out of touch, until a backfill has filled them.

Invariant: a company has one current gap at most; a gap is filled only by a run that read both sides over all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from qb_pipeline.store import tables
from qb_pipeline.store.engine import utcnow

_gap = tables.gap


@dataclass(frozen=True)
class Gap:
    """From when to when nothing was heard; `ended_at` None while it lasts, `filled_at` None while it is owed."""

    id: int
    company: str
    began_at: datetime
    ended_at: datetime | None
    reason: str
    filled_at: datetime | None
    run_id: str | None


def begin(conn: Connection, company: str, began_at: datetime, reason: str) -> bool:
    """Note that contact was lost; False when it was lost already (the first moment and reason stand)."""
    statement = insert(_gap).values(company=company, began_at=began_at, reason=reason)
    unended = statement.on_conflict_do_nothing(index_elements=["company"], index_where=_gap.c.ended_at.is_(None))
    return conn.scalar(unended.returning(_gap.c.id)) is not None


def end(conn: Connection, company: str, now: datetime | None = None) -> Gap | None:
    """Contact is back; the gap that ended, None when there was none."""
    statement = update(_gap).where(_gap.c.company == company, _gap.c.ended_at.is_(None))
    row = conn.execute(statement.values(ended_at=now or utcnow()).returning(*_gap.c)).mappings().first()
    return None if row is None else _read(row)


def owed(conn: Connection, company: str) -> list[Gap]:
    """Ended gaps nobody has filled, the oldest first."""
    statement = select(_gap).where(_gap.c.company == company, _gap.c.ended_at.is_not(None), _gap.c.filled_at.is_(None))
    return [_read(row) for row in conn.execute(statement.order_by(_gap.c.id)).mappings()]


def current(conn: Connection, company: str) -> Gap | None:
    """The gap that still lasts."""
    statement = select(_gap).where(_gap.c.company == company, _gap.c.ended_at.is_(None))
    row = conn.execute(statement).mappings().first()
    return None if row is None else _read(row)


def listing(conn: Connection, company: str) -> list[Gap]:
    """Every gap, the latest first."""
    statement = select(_gap).where(_gap.c.company == company).order_by(_gap.c.id.desc())
    return [_read(row) for row in conn.execute(statement).mappings()]


def filled(conn: Connection, company: str, gap_id: int, run_id: str, now: datetime | None = None) -> bool:
    """A run has read both sides over the whole gap; False when it was filled before."""
    statement = update(_gap).where(_gap.c.company == company, _gap.c.id == gap_id, _gap.c.filled_at.is_(None))
    return conn.execute(statement.values(filled_at=now or utcnow(), run_id=run_id)).rowcount == 1


def _read(row: Mapping[Any, Any]) -> Gap:
    return Gap(**row)
