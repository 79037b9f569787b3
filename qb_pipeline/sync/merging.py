"""Merged records: whoever merges two names on one side, the links and everything that refers to them follow.

Invariant: the loser of a merge is never created again and its counterpart never removed; every reference to the loser
means the survivor from then on, on both sides.

    note_merges(ctx, events)       what webhooks told of merges
    follow(ctx, entity)            before an entity is matched: losers among the records that are gone

A webhook names the survivor. Where it was lost, the records that referred to the loser tell: on the side that merged,
all of them refer to one other record now. Where nothing referred to it, nobody can tell, and a person is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Entity, Kind, Removal, Side
from qb_pipeline.store import aliases, links, staging
from qb_pipeline.store.inbox import Stored
from qb_pipeline.store.links import Link, LinkState, LinkUpdate
from qb_pipeline.sync import twins
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.trees import reading_now

_ENOUGH = 200  # records that referred to the loser: as many are asked where they point now


@dataclass(frozen=True)
class Merge:
    """One merge of one entity on one side."""

    entity: Entity
    side: Side
    loser: str
    survivor: str


def note_merges(ctx: Context, events: Iterable[Stored]) -> int:
    """Keep what webhooks say of merges; the links follow when the loser is seen to be gone. Returns how many.

    One that names a record as its own survivor says nothing; the record is read as any other that is named.
    """
    count = 0
    for event in events:
        loser = event.detail.get("deleted_id")
        if loser and str(loser) != event.record_id:
            for entity in _entities_of(event):
                with ctx.begin() as conn:
                    if staging.fetch(conn, ctx.company, Side(event.source), entity.name, [str(loser)]):
                        aliases.add(
                            conn, ctx.company, entity.name, Side(event.source), str(loser), event.record_id, "webhook"
                        )
                        count += 1
    return count


def _entities_of(event: Stored) -> list[Entity]:
    if event.source == Side.CONTRACTOR.value:
        return [ENTITIES[event.subject]] if event.subject in ENTITIES else []
    return [e for e in ENTITIES.values() if e.quickbooks_object == event.subject]


def follow(ctx: Context, entity: Entity) -> int:
    """Let links follow every merge of the entity's records since the last run; returns how many there were."""
    if entity.removal is not Removal.INACTIVATE:
        return 0
    with ctx.begin() as conn:
        found = [m for side in Side for m in _merges(ctx, conn, entity, side)]
        for merge in found:
            _follow_one(ctx, conn, merge)
        twins.ask_again(ctx, conn, entity)
    ctx.tally.add(entity.name, "merged", len(found))
    return len(found)


def _merges(ctx: Context, conn: Connection, entity: Entity, side: Side) -> Iterator[Merge]:
    """Linked records that are gone on `side` and have a survivor there."""
    gone = [
        link
        for link in links.gone(conn, ctx.company, entity.name, side)
        if link.state is LinkState.LIVE and link.id_on(side) is not None
    ]
    told = aliases.resolve(conn, ctx.company, entity.name, side, [str(link.id_on(side)) for link in gone])
    for link in gone:
        loser = str(link.id_on(side))
        survivor = told.get(loser)
        if survivor is None and not _is_another(ctx, conn, entity, side, loser):
            survivor = _inferred(ctx, conn, entity, side, link)
        if survivor is not None and _lives(ctx, conn, entity, side, survivor):
            yield Merge(entity, side, loser, survivor)


def _lives(ctx: Context, conn: Connection, entity: Entity, side: Side, record_id: str) -> bool:
    staged = staging.fetch(conn, ctx.company, side, entity.name, [record_id]).get(record_id)
    return staged is not None and staged.record.state is State.LIVE


def _is_another(ctx: Context, conn: Connection, entity: Entity, side: Side, record_id: str) -> bool:
    """Whether the record is there as another entity: a customer that was put below another one, and is a job now."""
    others = [e for e in ENTITIES.values() if e.quickbooks_object == entity.quickbooks_object and e is not entity]
    return side is Side.QUICKBOOKS and any(_lives(ctx, conn, other, side, record_id) for other in others)


def _inferred(ctx: Context, conn: Connection, entity: Entity, side: Side, link: Link) -> str | None:
    """The one record to which everything points now that was last agreed to point to the loser."""
    now: Counter[str] = Counter()
    for referring, spec in _references(entity):
        fragment = _fragment(spec, link.id)
        ids = [str(i) for x in links.containing(conn, ctx.company, referring.name, fragment) if (i := x.id_on(side))]
        for staged in staging.fetch(conn, ctx.company, side, referring.name, ids[:_ENOUGH]).values():
            record = reading_now(ctx, referring, staged) if side is Side.QUICKBOOKS else staged.record
            if record.state is State.LIVE:
                now.update(_targets(spec, record.values))
    others = {target for target in now if target != link.id_on(side)}
    return others.pop() if len(others) == 1 and not now[str(link.id_on(side))] else None


def _follow_one(ctx: Context, conn: Connection, merge: Merge) -> None:
    """Give the loser's link to the survivor, or fold it into the survivor's own."""
    entity, side = merge.entity, merge.side
    aliases.add(conn, ctx.company, entity.name, side, merge.loser, merge.survivor, "sweep")
    found = links.find(conn, ctx.company, entity.name, side, [merge.loser, merge.survivor])
    lost, kept = found.get(merge.loser), found.get(merge.survivor)
    if lost is None:
        return
    if kept is None:
        _move(ctx, conn, merge, lost)
    elif _gone_there(ctx, conn, merge, kept):
        # The other side merged the same two the other way round: its survivor is the loser's counterpart.
        links.remove(conn, ctx.company, [kept.id])
        _rebase(ctx, conn, entity, kept.id, lost.id)
        _move(ctx, conn, merge, lost)
    else:
        _fold(ctx, conn, merge, lost, kept)


def _gone_there(ctx: Context, conn: Connection, merge: Merge, kept: Link) -> bool:
    there = merge.side.other
    other = kept.id_on(there)
    return other is not None and not _lives(ctx, conn, merge.entity, there, other)


def _move(ctx: Context, conn: Connection, merge: Merge, link: Link) -> None:
    """The loser's counterpart is the survivor's now; what the two say is compared anew."""
    moved = {f"{merge.side.value}_id": merge.survivor}
    links.update_base_many(
        conn,
        ctx.company,
        [LinkUpdate(link.id, contractor_hash="", quickbooks_hash="", **moved)],  # type: ignore[arg-type]  # one of two texts
    )
    _log(ctx, conn, merge, "merge followed")


def _fold(ctx: Context, conn: Connection, merge: Merge, lost: Link, kept: Link) -> None:
    """Both were linked: on the other side there are still two, which mean one from now on. Its API has no merge: a
    person does it there, or leaves the two as they are."""
    there = merge.side.other
    twin, survivor = lost.id_on(there), kept.id_on(there)
    links.remove(conn, ctx.company, [lost.id])
    _rebase(ctx, conn, merge.entity, lost.id, kept.id)
    if twin is not None and survivor is not None and twin != survivor:
        aliases.add(conn, ctx.company, merge.entity.name, there, twin, survivor, twins.SOURCE)
        twins.ask(ctx, conn, merge.entity, there, twin, survivor)
    _log(ctx, conn, merge, "merge followed")


def _names(ctx: Context, conn: Connection, entity: Entity, side: Side, ids: Sequence[str]) -> dict[str, str]:
    staged = staging.fetch(conn, ctx.company, side, entity.name, ids)
    return {i: label(entity, staged[i].record.values) if i in staged else f"{entity.title} {i}" for i in ids}


def _rebase(ctx: Context, conn: Connection, entity: Entity, old: int, new: int) -> None:
    """What was last agreed to refer to one link is agreed to refer to the other."""
    for referring, spec in _references(entity):
        found = links.containing(conn, ctx.company, referring.name, _fragment(spec, old))
        updates = [LinkUpdate(x.id, base=_rewritten(spec, x.base, old, new)) for x in found]
        links.update_base_many(conn, ctx.company, updates)


@dataclass(frozen=True)
class _Reference:
    """A field that refers to the entity: `part` is the field of a line where `field` holds lines."""

    field: str
    part: str | None = None


def _references(entity: Entity) -> Iterator[tuple[Entity, _Reference]]:
    """Everything that can refer to the entity."""
    for other in ENTITIES.values():
        for spec in other.fields:
            if spec.kind is Kind.REF and spec.refers_to == entity.name:
                yield other, _Reference(spec.name)
            for part in spec.lines:
                if part.kind is Kind.REF and part.refers_to == entity.name:
                    yield other, _Reference(spec.name, part.name)


def _fragment(spec: _Reference, link_id: int) -> dict[str, Any]:
    """What a base contains that refers to the link."""
    return {spec.field: link_id} if spec.part is None else {spec.field: [{spec.part: link_id}]}


def _targets(spec: _Reference, values: Any) -> list[str]:
    """Where a record points through the field."""
    if spec.part is None:
        return [str(values[spec.field])] if values.get(spec.field) is not None else []
    return [str(line[spec.part]) for line in values.get(spec.field) or () if line.get(spec.part) is not None]


def _rewritten(spec: _Reference, base: Any, old: int, new: int) -> dict[str, Any]:
    if spec.part is None:
        return {**base, spec.field: new}
    lines = [{**line, spec.part: new} if line.get(spec.part) == old else line for line in base[spec.field]]
    return {**base, spec.field: lines}


def _log(ctx: Context, conn: Connection, merge: Merge, action: str) -> None:
    name = _names(ctx, conn, merge.entity, merge.side, [merge.loser])[merge.loser]
    ctx.log(
        conn, merge.entity, merge.side, action, record_id=merge.loser, record_label=name,
        detail={"survivor": merge.survivor},
    )  # fmt: skip
