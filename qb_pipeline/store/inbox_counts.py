"""How many events the inbox keeps, by source and state, at a cost that does not follow their number.

Invariant: what is told equals a count of every row. Old events at rest (handled, ignored, of an unknown realm) were
counted once and noted with the id up to which that holds; only what came later is counted anew. Whoever moves or
removes old events forgets the note first.

    counts(conn) -> {(source, state): events}      note(conn)      forget(conn)      at_rest_upto(conn) -> id
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import cursors, tables
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.notices import EVERY

_inbox = tables.inbox
_NOTE = (EVERY, Side.QUICKBOOKS, "inbox counts")
_AT_REST = ("done", "ignored", "unknown")
_LONGEST_DELIVERY = timedelta(hours=1)  # an id given before may still be on its way to its commit

Counts = dict[tuple[str, str], int]


def counts(conn: Connection) -> Counts:
    """(source, state) -> events kept."""
    noted = _noted(conn)
    found = _counted(conn, after=noted["upto"])
    for source, state, count in noted["counts"]:
        found[source, state] = found.get((source, state), 0) + count
    return found


def at_rest_upto(conn: Connection) -> int:
    """The id up to which no event waits or is taken by a run; nought where nobody has looked yet."""
    return int(_noted(conn)["upto"])


def note(conn: Connection, now: datetime | None = None) -> int:
    """Count what is old and at rest; returns the id up to which that was."""
    _take_turns(conn)
    at = now or utcnow()
    moving = select(func.min(_inbox.c.id)).where(_inbox.c.state.not_in(_AT_REST)).scalar_subquery()
    settled = select(func.max(_inbox.c.id)).where(
        _inbox.c.received_at < at - _LONGEST_DELIVERY, _inbox.c.id < func.coalesce(moving, 2**62)
    )
    upto = conn.scalar(settled) or 0
    counted = [[source, state, count] for (source, state), count in _counted(conn, upto=upto).items()]
    cursors.put(conn, *_NOTE, {"upto": upto, "counts": counted}, at)
    return int(upto)


def forget(conn: Connection) -> None:
    """Have every row counted again until the next note; others that note wait until this transaction ends."""
    _take_turns(conn)
    cursors.put(conn, *_NOTE, {"upto": 0, "counts": []})


def _noted(conn: Connection) -> dict[str, Any]:
    return cursors.get(conn, *_NOTE) or {"upto": 0, "counts": []}


def _counted(conn: Connection, after: int = 0, upto: int = 2**62) -> Counts:
    statement = (
        select(_inbox.c.source, _inbox.c.state, func.count())
        .where(_inbox.c.id > after, _inbox.c.id <= upto)
        .group_by(_inbox.c.source, _inbox.c.state)
    )
    return {(source, state): count for source, state, count in conn.execute(statement)}


def _take_turns(conn: Connection) -> None:
    conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("inbox counts", 0))))
