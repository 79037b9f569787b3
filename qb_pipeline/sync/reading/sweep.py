"""The deep sweep: ids, counts and hashes of everything on both sides against what is staged.

Invariant: after a sweep staging equals both systems; what had changed without a trace is named, and what had vanished
was read by its id before it counted as gone.

    sweep(ctx) -> [Difference, ...]      read the changes first: then everything found left no trace
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.store import staging
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import contractor, quickbooks
from qb_pipeline.sync.reading.objects import objects, refresh

Hashes = Mapping[str, str]  # id -> hash of what the system showed


@dataclass(frozen=True)
class Difference:
    """What a sweep found of an entity on one side, by id; `counted` is how many records that side holds."""

    entity: str
    side: Side
    counted: int
    appeared: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()

    @property
    def found(self) -> int:
        return len(self.appeared) + len(self.changed) + len(self.vanished)


def sweep(ctx: Context) -> list[Difference]:
    """Read everything again and compare; one difference an entity and side, also where nothing was found."""
    before = {(e.name, side): _hashes(ctx, e, side) for e in ENTITIES.values() for side in Side}
    counts: Counter[str] = Counter()
    quickbooks.read_objects(ctx, objects(), counts)
    refresh(ctx)
    for entity in ctx.two_sided():
        if ctx.contractor.offers(entity):
            ctx.progress(f"sweeping {entity.plural.replace('_', ' ')} of the contractor's system")
            contractor.read_everything(ctx, entity)
    found = [difference(e, side, before[e.name, side], _hashes(ctx, e, side)) for e, side in _both()]
    _tell(ctx, found)
    return found


def difference(entity: Entity, side: Side, before: Hashes, after: Hashes) -> Difference:
    """Two states of staging compared."""
    return Difference(
        entity.name,
        side,
        len(after),
        appeared=_ids(after.keys() - before.keys()),
        changed=_ids({i for i in after.keys() & before.keys() if after[i] != before[i]}),
        vanished=_ids(before.keys() - after.keys()),
    )


def _both() -> list[tuple[Entity, Side]]:
    return [(e, side) for e in ENTITIES.values() for side in Side]


def _hashes(ctx: Context, entity: Entity, side: Side) -> Hashes:
    with ctx.begin() as conn:
        return staging.raw_hashes(conn, ctx.company, side, entity.name)


def _ids(found: set[str]) -> tuple[str, ...]:
    return tuple(sorted(found, key=lambda i: (len(i), i)))


def _tell(ctx: Context, found: list[Difference]) -> None:
    """A line in the log for everything that left no trace, and the counts in the run's summary."""
    with ctx.begin() as conn:
        for one in found:
            ctx.tally.add(one.entity, f"swept_{one.side.value}", one.counted)
            ctx.tally.add(one.entity, f"untold_{one.side.value}", one.found)
            for what in ("appeared", "changed", "vanished"):
                for record_id in getattr(one, what):
                    entity = ENTITIES[one.entity]
                    ctx.log(conn, entity, one.side, "found by sweep", record_id=record_id, detail={"what": what})
