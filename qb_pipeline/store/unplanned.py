"""What was read and has not been compared yet, because the run that read it did not come so far.

Invariant: it is counted from what is staged and linked, whatever a run said of itself; a record that has an exception
of its own is told there and not counted a second time.

    count(conn, company, since) -> records seen in a new version at or after `since` (None: ever) and not agreed on
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, select, true, union

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import tables
from qb_pipeline.store.staging_tables import table

_link, _exception, _alias = tables.link, tables.exception, tables.alias


def count(conn: Connection, company: str, since: datetime | None = None) -> int:
    """Linked records count once, however many of their sides have moved."""
    return sum(_linked(conn, company, name, since) + _new(conn, company, name, since) for name in ENTITIES)


def _linked(conn: Connection, company: str, entity: str, since: datetime | None) -> int:
    moved = union(*(_moved(company, side, entity, since) for side in Side)).subquery()
    return conn.scalar(select(func.count()).select_from(moved)) or 0


def _moved(company: str, side: Side, entity: str, since: datetime | None) -> Select[Any]:
    staged = table(side, entity)
    agreed = _link.c.contractor_hash if side is Side.CONTRACTOR else _link.c.quickbooks_hash
    pair = and_(_of_link(company, entity, side), staged.c.content_hash.is_distinct_from(agreed))
    return select(_link.c.id).join(staged, pair).where(_seen(company, side, entity, since))


def _new(conn: Connection, company: str, entity: str, since: datetime | None) -> int:
    found = 0
    for side in Side:
        staged = table(side, entity)
        of_alias = (_alias.c.company == company, _alias.c.entity == entity, _alias.c.side == side.value)
        merged = exists().where(*of_alias, _alias.c.loser_id == staged.c.id)
        live = and_(staged.c.state == State.LIVE.value, staged.c.skip.is_(None))
        left = (_seen(company, side, entity, since), live, ~exists().where(_of_link(company, entity, side)), ~merged)
        found += conn.scalar(select(func.count()).select_from(staged).where(*left)) or 0
    return found


def _of_link(company: str, entity: str, side: Side) -> ColumnElement[bool]:
    native = _link.c.contractor_id if side is Side.CONTRACTOR else _link.c.quickbooks_id
    return and_(_link.c.company == company, _link.c.entity == entity, native == table(side, entity).c.id)


def _seen(company: str, side: Side, entity: str, since: datetime | None) -> ColumnElement[bool]:
    """Seen since then, and no exception says what is the matter with it."""
    staged, e = table(side, entity), _exception.c
    own = and_(e.company == company, e.entity == entity, e.side == side.value, e.record_id == staged.c.id)
    told = exists().where(own, e.state != "resolved")
    lately = staged.c.seen_at >= since if since is not None else true()
    return and_(staged.c.company == company, lately, ~told)
