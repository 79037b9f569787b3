"""What money or credit settles on a document in QuickBooks: what is lost when the document is voided there.

Invariant: a document that the contractor let go of is planned in the light of everything that is applied to it in
QuickBooks as it was read last; an application that its own record does not show yet is read before, and only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Line, Record, State, Values
from qb_pipeline.entities.spec import Entity, Field, Kind, Side
from qb_pipeline.entities.values import from_json
from qb_pipeline.quickbooks.codecs import fields
from qb_pipeline.quickbooks.codecs.credits import settled
from qb_pipeline.store import exceptions, links, staging
from qb_pipeline.store.staging_tables import column_of
from qb_pipeline.sync import problems
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.plan import Application
from qb_pipeline.sync.reading.objects import refresh
from qb_pipeline.sync.reading.observing import look_at
from qb_pipeline.sync.trees import Owed

_PAYMENT = ENTITIES["payment"]
_SIDE = Side.QUICKBOOKS


def with_applications(ctx: Context, entity: Entity, owing: Sequence[Owed]) -> list[Owed]:
    """The same; each document that is gone at the contractor's and alive in QuickBooks knows what is applied to it."""
    leaving = [r for o in owing if (r := _leaving(o)) is not None] if _appliers(entity) else []
    if not leaving:
        return list(owing)
    read_unseen(ctx, leaving)
    with ctx.begin() as conn:
        return [_knowing(ctx, conn, entity, o) for o in owing]


def read_unseen(ctx: Context, documents: Iterable[Record]) -> None:
    """Read the payments that these QuickBooks documents name and that staging does not show as theirs yet."""
    named = {(d.id, i): d for d in documents for i in _named(d)}
    if not named:
        return
    with ctx.begin() as conn:
        staged = staging.fetch(conn, ctx.company, _SIDE, _PAYMENT.name, {i for _, i in named})
    known = {i: s.record for i, s in staged.items()}
    unseen = {i for (_, i), document in named.items() if _is_unseen(known.get(i), document)}
    for record_id in sorted(unseen):
        look_at(ctx, _PAYMENT, _SIDE, record_id)
    if unseen:
        refresh(ctx)


def referring(
    conn: Connection, company: str, side: Side, other: Entity, entity: str, record_id: str
) -> dict[str, Record]:
    """The live records of `other`, inactive names apart, that refer on their own side to the record."""
    table = staging.table(side, other.name)
    conditions: list[ColumnElement[bool]] = []
    for spec in other.fields:
        if spec.kind is Kind.REF and spec.refers_to == entity:
            conditions.append(table.c[column_of(spec)] == record_id)
        parts = [p for p in spec.lines if p.kind is Kind.REF and p.refers_to == entity]
        conditions += [table.c[column_of(spec)].contains([{p.name: record_id}]) for p in parts]
    if not conditions:
        return {}
    live = and_(table.c.company == company, table.c.state == State.LIVE.value)
    ids = conn.scalars(select(table.c.id).where(live, or_(*conditions))).all()
    found = {i: s.record for i, s in staging.fetch(conn, company, side, other.name, ids).items()}
    return {i: r for i, r in found.items() if r.values.get("active") is not False}


def unread(conn: Connection, company: str, document: Record) -> list[str]:
    """Ids of the payments that a QuickBooks document names and that could not be read."""
    named = _named(document)
    known = staging.fetch(conn, company, _SIDE, _PAYMENT.name, named) if named else {}
    return [i for i in named if i not in known]


def _leaving(owed: Owed) -> Record | None:
    """The QuickBooks record that is to follow the contractor's."""
    left, gone = owed.tree.quickbooks, owed.tree.contractor
    if left is None or gone is None or left.state is not State.LIVE or gone.state is State.LIVE:
        return None
    return owed.work.quickbooks.record if owed.work.quickbooks is not None else None


def _knowing(ctx: Context, conn: Connection, entity: Entity, owed: Owed) -> Owed:
    record = _leaving(owed)
    if record is None:
        return owed
    return replace(owed, tree=replace(owed.tree, applied=_applied(ctx, conn, entity, owed, record)))


def _appliers(entity: Entity) -> list[tuple[Entity, Field]]:
    """The entities with lines that stand for an amount settled on a record of this one."""
    return [
        (other, spec)
        for other in ENTITIES.values()
        for spec in other.fields
        for part in spec.lines
        if part.name == spec.line_key and part.refers_to == entity.name
    ]


def _named(document: Record) -> list[str]:
    linked = fields.objects(document.raw, "LinkedTxn")
    return [str(link["TxnId"]) for link in linked if link.get("TxnType") == _PAYMENT.quickbooks_object]


def _is_unseen(payment: Record | None, document: Record) -> bool:
    """Whether the payment was read, if at all, before it was applied to the document."""
    if payment is None:
        return True
    if payment.state is not State.LIVE or document.id in settled(payment.raw):
        return False
    return payment.updated_at < document.updated_at


def _applied(ctx: Context, conn: Connection, entity: Entity, owed: Owed, record: Record) -> tuple[Application, ...]:
    gone = owed.tree.contractor.id if owed.tree.contractor is not None else None
    found = [Application(f"{_PAYMENT.title} {i}", agreed=False) for i in unread(conn, ctx.company, record)]
    for other, spec in _appliers(entity):
        key = spec.line_key or ""
        records = referring(conn, ctx.company, _SIDE, other, entity.name, record.id)
        taken_back = _taken_back(ctx, conn, other, spec, records, (owed.tree.link_id, gone))
        for applied in records.values():
            amount = sum((x["amount"] for x in _lines(applied.values, spec) if x[key] == record.id), Decimal(0))
            called = label(other, applied.values)  # with the amount already, where it has no reference
            named = called if called.endswith(f" ({amount})") else f"{called} ({amount})"
            found.append(Application(named, taken_back.get(applied.id) == amount, applied.frozen))
    return tuple(sorted(found, key=lambda a: a.name))


def _taken_back(
    ctx: Context, conn: Connection, other: Entity, spec: Field, records: Mapping[str, Record],
    document: tuple[int | None, str | None],
) -> dict[str, Decimal]:  # fmt: skip
    """By QuickBooks id, the amount that both sides agreed was applied to the document (its link and its id at the
    contractor's) and that the contractor's side has taken back since, where nothing holds QuickBooks back to follow."""
    key, (link_id, gone) = spec.line_key or "", document
    linked = links.find(conn, ctx.company, other.name, _SIDE, records)
    ids = [link.contractor_id for link in linked.values() if link.contractor_id]
    own = {i: s.record for i, s in staging.fetch(conn, ctx.company, Side.CONTRACTOR, other.name, ids).items()}
    still = {i for i, r in own.items() if r.state is State.LIVE and any(x[key] == gone for x in _lines(r.values, spec))}
    held = exceptions.of_records(conn, ctx.company, other.name, _SIDE, records)
    return {
        i: line["amount"]
        for i, link in linked.items()
        if link.contractor_id in own and link.contractor_id not in still
        if not any(problems.of_itself(e) for e in held.get(i, ()))
        for line in _lines(from_json(other, link.base), spec)
        if line.get(key) == link_id
    }


def _lines(values: Values, spec: Field) -> tuple[Line, ...]:
    value = values.get(spec.name)
    return value if isinstance(value, tuple) else ()
