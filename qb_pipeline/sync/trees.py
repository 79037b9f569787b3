"""From the store to the planner: the work list of an entity as trees in link space.

Invariant: a tree is built from what is staged now; nothing planned earlier is ever read back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.spec import Entity, Kind, Side
from qb_pipeline.entities.values import from_json
from qb_pipeline.errors import FixTheData
from qb_pipeline.store import aliases, candidates, exceptions, links, staging, worklist
from qb_pipeline.store.journal import Write
from qb_pipeline.store.links import Link, LinkState
from qb_pipeline.store.staging import Staged, Work
from qb_pipeline.sync import leftovers, refusals
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.linkspace import project, references
from qb_pipeline.sync.moved_jobs import stage
from qb_pipeline.sync.plan import Node, Tree


@dataclass(frozen=True)
class Owed:
    """A tree with the rows it was made from."""

    tree: Tree
    work: Work


def owed(ctx: Context, entity: Entity) -> list[Owed]:
    """Everything of an entity that may need a write, decoded with today's facts."""
    with ctx.begin() as conn:
        works = [_fresh(ctx, conn, entity, w) for w in staging.dirty(conn, ctx.company, entity.name, ctx.now())]
        link_of = {side: _link_ids(ctx, conn, entity, side, works) for side in Side}
        held, taken_back = _held(conn, ctx.company, entity), _taken_back(conn, ctx.company, entity)
        ours = leftovers.holds(conn, ctx.company, entity, works)
        unsettled = leftovers.unsettled(conn, ctx.company, entity)
        relinked = _relinked(conn, ctx.company, entity, works)
    trees = [_tree(entity, w, link_of, held, taken_back) for w in works]
    trees = [replace(t, relinked=relinked.get(t.link_id or 0, frozenset())) for t in trees]
    return [Owed(_ours(entity, t, ours, unsettled), w) for t, w in zip(trees, works, strict=True)]


def owed_of(ctx: Context, entity: Entity, link_ids: Iterable[int]) -> list[Owed]:
    """These links as `owed` would give them, whether they need a write or not and whoever holds them."""
    with ctx.begin() as conn:
        works = worklist.of_links(conn, ctx.company, entity.name, link_ids)
        link_of = {side: _link_ids(ctx, conn, entity, side, works) for side in Side}
    return [Owed(_tree(entity, w, link_of, {}, {}), w) for w in works]


def _fresh(ctx: Context, conn: Connection, entity: Entity, work: Work) -> Work:
    """What QuickBooks said is read again, and stored where it reads differently now."""
    staged = work.quickbooks
    if staged is None:
        return work
    record = reading_now(ctx, entity, staged)
    fresh_hash = staged.content_hash if record is staged.record else staging.record_hash(record)
    if fresh_hash != staged.content_hash:
        stage(conn, ctx.company, Side.QUICKBOOKS, entity, [record])
    return Work(work.link, work.contractor, Staged(record, fresh_hash, staged.seen_at, staged.missing_since))


def reading_now(ctx: Context, entity: Entity, staged: Staged) -> Record:
    """A QuickBooks object read again from its raw form: what a reference means depends on other records."""
    if staged.record.state is State.DELETED or staged.record.skip:
        return staged.record
    try:
        return ctx.quickbooks.decode(entity, staged.record.raw)
    except FixTheData:  # it could be read when it was staged; that reading stands, and one record stops no other
        return staged.record


def _link_ids(
    ctx: Context, conn: Connection, entity: Entity, side: Side, works: Iterable[Work]
) -> dict[tuple[str, str], int]:
    records = [s.record for w in works if (s := w.contractor if side is Side.CONTRACTOR else w.quickbooks)]
    return link_ids_of(conn, ctx.company, entity, side, records)


def link_ids_of(
    conn: Connection, company: str, entity: Entity, side: Side, records: Iterable[Record]
) -> dict[tuple[str, str], int]:
    """The link of every reference that the records hold; one to a merged record means its survivor."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        for reference in references(entity, record.values):
            wanted[reference.entity].add(str(reference.key))
    found: dict[tuple[str, str], int] = {}
    for name, ids in wanted.items():
        survivors = aliases.resolve(conn, company, name, side, ids)
        linked = links.link_ids(conn, company, name, side, ids | set(survivors.values()))
        meant = {**linked, **{loser: linked[kept] for loser, kept in survivors.items() if kept in linked}}
        found |= {(name, native): meant[native] for native in ids if native in meant}
    return found


def _held(conn: Connection, company: str, entity: Entity) -> dict[tuple[Side, str], str]:
    """Records with an open match candidate: they wait for a person and are not created meanwhile."""
    found: dict[tuple[Side, str], str] = {}
    for candidate in candidates.listing(conn, company, entity=entity.name):
        why = f"may be the same as record {candidate.quickbooks_id} of QuickBooks (score {candidate.score})"
        found[Side.CONTRACTOR, candidate.contractor_id] = why
        why = f"may be the same as record {candidate.contractor_id} of the contractor's system ({candidate.score})"
        found[Side.QUICKBOOKS, candidate.quickbooks_id] = why
    return found


def _taken_back(conn: Connection, company: str, entity: Entity) -> dict[tuple[Side, str], str]:
    """Records of which a person undid a write: neither side is copied until somebody decides."""
    found = exceptions.listing(conn, company, entity=entity.name, codes=[refusals.UNDONE.code])
    return {(one.side, one.record_id): one.cause for one in found}


def _tree(
    entity: Entity,
    work: Work,
    link_of: Mapping[Side, Mapping[tuple[str, str], int]],
    held: Mapping[tuple[Side, str], str],
    taken_back: Mapping[tuple[Side, str], str],
) -> Tree:
    link = work.link
    nodes = {
        Side.CONTRACTOR: node(entity, work.contractor, link_of[Side.CONTRACTOR]),
        Side.QUICKBOOKS: node(entity, work.quickbooks, link_of[Side.QUICKBOOKS]),
    }
    waits = [held[side, n.id] for side, n in nodes.items() if n and link is None and (side, n.id) in held]
    waits += [taken_back[side, n.id] for side, n in nodes.items() if n and link and (side, n.id) in taken_back]
    return Tree(
        contractor=nodes[Side.CONTRACTOR],
        quickbooks=nodes[Side.QUICKBOOKS],
        link_id=link.id if link else None,
        base=from_json(entity, link.base) if link else None,
        removed=link is not None and link.state is not LinkState.LIVE,
        contractor_edits=_times(link.contractor_changed) if link else {},
        quickbooks_edits=_times(link.quickbooks_changed) if link else {},
        held=waits[0] if waits else None,
    )


def _relinked(conn: Connection, company: str, entity: Entity, works: Iterable[Work]) -> dict[int, frozenset[str]]:
    """By link, the fields whose agreed reference is to a link that is no more: nobody edited them, so no edit's time
    can decide between the two records that the sides mean now."""
    agreed = [
        (w.link.id, f.name, f.refers_to or "", w.link.base[f.name])
        for w in works
        for f in entity.fields
        if w.link is not None and f.kind is Kind.REF and isinstance(w.link.base.get(f.name), int)
    ]
    there = {
        name: links.native_ids(conn, company, name, {key for _, _, target, key in agreed if target == name}).keys()
        for name in {target for _, _, target, _ in agreed}
    }
    found: defaultdict[int, set[str]] = defaultdict(set)
    for link_id, field, target, key in agreed:
        if key not in there[target]:
            found[link_id].add(field)
    return {link_id: frozenset(fields) for link_id, fields in found.items()}


def _ours(
    entity: Entity, tree: Tree, ours: Mapping[leftovers.Key, leftovers.Hold], unsettled: Mapping[Side, Sequence[Write]]
) -> Tree:
    """A tree without a link, knowing whether we made its record ourselves, or may have."""
    side = Side.CONTRACTOR if tree.contractor is not None else Side.QUICKBOOKS
    found = tree.node(side)
    if tree.link_id is not None or found is None:
        return tree
    hold = ours.get((side, found.id))
    if hold is not None:
        return replace(tree, held=hold.reason, left_over=hold.problem)
    if leftovers.may_be(entity, unsettled.get(side, ()), found.values) is None:
        return tree
    return replace(tree, held="may be what an unsettled write of ours made; it waits until that is settled")


def node(entity: Entity, staged: Staged | None, link_of: Mapping[tuple[str, str], int]) -> Node | None:
    """One staged row in link space."""
    if staged is None:
        return None
    record = staged.record
    return Node(
        id=record.id,
        version=record.version,
        updated_at=record.updated_at,
        values=project(entity, record.values, link_of),
        label=label(entity, record.values),
        state=record.state,
        skip=record.skip,
        frozen=record.frozen,
    )


def _times(stored: Mapping[str, str]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(at) for name, at in stored.items()}


def native_ids_of(
    conn: Connection, company: str, side: Side, entity: Entity, values: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, int], str]:
    """The native id on `side` of every link that the values refer to."""
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for each in values:
        for reference in references(entity, each):
            if isinstance(reference.key, int):
                wanted[reference.entity].add(reference.key)
    return {
        (name, link_id): native
        for name, ids in wanted.items()
        for link_id, found in links.native_ids(conn, company, name, ids).items()
        if (native := found.on(side)) is not None
    }


def entity_of(name: str) -> Entity:
    return ENTITIES[name]


def staged_link(conn: Connection, company: str, link_id: int) -> Link:
    return links.get_many(conn, company, [link_id])[link_id]
