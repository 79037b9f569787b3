"""Staging: the latest observation of every record on each side, in typed columns derived from the entity specs.

Invariant: a row is the newest observation seen, or a later one that is known to be current (a read by id); an older one
that says otherwise overwrites nothing and is named, so that it can be looked into. A time that lay in the future when
it was seen orders nothing. A row that did not change is not written. Staging is a cache of observations that can be
read again from either system, so its tables are not migrated by Alembic: missing tables and columns are added when the
program starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from psycopg import sql
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.schema import CreateTable

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store.engine import among, utcnow
from qb_pipeline.store.staged import Staged, deleted_hash, from_row, record_hash, to_row
from qb_pipeline.store.staging_tables import FIXED, column_of, ensure_staging, table
from qb_pipeline.store.worklist import Work, dirty, unlinked

__all__ = [
    "MergeCount", "Staged", "Work", "dirty", "ensure_staging", "fetch", "fetch_all", "holding", "mark_deleted", "merge",
    "note_missing", "record_hash", "table", "unlinked",
]  # fmt: skip

_COMPARED = ("content_hash", "version", "state", "skip", "frozen", "updated_at")  # what makes an observation another
_TOO_EARLY = timedelta(hours=1)  # no clock is as wrong as that: such a time of change is an error, and orders nothing


@dataclass(frozen=True)
class MergeCount:
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0  # including observations older than what is stored, and duplicates within the batch
    doubted: tuple[str, ...] = field(default=(), compare=False)  # ids of the older ones that say something else

    def __add__(self, other: MergeCount) -> MergeCount:
        return MergeCount(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.doubted + other.doubted,
        )


def merge(
    conn: Connection,
    company: str,
    side: Side,
    entity: str,
    records: Iterable[Record],
    now: datetime | None = None,
    *,
    current: bool = False,
) -> MergeCount:
    """Store observations; the newest of each id wins (by time, then by numeric version). `current` ones were read by
    their ids just now and win whatever their times say.

    A tombstone keeps the last known values beside its state. Needs a transaction, which the caller commits.
    """
    newest: dict[str, Record] = {}
    given = 0
    for record in records:
        given += 1
        held = newest.get(record.id)
        if held is None or _age(record) >= _age(held):
            newest[record.id] = record
    rows = _news(conn, company, side, entity, [to_row(company, record, now or utcnow()) for record in newest.values()])
    if not rows:
        return MergeCount(unchanged=given)
    incoming = _copy_in(conn, side, entity, rows)
    written = dict(conn.execute(_upsert(table(side, entity), incoming, current=current)).tuples().all())
    conn.exec_driver_sql(f"DROP TABLE {incoming.name}")
    inserted = sum(written.values())
    doubted = tuple(row["id"] for row in rows if row["id"] not in written)
    return MergeCount(inserted, len(written) - inserted, given - len(written), doubted)


def _age(record: Record) -> tuple[datetime, int]:
    return record.updated_at, int(record.version) if record.version.isdecimal() else 0


def _news(
    conn: Connection, company: str, side: Side, entity: str, rows: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The rows that say anything new: most of what is read again in an overlap is stored already, word for word."""
    if not rows:
        return []
    target = table(side, entity)
    columns = [target.c[name] for name in (*_COMPARED, "missing_since")]
    statement = select(target.c.id, *columns).where(
        target.c.company == company, among(target.c.id, [row["id"] for row in rows])
    )
    known = {record_id: tuple(said) for record_id, *said in conn.execute(statement).tuples()}
    return [row for row in rows if known.get(row["id"]) != (*(row[name] for name in _COMPARED), None)]


def _copy_in(conn: Connection, side: Side, entity: str, rows: Iterable[Mapping[str, Any]]) -> Table:
    """The rows in a temporary table of this transaction."""
    incoming, create = _incoming(side, entity)
    conn.exec_driver_sql(create)
    names = [c.name for c in incoming.columns]
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(incoming.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    driver: Any = conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(command) as copy:
        for row in rows:
            copy.write_row([row[name] for name in names])
    return incoming


@cache
def _incoming(side: Side, entity: str) -> tuple[Table, str]:
    """The temporary table beside a staging table, and the statement that makes it: both cost more than they do."""
    columns = [c._copy() for c in table(side, entity).columns]  # there is no public way to copy columns alone
    name = f"incoming_{side.value}_{entity}"
    incoming = Table(name, MetaData(), *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")
    return incoming, str(CreateTable(incoming).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves dialects untyped


def _upsert(target: Table, incoming: Table, *, current: bool) -> Any:
    """One statement that inserts and overwrites; it returns for each row written its id and whether it is new."""
    statement = insert(target).from_select([c.name for c in target.columns], select(incoming))
    new = statement.excluded
    gone = new.state == State.DELETED.value
    fields = {
        c.name: case((gone, func.coalesce(new[c.name], c)), else_=new[c.name])
        for c in target.columns
        if c.name not in FIXED
    }
    fixed = {name: new[name] for name in FIXED - {"company", "id", "raw", "absent"}}
    kept = {
        "raw": case((gone, target.c.raw.concat(new.raw)), else_=new.raw),
        "absent": case((gone, target.c.absent), else_=new.absent),
    }
    return statement.on_conflict_do_update(
        index_elements=["company", "id"],
        set_={**fixed, **fields, **kept},
        where=_differs(target, new) if current else and_(_wins(target, new), _differs(target, new)),
    ).returning(target.c.id, literal_column("xmax = 0"))  # a row just inserted has no deleting transaction


def _wins(target: Table, new: Any) -> ColumnElement[bool]:
    """Whether an observation out of a list overwrites. What is deleted rises again only by a later time, or by a read
    of its id: lists may lag behind a removal."""
    rises = and_(target.c.state == State.DELETED.value, new.state != State.DELETED.value)
    in_order = or_(_not_older(target, new), target.c.updated_at > target.c.seen_at + _TOO_EARLY)
    return case((rises, new.updated_at > target.c.updated_at), else_=in_order)


def _not_older(target: Table, new: Any) -> ColumnElement[bool]:
    digits = "^[0-9]{1,18}$"
    numeric = and_(new.version.regexp_match(digits), target.c.version.regexp_match(digits))
    not_lower = case((numeric, cast(new.version, BigInteger) >= cast(target.c.version, BigInteger)), else_=True)
    return or_(
        new.updated_at > target.c.updated_at,
        and_(new.updated_at == target.c.updated_at, not_lower),
    )


def _differs(target: Table, new: Any) -> ColumnElement[bool]:
    changed = (new[name].is_distinct_from(target.c[name]) for name in _COMPARED)
    return or_(*changed, target.c.missing_since.is_not(None))


def mark_deleted(conn: Connection, company: str, side: Side, entity: str, ids: Iterable[str], at: datetime) -> int:
    """Set rows to deleted, keeping their last values and the time of their last change, so that nothing newer that
    shows them alive is taken for older; returns how many were not deleted before."""
    target = table(side, entity)
    statement = update(target).where(
        target.c.company == company, among(target.c.id, ids), target.c.state != State.DELETED.value
    )
    gone = {
        "state": State.DELETED.value,
        "content_hash": deleted_hash(entity),
        "seen_at": at,
    }
    return conn.execute(statement.values(gone)).rowcount


def note_missing(
    conn: Connection, company: str, side: Side, entity: str, present: Iterable[str], at: datetime
) -> list[str]:
    """Compare with a complete list of ids: rows not in it get `missing_since`, rows in it lose it.

    Returns the ids of all not deleted rows that are missing now, oldest absence first.
    """
    target = table(side, entity)
    listed = list(present)
    mine = target.c.company == company
    alive = and_(mine, target.c.state != State.DELETED.value)
    back = update(target).where(mine, target.c.missing_since.is_not(None), among(target.c.id, listed))
    conn.execute(back.values(missing_since=None))
    away = update(target).where(alive, target.c.missing_since.is_(None), ~among(target.c.id, listed))
    conn.execute(away.values(missing_since=at))
    missing = select(target.c.id).where(alive, target.c.missing_since.is_not(None))
    return list(conn.scalars(missing.order_by(target.c.missing_since, target.c.id)))


def fetch(conn: Connection, company: str, side: Side, entity: str, ids: Iterable[str]) -> dict[str, Staged]:
    """Staged rows by id; ids not staged are left out."""
    target, wanted = table(side, entity), list(ids)
    if not wanted:
        return {}
    statement = select(target).where(target.c.company == company, among(target.c.id, wanted))
    return {row["id"]: from_row(side, entity, row) for row in conn.execute(statement).mappings()}


def holding(conn: Connection, company: str, side: Side, entity: str, field: str) -> list[str]:
    """Ids of the rows, deleted ones apart, whose list `field` is not empty."""
    target = table(side, entity)
    lines = target.c[column_of(ENTITIES[entity][field])]
    alive = and_(target.c.company == company, target.c.state != State.DELETED.value)
    return list(conn.scalars(select(target.c.id).where(alive, func.jsonb_array_length(lines) > 0)))


def fetch_all(conn: Connection, company: str, side: Side, entity: str) -> list[Staged]:
    """Every staged row of an entity in id order, deleted and skipped ones too."""
    target = table(side, entity)
    statement = select(target).where(target.c.company == company).order_by(target.c.id)
    return [from_row(side, entity, row) for row in conn.execute(statement).mappings()]


def seen_since(
    conn: Connection, company: str, side: Side, entity: str, moment: datetime, ids: Iterable[str]
) -> set[str]:
    """Those of the ids whose rows were written at or after `moment`: new observations and changed ones."""
    target, wanted = table(side, entity), list(ids)
    if not wanted:
        return set()
    statement = select(target.c.id).where(
        target.c.company == company, among(target.c.id, wanted), target.c.seen_at >= moment
    )
    return set(conn.scalars(statement))


def alive(conn: Connection, company: str, side: Side, entity: str, ids: Iterable[str]) -> list[str]:
    """Those of the ids that are staged and not deleted, in order."""
    target, wanted = table(side, entity), list(ids)
    if not wanted:
        return []
    statement = select(target.c.id).where(
        target.c.company == company, among(target.c.id, wanted), target.c.state != State.DELETED.value
    )
    return list(conn.scalars(statement.order_by(target.c.id)))


def changed_since(
    conn: Connection, company: str, side: Side, entity: str, moment: datetime, until: datetime | None = None
) -> tuple[int, datetime | None]:
    """How many records their system changed from `moment` on (up to `until`), and when the newest of them."""
    asked = {"company": company, "moment": moment, "until": until or datetime.max.replace(tzinfo=UTC)}
    count, newest = conn.execute(_changes(side, entity), asked).tuples().one()
    return count, newest


@cache  # every run asks this of every entity; making the statement costs more than its answer
def _changes(side: Side, entity: str) -> Select[Any]:
    at = table(side, entity).c.updated_at
    window = and_(at >= bindparam("moment"), at <= bindparam("until"))
    return select(func.count(), func.max(at)).where(table(side, entity).c.company == bindparam("company"), window)


def live_count(conn: Connection, company: str, side: Side, entity: str) -> int:
    """How many records are staged that are not deleted."""
    target = table(side, entity)
    alive = (target.c.company == company) & (target.c.state != State.DELETED.value)
    return conn.scalar(select(func.count()).where(alive)) or 0


def live_ids(conn: Connection, company: str, side: Side, entity: str) -> list[str]:
    """The ids of all rows that are not deleted."""
    target = table(side, entity)
    alive = (target.c.company == company) & (target.c.state != State.DELETED.value)
    return list(conn.scalars(select(target.c.id).where(alive)))


def raw_hashes(conn: Connection, company: str, side: Side, entity: str) -> dict[str, str]:
    """id -> hash of the object as the system showed it, for every row that is not deleted: what it says, whatever
    today's facts make of it."""
    target = table(side, entity)
    statement = select(target.c.id, func.md5(cast(target.c.raw, Text))).where(
        target.c.company == company, target.c.state != State.DELETED.value
    )
    return dict(conn.execute(statement).tuples().all())
