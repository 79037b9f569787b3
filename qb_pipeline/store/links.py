"""Links: which two records are the same thing, and what both sides last agreed on (the base).

Invariant: a native id is linked at most once per company and entity, and base and hashes move together
in one statement, so that no crash leaves a base that belongs to other hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import tables
from qb_pipeline.store.engine import among, utcnow
from qb_pipeline.store.staging_tables import table

_link = tables.link


class LinkState(StrEnum):
    LIVE = "live"
    VOIDED = "voided"
    REMOVED = "removed"


@dataclass(frozen=True)
class Link:
    """One link as stored. `base` is in the JSON form of `entities.values.to_json`, its references are link ids or
    whatever the engine puts there; `*_changed` maps a field to the ISO time of the version it was first seen to
    differ in."""

    id: int
    company: str
    entity: str
    contractor_id: str | None
    quickbooks_id: str | None
    base: Mapping[str, Any]
    contractor_hash: str | None
    quickbooks_hash: str | None
    contractor_changed: Mapping[str, str]
    quickbooks_changed: Mapping[str, str]
    match_class: str | None
    evidence: Any
    state: LinkState
    created_at: datetime
    updated_at: datetime

    def id_on(self, side: Side) -> str | None:
        return self.contractor_id if side is Side.CONTRACTOR else self.quickbooks_id


@dataclass(frozen=True)
class NewLink:
    """A link to create; either native id may be missing while its record is being created."""

    company: str
    entity: str
    contractor_id: str | None
    quickbooks_id: str | None
    base: Mapping[str, Any] = field(default_factory=dict)
    contractor_hash: str | None = None
    quickbooks_hash: str | None = None
    contractor_changed: Mapping[str, str] = field(default_factory=dict)
    quickbooks_changed: Mapping[str, str] = field(default_factory=dict)
    match_class: str | None = None
    evidence: Any = field(default_factory=dict)
    state: LinkState = LinkState.LIVE


@dataclass(frozen=True)
class LinkUpdate:
    """What moves on an existing link; None keeps the stored value. An empty hash ("") has the link planned again."""

    id: int
    base: Mapping[str, Any] | None = None
    contractor_hash: str | None = None
    quickbooks_hash: str | None = None
    contractor_changed: Mapping[str, str] | None = None
    quickbooks_changed: Mapping[str, str] | None = None
    contractor_id: str | None = None
    quickbooks_id: str | None = None
    state: LinkState | None = None


@dataclass(frozen=True)
class NativeIds:
    contractor_id: str | None
    quickbooks_id: str | None

    def on(self, side: Side) -> str | None:
        return self.contractor_id if side is Side.CONTRACTOR else self.quickbooks_id


def create_many(conn: Connection, links: Sequence[NewLink], now: datetime | None = None) -> list[int]:
    """Insert links and return their ids in the order given; a native id linked already raises `IntegrityError`."""
    if not links:
        return []
    at = now or utcnow()
    rows = [{**vars(link), "state": link.state.value, "created_at": at, "updated_at": at} for link in links]
    returning = insert(_link).returning(_link.c.id, sort_by_parameter_order=True)
    return list(conn.scalars(returning, rows))


_MOVES = (
    "base", "contractor_hash", "quickbooks_hash", "contractor_changed", "quickbooks_changed",
    "contractor_id", "quickbooks_id", "state",
)  # fmt: skip


def update_base_many(conn: Connection, company: str, updates: Sequence[LinkUpdate], now: datetime | None = None) -> int:
    """Apply all updates in one statement; returns how many links were changed (ids of other companies are not)."""
    if not updates:
        return 0
    changed = func.jsonb_to_recordset(bindparam("rows", type_=JSONB)).table_valued(
        column("id", BigInteger), *(column(name, _link.c[name].type) for name in _MOVES)
    )
    new = changed.render_derived(name="new", with_types=True)
    moves = {name: func.coalesce(new.c[name], _link.c[name]) for name in _MOVES}
    statement = update(_link).where(_link.c.company == company, _link.c.id == new.c.id)
    rows = [{k: v for k, v in vars(u).items() if v is not None} for u in updates]
    return conn.execute(statement.values(**moves, updated_at=now or utcnow()), {"rows": rows}).rowcount


def get_many(conn: Connection, company: str, ids: Iterable[int]) -> dict[int, Link]:
    """Links by id; unknown ids are left out."""
    wanted = list(ids)
    if not wanted:
        return {}
    statement = select(_link).where(_link.c.company == company, among(_link.c.id, wanted))
    return {row["id"]: _read(row) for row in conn.execute(statement).mappings()}


def find(conn: Connection, company: str, entity: str, side: Side, native_ids: Iterable[str]) -> dict[str, Link]:
    """Links by the native id of their record on `side`; unlinked ids are left out."""
    native = _native(side)
    statement = select(_link).where(_of(company, entity), among(native, native_ids))
    return {row[native.name]: _read(row) for row in conn.execute(statement).mappings()}


def everything(conn: Connection, company: str, entity: str) -> list[Link]:
    """Every link of an entity, whatever its state, in id order."""
    statement = select(_link).where(_of(company, entity)).order_by(_link.c.id)
    return [_read(row) for row in conn.execute(statement).mappings()]


def link_ids(conn: Connection, company: str, entity: str, side: Side, native_ids: Iterable[str]) -> dict[str, int]:
    """native id -> link id, for the ids that are linked."""
    native, wanted = _native(side), list(native_ids)
    if not wanted:
        return {}
    statement = select(native, _link.c.id).where(_of(company, entity), among(native, wanted))
    return dict(conn.execute(statement).tuples().all())


def native_ids(conn: Connection, company: str, entity: str, ids: Iterable[int]) -> dict[int, NativeIds]:
    """link id -> the native ids on both sides."""
    columns, wanted = (_link.c.id, _link.c.contractor_id, _link.c.quickbooks_id), list(ids)
    if not wanted:
        return {}
    statement = select(*columns).where(_of(company, entity), among(_link.c.id, wanted))
    return {link_id: NativeIds(contractor, qbo) for link_id, contractor, qbo in conn.execute(statement).tuples()}


def containing(conn: Connection, company: str, entity: str, fragment: Mapping[str, Any]) -> list[Link]:
    """Links of an entity whose base contains `fragment` (jsonb containment), in id order."""
    statement = select(_link).where(_of(company, entity), _link.c.base.contains(dict(fragment))).order_by(_link.c.id)
    return [_read(row) for row in conn.execute(statement).mappings()]


def gone(conn: Connection, company: str, entity: str, side: Side) -> list[Link]:
    """Live links whose record on `side` is staged as deleted."""
    return [_read(row) for row in conn.execute(_gone(side, entity), {"company": company}).mappings()]


@cache  # every run asks this of every entity; making the statement costs more than its answer
def _gone(side: Side, entity: str) -> Select[Any]:
    staged, mine = table(side, entity), bindparam("company", type_=_link.c.company.type)
    same_record = and_(staged.c.company == mine, staged.c.id == _native(side))
    live = and_(_link.c.company == mine, _link.c.entity == entity, _link.c.state == LinkState.LIVE.value)
    dead = staged.c.state == State.DELETED.value
    return select(_link).join(staged, same_record).where(live, dead).order_by(_link.c.id)


def some_alive(conn: Connection, company: str, entity: str, side: Side, most: int) -> list[str]:
    """The native ids of the oldest live links whose record on `side` is staged as alive."""
    staged, native = table(side, entity), _native(side)
    alive = and_(staged.c.company == company, staged.c.id == native, staged.c.state == State.LIVE.value)
    live = and_(_of(company, entity), _link.c.state == LinkState.LIVE.value)
    return list(conn.scalars(select(native).join(staged, alive).where(live).order_by(_link.c.id).limit(most)))


def entities_of(conn: Connection, company: str, contractor_id: str, quickbooks_id: str) -> set[str]:
    """The entities in which these two native ids are linked with each other."""
    statement = select(_link.c.entity).where(
        _link.c.company == company, _link.c.contractor_id == contractor_id, _link.c.quickbooks_id == quickbooks_id
    )
    return set(conn.scalars(statement))


def count_containing(conn: Connection, company: str, entity: str, fragment: Mapping[str, Any]) -> int:
    """How many links of an entity have a base that contains `fragment` (jsonb containment)."""
    statement = select(func.count()).where(_of(company, entity), _link.c.base.contains(dict(fragment)))
    return int(conn.scalar(statement) or 0)


def remove(conn: Connection, company: str, ids: Iterable[int]) -> int:
    """Forget links altogether (a person said the pair was wrong); returns how many."""
    return conn.execute(delete(_link).where(_link.c.company == company, among(_link.c.id, ids))).rowcount


def _native(side: Side) -> Column[str]:
    return _link.c.contractor_id if side is Side.CONTRACTOR else _link.c.quickbooks_id


def _of(company: str, entity: str) -> ColumnElement[bool]:
    return and_(_link.c.company == company, _link.c.entity == entity)


def _read(row: Mapping[Any, Any]) -> Link:
    return Link(**{**row, "state": LinkState(row["state"])})
