"""Load: carry out the planner's verdicts for one entity, in rounds until nothing is left to write.

Invariant: a verdict that needs no write changes neither system; what must wait is counted, logged and named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Entity, Kind
from qb_pipeline.entities.values import same, to_json
from qb_pipeline.store import links
from qb_pipeline.store.links import LinkState, LinkUpdate
from qb_pipeline.sync import blockers, causes, problems, refusals
from qb_pipeline.sync.applications import with_applications
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.plan import Node, Plan, Tree, Verdict, plan
from qb_pipeline.sync.refusals import Problem
from qb_pipeline.sync.trees import Owed, owed
from qb_pipeline.sync.writing import write

ROUNDS = 4
_WAITING = (Verdict.PARKED, Verdict.REVIEW, Verdict.SKIPPED)


@dataclass(frozen=True)
class Decision:
    """One record and what the planner says of it."""

    owed: Owed
    plan: Plan


@dataclass
class Loaded:
    """What one entity's load came to: writes sent, removals put off, and records that wait for others."""

    writes: int = 0
    removals: int = 0
    parked: list[Owed] = field(default_factory=list)


def diff(ctx: Context, entity: Entity) -> list[Decision]:
    """The verdicts for every record of an entity that may need a write; changes nothing."""
    known = with_applications(ctx, entity, owed(ctx, entity))
    return [Decision(o, plan(entity, o.tree, ctx.rules)) for o in known]


def load(
    ctx: Context, entity: Entity, decisions: Sequence[Decision] | None = None, *, removing: bool = False
) -> Loaded:
    """Write what is owed, read back, and plan again until nothing is left; `decisions` is the first round's diff.

    Removals are counted and put off unless `removing`: what refers to a record must let go of it first.
    """
    loaded = Loaded()
    for number in range(ROUNDS):
        current = diff(ctx, entity) if decisions is None or number else decisions
        settle(ctx, entity, current)
        owing = [(d.owed, op) for d in current for op in d.plan.operations]
        loaded.removals = 0 if removing else sum(op.removes for _, op in owing)
        owing = [(owed, op) for owed, op in owing if removing or not op.removes]
        written = 0 if ctx.dry else write(ctx, entity, owing, removals_put_off=loaded.removals > 0)
        loaded.writes += written
        loaded.parked = [d.owed for d in current if d.plan.verdict is Verdict.PARKED]
        if not written:
            break
    return loaded


def settle(ctx: Context, entity: Entity, decisions: Sequence[Decision]) -> None:
    """Store the verdicts that need no write: agreement moves the base, problems become exceptions."""
    causes.begin(ctx, entity)
    if decisions:
        _store(ctx, entity, decisions)
    for verdict in _WAITING:
        ctx.tally.put(entity.name, verdict.value, sum(d.plan.verdict is verdict for d in decisions))


def _store(ctx: Context, entity: Entity, decisions: Sequence[Decision]) -> None:
    with ctx.begin() as conn:
        agreed = [d for d in decisions if d.plan.verdict in (Verdict.AGREED, Verdict.ENDED)]
        waiting = [d for d in decisions if d.plan.verdict not in (Verdict.AGREED, Verdict.ENDED)]
        updates = [_agreed_update(entity, d) for d in agreed] + [_waiting_update(entity, d) for d in waiting]
        links.update_base_many(conn, ctx.company, [u for u in updates if u is not None])
        problems.resolve(ctx, conn, entity, [key for d in agreed for key in problems.keys_of(d.owed)])
        said = [(d.owed, p) for d in decisions for p in d.plan.problems]
        closed = [(o, p) for o, p in said if p.code == refusals.BOOKS_CLOSED.code]
        for owed_by, problem in closed:
            causes.books_closed(ctx, entity, owed_by, problem)
        held = [key for o, _ in closed for key in problems.keys_of(o)]
        problems.resolve(ctx, conn, entity, held, codes=[refusals.FROZEN.code])  # of before, when a deposit held it
        _close_other_hold(ctx, conn, entity, said)
        own = [(o, p) for o, p in said if p.code != refusals.BOOKS_CLOSED.code]
        found = [problems.from_plan(ctx, entity, o, blockers.with_names(ctx, conn, entity, o, p)) for o, p in own]
        problems.report(ctx, conn, entity, found)
        _log_waiting(ctx, conn, entity, waiting)


def _close_other_hold(ctx: Context, conn: Connection, entity: Entity, said: Sequence[tuple[Owed, Problem]]) -> None:
    """A removal is held by one thing at a time: a payment that was deposited meanwhile, or taken out of its deposit,
    holds it otherwise than before, and so does an edit of what is said to be gone."""
    holds = {refusals.FROZEN.code, refusals.REMOVED_BUT_EDITED.code, refusals.NAME_GONE.code}
    for code in holds:
        keys = [key for o, p in said if p.code == code for key in problems.keys_of(o)]
        problems.resolve(ctx, conn, entity, keys, codes=sorted(holds - {code}))


def _agreed_update(entity: Entity, decision: Decision) -> LinkUpdate | None:
    link, work = decision.owed.work.link, decision.owed.work
    if link is None:
        return None
    return LinkUpdate(
        link.id,
        base=to_json(entity, decision.plan.base or {}),
        contractor_hash=work.contractor.content_hash if work.contractor else None,
        quickbooks_hash=work.quickbooks.content_hash if work.quickbooks else None,
        contractor_changed={},
        quickbooks_changed={},
        state=_ended_state(decision.owed.tree) if decision.plan.verdict is Verdict.ENDED else LinkState.LIVE,
    )


def _ended_state(tree: Tree) -> LinkState:
    voided = any(n is not None and n.state is State.VOIDED for n in (tree.contractor, tree.quickbooks))
    return LinkState.VOIDED if voided else LinkState.REMOVED


def _waiting_update(entity: Entity, decision: Decision) -> LinkUpdate | None:
    """When each field was first seen to differ: should it still differ at the next run, that is the edit's time."""
    tree, link = decision.owed.tree, decision.owed.work.link
    if link is None or tree.contractor is None or tree.quickbooks is None:
        return None
    return LinkUpdate(
        link.id,
        contractor_changed=_edits(entity, tree, tree.contractor, tree.contractor_edits),
        quickbooks_changed=_edits(entity, tree, tree.quickbooks, tree.quickbooks_edits),
    )


def _edits(entity: Entity, tree: Tree, node: Node, known: Mapping[str, datetime]) -> dict[str, str]:
    base = tree.base or {}
    return {
        f.name: (known.get(f.name) or node.updated_at).isoformat()
        for f in entity.fields
        if f.kind is not Kind.LINES and f.name in base and not same(f, node.values.get(f.name), base[f.name])
    }


def _log_waiting(ctx: Context, conn: Connection, entity: Entity, waiting: Sequence[Decision]) -> None:
    """Once per observation, not once per run: a record that waits for weeks has one line, not a thousand."""
    for decision in waiting:
        work = decision.owed.work
        seen = max(s.seen_at for s in (work.contractor, work.quickbooks) if s is not None)
        if decision.plan.verdict not in _WAITING or seen < ctx.started_at:
            continue
        side, record_id = problems.key_of(decision.owed)
        reason = decision.plan.reason or "waits for " + ", ".join(
            blockers.names(ctx, conn, blockers.waits(decision.owed))
        )
        ctx.log(
            conn, entity, side, decision.plan.verdict.value, record_id=record_id,
            record_label=decision.owed.tree.label, detail={"why": reason},
        )  # fmt: skip
