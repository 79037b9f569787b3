"""QuickBooks' objects and the entities they hold, into staging.

Invariant: an object is staged under every entity it belongs to or becomes an exception; one that can't be read stops
no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.spec import Entity, MatchBy, Side
from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.codecs import codec
from qb_pipeline.store import staging
from qb_pipeline.sync import problems
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.facts import refresh_credits
from qb_pipeline.sync.reading.observing import take

SIDE = Side.QUICKBOOKS
Raw = Mapping[str, Any]
Doubt = tuple[Entity, str]  # an id under which a list shows something other, and older, than what is staged


def objects() -> list[str]:
    """The names of the objects we read, in the order of the entities."""
    return list(dict.fromkeys(e.quickbooks_object for e in ENTITIES.values()))


def sharing(name: str) -> list[Entity]:
    """The entities an object may belong to: a Customer is a customer or a job."""
    return [e for e in ENTITIES.values() if e.quickbooks_object == name]


def is_list(name: str) -> bool:
    """Whether the object is made inactive rather than deleted."""
    return all(e.match_by is not MatchBy.DOCUMENT for e in sharing(name))


def in_cdc(name: str) -> bool:
    """Whether change data capture tells of the object."""
    return all(e.in_cdc for e in sharing(name))


def store(ctx: Context, name: str, rows: Sequence[Raw], *, current: bool = False) -> tuple[dict[str, int], list[Doubt]]:
    """Stage raw objects under the entities they belong to; returns how many of each, and what is in doubt: that is also
    what is staged as something else than it is now. `current` ones were asked for by their ids, and are taken whatever
    their times say."""
    counts, doubts = {}, list[Doubt]()
    for entity in sharing(name):
        others = [str(r["Id"]) for r in rows if not ctx.quickbooks.wants(entity, r)]
        records = list(decoded(ctx, entity, [r for r in rows if ctx.quickbooks.wants(entity, r)]))
        if rows:
            with ctx.begin() as conn:
                became = staging.alive(conn, ctx.company, SIDE, entity.name, others)
                if current:
                    staging.mark_deleted(conn, ctx.company, SIDE, entity.name, became, ctx.now())
                else:
                    doubts += [(entity, i) for i in became]
                doubts += [(entity, i) for i in take(ctx, conn, entity, SIDE, records, current=current)]
        counts[entity.name] = len(records)
    return counts, doubts


def decoded(ctx: Context, entity: Entity, rows: Iterable[Raw]) -> Iterator[Record]:
    """The records that can be read; the others become exceptions."""
    for raw in rows:
        try:
            yield ctx.quickbooks.decode(entity, raw)
        except FixTheData as error:
            name = f"{entity.title} {raw.get('Id')}"
            found = problems.from_error(ctx, entity, (SIDE, str(raw.get("Id"))), name, error, None)
            with ctx.begin() as conn:
                problems.report(ctx, conn, entity, [found])


def refresh(ctx: Context) -> None:
    """Bring up to date what rests on other objects than its own, after any reading."""
    refresh_credits(ctx)
    for entity in ENTITIES.values():
        restage(ctx, entity)


def restage(ctx: Context, entity: Entity) -> int:
    """Decode again what is staged of an entity part of which stands in other objects (a credit memo's applications in
    payments) and store what reads differently now; returns how many did. Reads nothing where there is no such part."""
    told = codec(entity.name, ctx.quickbooks.facts).elsewhere()
    if told is None:
        return 0
    field, ids = told
    with ctx.look() as conn:
        before = staging.holding(conn, ctx.company, SIDE, entity.name, field)
        staged = staging.fetch(conn, ctx.company, SIDE, entity.name, {*ids, *before})
    rows = [row.record.raw for row in staged.values() if row.record.state is not State.DELETED]
    records = decoded(ctx, entity, rows)
    changed = [r for r in records if staging.record_hash(r) != staged[r.id].content_hash]
    if changed:
        with ctx.begin() as conn:
            take(ctx, conn, entity, SIDE, changed)
    return len(changed)
