"""Reading QuickBooks into staging: everything once, then by change data capture.

Invariant: an answer that may have been cut short is never taken for complete, a tombstone is confirmed by a read before
it counts, and the position moves only after what was read is stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.spec import Entity, MatchBy, Side
from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.codecs import codec
from qb_pipeline.quickbooks.queries import MAX_PAGE, page_statement
from qb_pipeline.store import cursors, staging
from qb_pipeline.sync import problems
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.facts import refresh_credits, refresh_facts
from qb_pipeline.sync.observing import confirm_deleted, confirm_missing, take
from qb_pipeline.sync.positions import PAGES_PER_RUN, Debt, Position

_AT_ONCE = 3
_SIDE = Side.QUICKBOOKS
STREAM = "changes"
_LOOK_BACK = timedelta(days=29)  # CDC refuses 30 days; a day's grace for clocks
Raw = Mapping[str, Any]


def extract(ctx: Context) -> dict[str, int]:
    """Read what changed (or everything, the first time); returns the objects read per entity."""
    read_at = ctx.now()
    with ctx.begin() as conn:
        stored = cursors.get(conn, ctx.company, _SIDE, STREAM)
        known = set(cursors.get(conn, ctx.company, _SIDE, "objects") or [])
    position = Position.from_json(stored) if stored else None
    if position is None or read_at - position.since > _LOOK_BACK:
        counts = _read_objects(ctx, _objects())
    else:
        counts = _read_changes(ctx, position, known)
        position = _pay_debts(ctx, position, counts)
    refresh_credits(ctx)
    for entity in ENTITIES.values():
        restage(ctx, entity)
    moved = position.advanced(read_at) if position else Position(read_at)
    with ctx.begin() as conn:
        cursors.put(conn, ctx.company, _SIDE, STREAM, moved.to_json())
        cursors.put(conn, ctx.company, _SIDE, "objects", _objects())
    for name, count in counts.items():
        ctx.tally.add(name, "read_quickbooks", count)
    return counts


def _objects() -> list[str]:
    return list(dict.fromkeys(e.quickbooks_object for e in ENTITIES.values()))


def _sharing(name: str) -> list[Entity]:
    return [e for e in ENTITIES.values() if e.quickbooks_object == name]


def _is_list(name: str) -> bool:
    return all(e.match_by is not MatchBy.DOCUMENT for e in _sharing(name))


def _read_objects(ctx: Context, names: Sequence[str]) -> dict[str, int]:
    """Every object by query: lists first, because documents are read in the light of them."""
    counts: dict[str, int] = defaultdict(int)
    for wave in ([n for n in names if _is_list(n)], [n for n in names if not _is_list(n)]):
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="read-quickbooks") as pool:
            for found in pool.map(lambda name: _read_object(ctx, name), wave):
                for entity, count in found.items():
                    counts[entity] += count
        refresh_facts(ctx)
    return dict(counts)


def _read_object(ctx: Context, name: str) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    seen: list[str] = []
    for rows in ctx.quickbooks.client.pages(name, active_too=_is_list(name)):
        seen += [str(r["Id"]) for r in rows]
        for entity_name, count in _store(ctx, name, rows).items():
            counts[entity_name] += count
        ctx.progress(f"read {len(seen)} {name} objects from QuickBooks")
    for entity in _sharing(name):
        confirm_missing(ctx, entity, _SIDE, seen)
    return dict(counts)


def _read_changes(ctx: Context, position: Position, known: set[str]) -> dict[str, int]:
    """One CDC call for all objects; what it can't carry is asked for by itself or swept by query."""
    counts: dict[str, int] = defaultdict(int)
    in_cdc = [n for n in _objects() if n in known and all(e.in_cdc for e in _sharing(n))]
    swept = [n for n in _objects() if n not in in_cdc]
    changes = ctx.quickbooks.client.cdc(in_cdc, position.since)
    if changes.full:
        for name in in_cdc:
            alone = ctx.quickbooks.client.cdc([name], position.since)
            if alone.full:
                swept.append(name)
            else:
                _take_changes(ctx, alone.objects, alone.tombstones, counts)
    else:
        _take_changes(ctx, changes.objects, changes.tombstones, counts)
    for name, count in _read_objects(ctx, swept).items():
        counts[name] += count
    return counts


def look_again(ctx: Context) -> None:
    """One more CDC call since this run's reading, for what its writes moved; where that is too much, the next run's.

    The reading position stays where it is.
    """
    with ctx.begin() as conn:
        stored = cursors.get(conn, ctx.company, _SIDE, STREAM)
    if stored is None:
        return
    names = [n for n in _objects() if all(e.in_cdc for e in _sharing(n))]
    changes = ctx.quickbooks.client.cdc(names, Position.from_json(stored).since)
    if changes.full:
        return
    _take_changes(ctx, changes.objects, changes.tombstones, defaultdict(int))
    refresh_credits(ctx)
    for entity in ENTITIES.values():
        restage(ctx, entity)


def _take_changes(
    ctx: Context,
    objects: Mapping[str, Sequence[Raw]],
    tombstones: Mapping[str, Sequence[tuple[str, datetime]]],
    counts: dict[str, int],
) -> None:
    for name in sorted(objects, key=_is_list, reverse=True):
        for entity_name, count in _store(ctx, name, objects[name]).items():
            counts[entity_name] += count
        if name == "Customer":
            refresh_facts(ctx)
    for name, stones in tombstones.items():
        for entity in _sharing(name):
            confirm_deleted(ctx, entity, _SIDE, [record_id for record_id, _ in stones])


def _store(ctx: Context, name: str, rows: Sequence[Raw]) -> dict[str, int]:
    """Stage raw objects under the entities they belong to; unreadable ones become exceptions."""
    counts = {}
    for entity in _sharing(name):
        records = list(_decoded(ctx, entity, [r for r in rows if ctx.quickbooks.wants(entity, r)]))
        with ctx.begin() as conn:
            take(ctx, conn, entity, _SIDE, records)
        counts[entity.name] = len(records)
    return counts


def restage(ctx: Context, entity: Entity) -> int:
    """Decode again what is staged of an entity part of which stands in other objects (a credit memo's applications in
    payments) and store what reads differently now; returns how many did. Reads nothing where there is no such part."""
    told = codec(entity.name, ctx.quickbooks.facts).elsewhere()
    if told is None:
        return 0
    field, ids = told
    with ctx.begin() as conn:
        before = staging.holding(conn, ctx.company, _SIDE, entity.name, field)
        staged = staging.fetch(conn, ctx.company, _SIDE, entity.name, {*ids, *before})
    rows = [row.record.raw for row in staged.values() if row.record.state is not State.DELETED]
    records = _decoded(ctx, entity, rows)
    changed = [r for r in records if staging.record_hash(r) != staged[r.id].content_hash]
    with ctx.begin() as conn:
        take(ctx, conn, entity, _SIDE, changed)
    return len(changed)


def _decoded(ctx: Context, entity: Entity, rows: Iterable[Raw]) -> Iterator[Record]:
    for raw in rows:
        try:
            yield ctx.quickbooks.decode(entity, raw)
        except FixTheData as error:
            name = f"{entity.title} {raw.get('Id')}"
            found = problems.from_error(ctx, entity, (_SIDE, str(raw.get("Id"))), name, error, None)
            with ctx.begin() as conn:
                problems.report(ctx, conn, entity, [found])


def _pay_debts(ctx: Context, position: Position, counts: dict[str, int]) -> Position:
    """Read a few pages of the oldest window that was skipped behind our own writes."""
    if not position.debts:
        return position
    debt, *others = position.debts
    rest: Debt | None = debt
    for _ in range(PAGES_PER_RUN):
        rest = _pay_page(ctx, rest, counts) if rest is not None else None
    return replace(position, debts=(rest, *others) if rest else tuple(others))


def _pay_page(ctx: Context, debt: Debt, counts: dict[str, int]) -> Debt | None:
    """One page of one object within the window; the page mark is "Object:start"."""
    names = [n for n in _objects() if all(e.in_cdc for e in _sharing(n))]
    name, start = (debt.page or f"{names[0]}:1").split(":")
    where = (
        f"MetaData.LastUpdatedTime >= '{debt.since.isoformat(timespec='seconds')}'"
        f" AND MetaData.LastUpdatedTime <= '{debt.until.isoformat(timespec='seconds')}'"
    )
    statement = page_statement(
        name, where=where, active_too=_is_list(name), order_by="Id", start=int(start), page_size=MAX_PAGE
    )
    rows = ctx.quickbooks.client.query(statement).object_rows
    for entity, count in _store(ctx, name, rows).items():
        counts[entity] = counts.get(entity, 0) + count
    if len(rows) == MAX_PAGE:
        return replace(debt, page=f"{name}:{int(start) + MAX_PAGE}")
    following = names[names.index(name) + 1 :]
    if following:
        return replace(debt, page=f"{following[0]}:1")
    _verify_counts(ctx, names, counts)
    return None


def _verify_counts(ctx: Context, names: Sequence[str], counts: dict[str, int]) -> None:
    """A query shows no deletions: where QuickBooks counts other than we do, the whole object is read again."""
    for name in names:
        there = ctx.quickbooks.client.count(name, active_too=_is_list(name))
        with ctx.begin() as conn:
            here = sum(staging.live_count(conn, ctx.company, _SIDE, e.name) for e in _sharing(name))
        if there != here:
            for entity, count in _read_object(ctx, name).items():
                counts[entity] = counts.get(entity, 0) + count
