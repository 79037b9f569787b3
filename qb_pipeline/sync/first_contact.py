"""First contact: which unlinked records of the two sides are the same thing.

Invariant: only exact and strong, mutually unique matches are linked by themselves; weak ones wait for a person and
neither record is created on the other side meanwhile; a rejected pair is never proposed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Direction, Entity, Side
from qb_pipeline.store import candidates, links, staging
from qb_pipeline.store.candidates import Proposal
from qb_pipeline.store.journal import Phase
from qb_pipeline.store.staging import Staged
from qb_pipeline.sync import leftovers, merging
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.linkspace import Unlinked, project
from qb_pipeline.sync.matching import Candidate
from qb_pipeline.sync.matching import candidates as find_candidates
from qb_pipeline.sync.trees import link_ids_of

Observed = Mapping[str, Mapping[str, Any]]


def match(ctx: Context, entity: Entity) -> int:
    """Link what is certainly the same and propose what may be; returns the number of new links."""
    if ctx.rules.entity_direction(entity) is Direction.NONE:
        return 0
    merging.follow(ctx, entity)
    with ctx.look() as conn:
        sides = {side: _unlinked(ctx, conn, entity, side) for side in Side}
        rejected = candidates.rejected_pairs(conn, ctx.company, entity.name)
        _leave_unsettled(ctx, conn, entity, sides)
        proposed = candidates.listing(conn, ctx.company, entity=entity.name)
    contractor, quickbooks = sides[Side.CONTRACTOR], sides[Side.QUICKBOOKS]
    found = find_candidates(entity, contractor, quickbooks, rejected=rejected)
    certain = [c for c in found if c.match_class.automatic]
    unsure = [c for c in found if not c.match_class.automatic]
    if found or proposed:
        with ctx.begin() as conn:
            _link(ctx, conn, entity, certain, contractor)
            candidates.withdraw(conn, ctx.company, entity.name, keep={(c.left_id, c.right_id) for c in unsure})
            _propose(ctx, conn, entity, unsure)
    ctx.tally.add(entity.name, "linked", len(certain))
    return len(certain)


def _unlinked(ctx: Context, conn: Connection, entity: Entity, side: Side) -> dict[str, dict[str, Any]]:
    """Live unlinked records in link space; a reference without a link says nothing."""
    rows: list[Staged] = [
        s for s in staging.unlinked(conn, ctx.company, side, entity.name) if s.record.state is State.LIVE
    ]
    link_of = link_ids_of(conn, ctx.company, entity, side, [s.record for s in rows])
    return {s.record.id: _without_unlinked(project(entity, s.record.values, link_of)) for s in rows}


def _leave_unsettled(ctx: Context, conn: Connection, entity: Entity, sides: Mapping[Side, dict[str, Any]]) -> None:
    """Keep out whose creation left without an answer, and what it may have made: asking again tells which it is."""
    for side, rows in leftovers.unsettled(conn, ctx.company, entity).items():
        sent = [row for row in rows if row.phase is Phase.SENT]
        for row in sent:
            sides[side.other].pop(row.source_id or "", None)
        for native in [i for i, values in sides[side].items() if leftovers.may_be(entity, sent, values)]:
            del sides[side][native]


def _without_unlinked(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, Unlinked) else v for k, v in values.items()}


def _link(ctx: Context, conn: Connection, entity: Entity, certain: Sequence[Candidate], contractor: Observed) -> None:
    new = [
        links.NewLink(
            ctx.company, entity.name, c.left_id, c.right_id, match_class=c.match_class.value, evidence=list(c.evidence)
        )
        for c in certain
    ]
    if new:
        links.create_many(conn, new)
    for c in certain:
        ctx.log(
            conn, entity, Side.CONTRACTOR, "linked", record_id=c.left_id,
            record_label=label(entity, contractor[c.left_id]),
            detail={"quickbooks_id": c.right_id, "class": c.match_class.value, "evidence": list(c.evidence)},
        )  # fmt: skip


def _propose(ctx: Context, conn: Connection, entity: Entity, weak: Sequence[Candidate]) -> None:
    proposals = [
        Proposal(entity.name, c.left_id, c.right_id, c.match_class.value, c.score, list(c.evidence)) for c in weak
    ]
    candidates.propose(conn, ctx.company, proposals, ctx.now())
