"""The log of what was done to which record, for people.

Invariant: append only; nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import tables
from qb_pipeline.store.engine import utcnow

_log = tables.sync_log


@dataclass(frozen=True)
class Entry:
    """One line: `action` in words (created, updated, voided, linked, parked …) on `side`; `detail` is JSON."""

    entity: str
    side: Side
    action: str
    record_id: str | None = None
    record_label: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    run_id: str | None = None


@dataclass(frozen=True)
class Logged(Entry):
    """An entry as stored."""

    id: int = 0
    company: str = ""
    at: datetime | None = None


def append(conn: Connection, company: str, entries: Sequence[Entry], now: datetime | None = None) -> None:
    """Add entries in one statement."""
    if not entries:
        return
    at = now or utcnow()
    rows = [
        {
            "company": company,
            "run_id": e.run_id,
            "at": at,
            "entity": e.entity,
            "side": e.side.value,
            "record_id": e.record_id,
            "record_label": e.record_label,
            "action": e.action,
            "detail": dict(e.detail),
        }
        for e in entries
    ]
    conn.execute(insert(_log), rows)


def recent(
    conn: Connection,
    company: str,
    *,
    limit: int = 100,
    entity: str | None = None,
    record_id: str | None = None,
    run_id: str | None = None,
) -> list[Logged]:
    """The latest entries, newest first, narrowed by what is given."""
    statement = select(_log).where(_log.c.company == company)
    for column, wanted in ((_log.c.entity, entity), (_log.c.record_id, record_id), (_log.c.run_id, run_id)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    rows = conn.execute(statement.order_by(_log.c.id.desc()).limit(limit)).mappings()
    return [Logged(**{**row, "side": Side(row["side"])}) for row in rows]
