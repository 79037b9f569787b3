"""Notices to people: made once per topic, sent once, cleared when the reason is gone.

Invariant: while a notice of a topic is open, no second one of that topic is made: one broken connection is one alarm.

    raise_(conn, company, "alarm", "connection", "QuickBooks refuses us", "…") -> True when it is new
    clear(conn, company, "alarm", "connection") -> True when one was open        unsent(conn) -> [Notice, ...]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from qb_pipeline.store import tables
from qb_pipeline.store.engine import among, utcnow

_notice = tables.notice


@dataclass(frozen=True)
class Notice:
    """What somebody is to be told. `kind` is alarm, all_clear, token or digest."""

    id: int
    company: str
    kind: str
    topic: str
    title: str
    body: str
    created_at: datetime
    sent_at: datetime | None
    cleared_at: datetime | None


def raise_(
    conn: Connection, company: str, kind: str, topic: str, title: str, body: str, now: datetime | None = None
) -> bool:
    """Make a notice unless one of this topic is open."""
    row = {
        "company": company, "kind": kind, "topic": topic, "title": title, "body": body, "created_at": now or utcnow(),
    }  # fmt: skip
    statement = insert(_notice).values(**row)
    quiet = statement.on_conflict_do_nothing(
        index_elements=["company", "kind", "topic"], index_where=_notice.c.cleared_at.is_(None)
    )
    return conn.scalar(quiet.returning(_notice.c.id)) is not None


def clear(conn: Connection, company: str, kind: str, topic: str, now: datetime | None = None) -> bool:
    """The reason is gone; the topic may be raised again later."""
    statement = update(_notice).where(
        _notice.c.company == company,
        _notice.c.kind == kind,
        _notice.c.topic == topic,
        _notice.c.cleared_at.is_(None),
    )
    return conn.execute(statement.values(cleared_at=now or utcnow())).rowcount > 0


def unsent(conn: Connection) -> list[Notice]:
    """What nobody has been told yet, the oldest first."""
    statement = select(_notice).where(_notice.c.sent_at.is_(None)).order_by(_notice.c.id)
    return [_read(row) for row in conn.execute(statement).mappings()]


def sent(conn: Connection, ids: Iterable[int], now: datetime | None = None) -> int:
    """Note that these went out."""
    return conn.execute(update(_notice).where(among(_notice.c.id, ids)).values(sent_at=now or utcnow())).rowcount


def open_(conn: Connection, company: str) -> list[Notice]:
    """Notices whose reason still stands."""
    statement = select(_notice).where(_notice.c.company == company, _notice.c.cleared_at.is_(None))
    return [_read(row) for row in conn.execute(statement.order_by(_notice.c.id)).mappings()]


def _read(row: Mapping[Any, Any]) -> Notice:
    return Notice(**row)
