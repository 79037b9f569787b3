"""Notices to people: made once per topic, sent once, cleared when the reason is gone.

Invariant: while a notice of a topic is open, no second one of that topic is made: one broken connection is one alarm.

    raise_(conn, company, "alarm", "connection", "QuickBooks refuses us", "…") -> True when it is new
    clear(conn, company, "alarm", "connection") -> True when one was open        unsent(conn) -> [Notice, ...]

A notice of a company stands under its name; one of the whole installation under `EVERY`.
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
EVERY = "*"  # no company's name: what concerns all of them
ALARM, ALL_CLEAR, TOKEN, QUOTA, FAILURE, DIGEST = "alarm", "all_clear", "token", "quota", "failure", "digest"
UNDELIVERED = "undelivered"  # a failed attempt to send: shown, never sent itself


@dataclass(frozen=True)
class Notice:
    """What somebody is to be told. `kind` is alarm, all_clear, token, quota, failure, digest or undelivered."""

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


def open_of_kind(conn: Connection, kind: str) -> list[Notice]:
    """Notices of a kind whose reason still stands, of every company."""
    statement = select(_notice).where(_notice.c.kind == kind, _notice.c.cleared_at.is_(None))
    return [_read(row) for row in conn.execute(statement.order_by(_notice.c.id)).mappings()]


def clear_kind(conn: Connection, company: str, kind: str, now: datetime | None = None) -> int:
    """The reasons of all notices of a kind are gone; returns how many there were."""
    statement = update(_notice).where(
        _notice.c.company == company, _notice.c.kind == kind, _notice.c.cleared_at.is_(None)
    )
    return conn.execute(statement.values(cleared_at=now or utcnow())).rowcount


def latest(conn: Connection, company: str, kind: str) -> Notice | None:
    """The notice of a kind that was made last, whatever became of it."""
    statement = select(_notice).where(_notice.c.company == company, _notice.c.kind == kind)
    row = conn.execute(statement.order_by(_notice.c.id.desc()).limit(1)).mappings().first()
    return None if row is None else _read(row)


def recent(conn: Connection, company: str | None = None, limit: int = 50) -> list[Notice]:
    """The latest notices, newest first; of all companies where none is named."""
    statement = select(_notice).order_by(_notice.c.id.desc()).limit(limit)
    if company is not None:
        statement = statement.where(among(_notice.c.company, [company, EVERY]))
    return [_read(row) for row in conn.execute(statement).mappings()]


def _read(row: Mapping[Any, Any]) -> Notice:
    return Notice(**row)
