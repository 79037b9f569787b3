"""Reading the contractor's system into staging.

Invariant: a stream's position moves only after what was read is stored, and never past the moment of the answer, by the
platform's clock or by ours; a record's absence counts as its removal only when a complete listing and then a direct
read agree that it is gone; and what looks older than what is staged, and says something else, is read by its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from qb_pipeline.contractor.protocol import Observed
from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import FixTheData
from qb_pipeline.store import cursors
from qb_pipeline.sync import problems
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading.observing import confirm_missing, look_at, take
from qb_pipeline.sync.reading.positions import PAGES_PER_RUN, Debt, Position, earlier, put_down

_AT_ONCE = 4
_SIDE = Side.CONTRACTOR


def extract(ctx: Context) -> dict[str, int]:
    """Read every entity the platform has, several at once; returns the records read per entity."""
    offered = [e for e in ctx.two_sided() if ctx.contractor.offers(e)]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="read-contractor") as pool:
        counts = list(pool.map(lambda entity: _read_entity(ctx, entity), offered))
    return {entity.name: count for entity, count in zip(offered, counts, strict=True)}


def _read_entity(ctx: Context, entity: Entity) -> int:
    with ctx.look() as conn:
        stored = cursors.get(conn, ctx.company, _SIDE, entity.name)
    position = Position.of(stored, ctx.now())
    count = _read_since(ctx, entity, position)
    if position is not None and position.debts:
        count += _pay_debts(ctx, entity)
    ctx.tally.add(entity.name, "read_contractor", count)
    return count


def read_everything(ctx: Context, entity: Entity) -> int:
    """All of an entity again, whatever the position; what is staged and not listed is looked at by itself."""
    return _read_since(ctx, entity, None)


def read_window(ctx: Context, entity: Entity, since: datetime, until: datetime) -> int:
    """What was changed last within the window, both ends included; the position stays where it is."""
    count, page = 0, None
    while True:
        answer = ctx.contractor.connector.changes(entity.name, since, page)
        within = [r for r in answer.records if r.updated_at <= until]
        records = _decoded(ctx, entity, within)
        _take(ctx, entity, records)
        count += len(within)
        page = answer.next_page
        if page is None or len(within) < len(answer.records):
            return count


def _read_since(ctx: Context, entity: Entity, position: Position | None) -> int:
    newest = position.read_to if position else None
    count, page, seen = 0, None, list[str]()
    begun: datetime | None = None
    while True:
        answer = ctx.contractor.connector.changes(entity.name, position.since if position else None, page)
        begun = begun or earlier(ctx.now(), answer.answered_at)
        records = _decoded(ctx, entity, answer.records)
        past = [r.updated_at for r in answer.records if r.updated_at <= begun]
        newest = max(past + ([newest] if newest else []), default=None)
        seen += [r.id for r in answer.records]
        _take(ctx, entity, records)
        count += len(answer.records)
        page = answer.next_page
        if page is None:
            break
    if answer.complete and position is None:
        confirm_missing(ctx, entity, _SIDE, seen)
    _move(ctx, entity, position, newest or begun)
    return count


def _take(ctx: Context, entity: Entity, records: Sequence[Record]) -> None:
    if not records:
        return
    with ctx.begin() as conn:
        doubted = take(ctx, conn, entity, _SIDE, records)
    for record_id in doubted:
        look_at(ctx, entity, _SIDE, record_id)


def _move(ctx: Context, entity: Entity, position: Position | None, read_to: datetime) -> None:
    moved = position.advanced(read_to) if position else Position(read_to)
    with ctx.begin() as conn:
        put_down(ctx, conn, _SIDE, entity.name, moved)


def _pay_debts(ctx: Context, entity: Entity) -> int:
    with ctx.look() as conn:
        position = Position.from_json(cursors.get(conn, ctx.company, _SIDE, entity.name))
    debt, *others = position.debts
    count = 0
    rest: Debt | None = debt
    for observed, rest in _debt_pages(ctx, entity, debt):
        records = _decoded(ctx, entity, observed)
        count += len(records)
        debts = (rest, *others) if rest else tuple(others)
        _take(ctx, entity, records)
        with ctx.begin() as conn:
            put_down(ctx, conn, _SIDE, entity.name, replace(position, debts=debts))
    return count


def _debt_pages(ctx: Context, entity: Entity, debt: Debt) -> Iterator[tuple[list[Observed], Debt | None]]:
    """A few pages of the window, each with what is left of it afterwards."""
    for _ in range(PAGES_PER_RUN):
        answer = ctx.contractor.connector.changes(entity.name, debt.since, debt.page)
        passed = bool(answer.records) and answer.records[-1].updated_at > debt.until
        if answer.next_page is None or passed:
            yield answer.records, None
            return
        debt = replace(debt, page=answer.next_page)
        yield answer.records, debt


def _decoded(ctx: Context, entity: Entity, observed: list[Observed]) -> list[Record]:
    """Canonical records; one that can't be read becomes an exception and does not stop the others."""
    records, refused = [], []
    for each in observed:
        try:
            records.append(ctx.contractor.record(entity, each))
        except FixTheData as error:
            key = (_SIDE, each.id)
            refused.append(problems.from_error(ctx, entity, key, f"{entity.title} {each.id}", error, None))
    if refused:
        with ctx.begin() as conn:
            problems.report(ctx, conn, entity, refused)
    return records
