"""Webhook events that tell what is known: most of them our own writes, coming back.

Invariant: an event is let go without a run only where its record is staged as it was at the event or later, and both
sides agree on what is staged. A time of change that lay in the future when it was seen, further than clocks differ,
says nothing of what came later: the events of such a record are always looked at. A system that counts in whole seconds
may hide an edit made in the second of our own write; the next sweep finds it, as it finds everything that no webhook
tells.

    let_go(conn) -> how many events need no run
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Update, and_, exists, func, or_, select, update

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import staging, tables
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.inbox import InboxState
from qb_pipeline.sync.reading.objects import sharing
from qb_pipeline.sync.reading.positions import OVERLAP

ECHO = "echo"  # what stands in place of the run that looked
_TOLD = ("create", "created", "update", "updated")  # a removal or a merge is always looked at
_inbox, _link = tables.inbox, tables.link
_waits = and_(
    _inbox.c.state == InboxState.NEW.value, _inbox.c.company.is_not(None), func.lower(_inbox.c.operation).in_(_TOLD)
)


def let_go(conn: Connection, now: datetime | None = None) -> int:
    """Mark as done what needs no look; cheap where nothing waits."""
    kinds = conn.execute(select(_inbox.c.source, _inbox.c.subject).where(_waits).distinct()).tuples().all()
    return sum(conn.execute(_settled(source, subject, now or utcnow())).rowcount for source, subject in kinds)


def _settled(source: str, subject: str, now: datetime) -> Update:
    same_kind = and_(_inbox.c.source == source, _inbox.c.subject == subject)
    statement = update(_inbox).where(_waits, same_kind, _known(Side(source), subject))
    return statement.values(state=InboxState.DONE.value, run_id=ECHO, done_at=now)


def _known(side: Side, subject: str) -> ColumnElement[bool]:
    """Whether some entity's staging holds the event's record, as new as the event and agreed on."""
    names = [e.name for e in sharing(subject)] if side is Side.QUICKBOOKS else [n for n in ENTITIES if n == subject]
    return or_(False, *(_agreed(side, name) for name in names))


def _agreed(side: Side, entity: str) -> ColumnElement[bool]:
    staged = staging.table(side, entity)
    own_id = _link.c.contractor_id if side is Side.CONTRACTOR else _link.c.quickbooks_id
    own_hash = _link.c.contractor_hash if side is Side.CONTRACTOR else _link.c.quickbooks_hash
    return exists().where(
        staged.c.company == _inbox.c.company,
        staged.c.id == _inbox.c.record_id,
        staged.c.updated_at >= _inbox.c.occurred_at,
        staged.c.updated_at <= staged.c.seen_at + OVERLAP,
        staged.c.missing_since.is_(None),
        _link.c.company == _inbox.c.company,
        _link.c.entity == entity,
        own_id == staged.c.id,
        own_hash == staged.c.content_hash,
        _link.c.contractor_id.is_not(None),
        _link.c.quickbooks_id.is_not(None),
    )
