"""The work list: which links and records have to be planned.

Invariant: whatever changed since both sides last agreed, is not linked yet, or is due for another attempt is in the
list; when nothing changed the list is empty and no record's payload was read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, and_, bindparam, or_, select, union

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import links, tables
from qb_pipeline.store.engine import among, utcnow
from qb_pipeline.store.links import Link
from qb_pipeline.store.staged import Staged, from_row
from qb_pipeline.store.staging_tables import table

_link = tables.link
_exception = tables.exception
_alias = tables.alias
_COMPANY = bindparam("company", type_=_link.c.company.type)


@dataclass(frozen=True)
class Work:
    """What has to be planned: a link (None: not linked yet) and what each side shows (None: nothing staged)."""

    link: Link | None
    contractor: Staged | None
    quickbooks: Staged | None

    def on(self, side: Side) -> Staged | None:
        return self.contractor if side is Side.CONTRACTOR else self.quickbooks


def dirty(conn: Connection, company: str, entity: str, now: datetime | None = None) -> list[Work]:
    """The work list for planning.

    Rows of either side without a link (not deleted, not skipped), live links with only one id, links whose staged
    hash differs from the link's, and links with an exception due for retry at `now`. Linked work first, by link id;
    then what is not linked, the contractor's first, by id.
    """
    ids = conn.scalars(_dirty_links(entity), {"company": company, "now": now or utcnow()})
    linked = of_links(conn, company, entity, ids)
    contractor = [Work(None, staged, None) for staged in unlinked(conn, company, Side.CONTRACTOR, entity)]
    quickbooks = [Work(None, None, staged) for staged in unlinked(conn, company, Side.QUICKBOOKS, entity)]
    return linked + contractor + quickbooks


def of_links(conn: Connection, company: str, entity: str, ids: Iterable[int]) -> list[Work]:
    """Links with what each side shows, by link id, whether dirty or not."""
    found = links.get_many(conn, company, ids)
    ordered = [found[link_id] for link_id in sorted(found)]
    contractor = _staged(conn, company, Side.CONTRACTOR, entity, ordered)
    quickbooks = _staged(conn, company, Side.QUICKBOOKS, entity, ordered)
    return [Work(x, contractor.get(x.contractor_id or ""), quickbooks.get(x.quickbooks_id or "")) for x in ordered]


def unlinked(conn: Connection, company: str, side: Side, entity: str) -> list[Staged]:
    """Rows with no link that are to be synchronised (not deleted, not skipped, not another's alias), by id."""
    rows = conn.execute(_unlinked_rows(side, entity), {"company": company}).mappings()
    return [from_row(side, entity, row) for row in rows]


def as_agreed(conn: Connection, company: str, side: Side, entity: str, ids: Iterable[str]) -> dict[str, int]:
    """Of these records of `side`, with their links' ids, those that both sides show as when they last agreed: nothing
    is owed for them."""
    contractor, quickbooks = table(Side.CONTRACTOR, entity), table(Side.QUICKBOOKS, entity)
    statement = (
        select(_native(side), _link.c.id)
        .join(contractor, and_(contractor.c.company == _link.c.company, contractor.c.id == _link.c.contractor_id))
        .join(quickbooks, and_(quickbooks.c.company == _link.c.company, quickbooks.c.id == _link.c.quickbooks_id))
        .where(
            _link.c.company == company,
            _link.c.entity == entity,
            among(_native(side), ids),
            contractor.c.content_hash == _link.c.contractor_hash,
            quickbooks.c.content_hash == _link.c.quickbooks_hash,
        )
    )
    return dict(conn.execute(statement).tuples().all())


# Every run asks these of every entity, mostly to hear "nothing": making the statement costs more than its answer.
@cache
def _unlinked_rows(side: Side, entity: str) -> Select[Any]:
    staged = table(side, entity)
    merged = select(_alias.c.loser_id).where(
        _alias.c.company == _COMPANY,
        _alias.c.entity == entity,
        _alias.c.side == side.value,
        _alias.c.loser_id == staged.c.id,
    )
    linked = select(_link.c.id).where(_mine(entity), _native(side) == staged.c.id)
    statement = select(staged).where(
        staged.c.company == _COMPANY,
        staged.c.state != State.DELETED.value,
        staged.c.skip.is_(None),
        ~linked.exists(),
        ~merged.exists(),
    )
    return statement.order_by(staged.c.id)


@cache
def _dirty_links(entity: str) -> CompoundSelect[Any]:
    return union(*(_changed(entity, side) for side in Side), _half(entity), *(_due(entity, side) for side in Side))


def _staged(conn: Connection, company: str, side: Side, entity: str, linked: list[Link]) -> dict[str, Staged]:
    ids = [x.id_on(side) for x in linked if x.id_on(side)]
    staged = table(side, entity)
    statement = select(staged).where(staged.c.company == company, among(staged.c.id, ids))
    return {row["id"]: from_row(side, entity, row) for row in conn.execute(statement).mappings()} if ids else {}


def _changed(entity: str, side: Side) -> Select[Any]:
    staged = table(side, entity)
    hashed = _link.c.contractor_hash if side is Side.CONTRACTOR else _link.c.quickbooks_hash
    same_record = and_(staged.c.company == _COMPANY, staged.c.id == _native(side))
    return (
        select(_link.c.id)
        .join(staged, same_record)
        .where(_mine(entity), staged.c.content_hash.is_distinct_from(hashed))
    )


def _half(entity: str) -> Select[Any]:
    one_sided = or_(_link.c.contractor_id.is_(None), _link.c.quickbooks_id.is_(None))
    return select(_link.c.id).where(_mine(entity), _link.c.state == links.LinkState.LIVE.value, one_sided)


def _due(entity: str, side: Side) -> Select[Any]:
    same_record = and_(_mine(entity), _native(side) == _exception.c.record_id)
    return (
        select(_link.c.id)
        .join_from(_exception, _link, same_record)
        .where(
            _exception.c.company == _COMPANY,
            _exception.c.entity == entity,
            _exception.c.side == side.value,
            _exception.c.state.in_(["open", "retrying"]),
            _exception.c.next_attempt_at <= bindparam("now"),
        )
    )


def _mine(entity: str) -> ColumnElement[bool]:
    return and_(_link.c.company == _COMPANY, _link.c.entity == entity)


def _native(side: Side) -> ColumnElement[Any]:
    return _link.c.contractor_id if side is Side.CONTRACTOR else _link.c.quickbooks_id
