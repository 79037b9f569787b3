"""What the store forgets in time: handled webhook events, and the bookkeeping of runs long past.

Invariant: nothing that is owed, open or needed to tell one record from another ever goes: no unhandled event, no write
that is not settled, no journal row at all (its generation makes the next key), no link, alias, exception or deed in the
log. What goes is counted.

    tidy(engine, Keep(…), now) -> {"events": 120, "runs": 3, …}      once a day at most, whoever asks
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, delete, func, or_, select, update

from qb_pipeline.entities.spec import Side
from qb_pipeline.settings import Settings
from qb_pipeline.store import cursors, inbox_counts, tables
from qb_pipeline.store.engine import among, utcnow
from qb_pipeline.store.inbox import InboxState
from qb_pipeline.store.notices import EVERY

_AT_ONCE = 10_000  # rows in one transaction
_A_FEW = 8
_A_DAY = timedelta(hours=20)  # a little less, so that a nightly job is not put off by its own length
_TIDIED = (EVERY, Side.QUICKBOOKS, "tidied")
_UNKNOWN_LONGER = 6  # events of a realm that may yet be connected are kept so many times longer
_SEEN = ("seen", "skipped")  # lines of the log that say only that something was read


@dataclass(frozen=True)
class Keep:
    """For how long: handled events, events of unknown realms, and the history of runs that `undo` rests on."""

    events: timedelta
    unknown: timedelta
    history: timedelta

    @classmethod
    def chosen(cls, settings: Settings) -> Keep:
        events = timedelta(days=settings.keep_events_days)
        return cls(events, events * _UNKNOWN_LONGER, timedelta(days=settings.keep_history_days))


def tidy(engine: Engine, keep: Keep, now: datetime | None = None) -> dict[str, int]:
    """Remove what is past its time, unless that was done within a day; returns how much of what went."""
    at = now or utcnow()
    with engine.begin() as conn:
        if not _due(conn, at):
            return {}
        inbox_counts.forget(conn)
    gone = Counter(events=_walk(engine, tables.inbox, _past_events(keep, at)))
    gone["log_lines"] = _walk(engine, tables.sync_log, _past_lines(at - keep.history))
    with engine.begin() as conn:
        inbox_counts.note(conn, at)
        gone["runs"] = conn.execute(delete(tables.run).where(_past_runs(at - keep.history))).rowcount
        gone["notices"] = conn.execute(delete(tables.notice).where(_past_notices(at - keep.history))).rowcount
        gone["answers"] = _drop_answers(conn, at - keep.history)
    return dict(gone)


def _due(conn: Connection, now: datetime) -> bool:
    """Whether it is time; of several that ask at once one is told so."""
    if not conn.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended("tidy", 0)))):
        return False
    last = cursors.get(conn, *_TIDIED)
    if last is not None and now - datetime.fromisoformat(last) < _A_DAY:
        return False
    cursors.put(conn, *_TIDIED, now.isoformat(), now)
    return True


@dataclass(frozen=True)
class _Past:
    """Which rows go, and the moment that none of them is younger than."""

    time: ColumnElement[datetime]
    before: datetime
    goes: ColumnElement[bool]


def _walk(engine: Engine, table: Table, past: _Past) -> int:
    """Go over a table from its oldest row on, some thousands in a transaction, and stop at the first young one; a few
    tell whether there is anything to do.

    Ids grow with time, so the walk needs no index but the primary key, and reads little of what stays.
    """
    gone = after = 0
    many = _A_FEW
    while True:
        page = select(table.c.id, past.time < past.before, past.goes)
        with engine.begin() as conn:
            rows: Sequence[Any] = conn.execute(page.where(table.c.id > after).order_by(table.c.id).limit(many)).all()
            # The condition once more: an event may have been taken up since it was read.
            going = and_(among(table.c.id, [row[0] for row in rows if row[2]]), past.goes)
            gone += conn.execute(delete(table).where(going)).rowcount
        if len(rows) < many or not any(old for _, old, _ in rows):
            return gone
        after, many = rows[-1][0], _AT_ONCE


def _past_events(keep: Keep, now: datetime) -> _Past:
    inbox = tables.inbox
    handled = and_(inbox.c.state == InboxState.DONE.value, inbox.c.done_at < now - keep.events)
    ignored = and_(inbox.c.state == InboxState.IGNORED.value, inbox.c.received_at < now - keep.events)
    unknown = and_(inbox.c.state == InboxState.UNKNOWN.value, inbox.c.received_at < now - keep.unknown)
    youngest = now - min(keep.events, keep.unknown)
    return _Past(inbox.c.received_at, youngest, or_(handled, ignored, unknown))


def _past_lines(before: datetime) -> _Past:
    log = tables.sync_log
    return _Past(log.c.at, before, and_(log.c.action.in_(_SEEN), log.c.at < before))


def _past_runs(before: datetime) -> ColumnElement[bool]:
    """Runs that ended and wrote nothing: one that wrote is what its journal rows belong to."""
    run, journal = tables.run, tables.journal
    wrote = select(journal.c.id).where(journal.c.company == run.c.company, journal.c.run_id == run.c.id).exists()
    return and_(run.c.ended_at < before, ~wrote)


def _past_notices(before: datetime) -> ColumnElement[bool]:
    notice = tables.notice
    return and_(notice.c.cleared_at < before, notice.c.sent_at < before)


def _drop_answers(conn: Connection, before: datetime) -> int:
    """The raw answers of writes that were bound; what was meant and what stood there before stay."""
    journal = tables.journal
    old = and_(journal.c.phase == "bound", journal.c.bound_at < before, journal.c.answer.is_not(None))
    return conn.execute(update(journal).where(old).values(answer=None)).rowcount
