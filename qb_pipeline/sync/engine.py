"""The steps of a sync, in order; Dagster's ops and the command line call these and nothing deeper.

Invariant: recover, read both sides, then match, diff and load entity by entity in dependency order; after a run that
succeeded, another one right away writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Direction, Entity, Side
from qb_pipeline.store import cursors, staging
from qb_pipeline.sync import blockers, causes, problems
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.facts import read_preferences, refresh_credits, refresh_facts
from qb_pipeline.sync.first_contact import match
from qb_pipeline.sync.load import Decision, diff, load
from qb_pipeline.sync.plan import Verdict
from qb_pipeline.sync.reading import contractor, quickbooks
from qb_pipeline.sync.reading.positions import Position
from qb_pipeline.sync.recovery import recover
from qb_pipeline.sync.trees import Owed
from qb_pipeline.sync.undoing import asking

_PASSES = 5
_FEW = 500  # writes whose echoes are still cheap to read: CDC answers 1,000 objects at most
_FACT_GIVERS = frozenset({"account", "tax_rate", "customer", "job"})


@dataclass
class Result:
    """What a run came to: writes sent, and what waits."""

    writes: int = 0
    parked: list[Owed] = field(default_factory=list)
    removing: set[str] = field(default_factory=set)  # entities with removals put off to the end
    loaded: set[str] = field(default_factory=set)


def prepare(ctx: Context) -> None:
    """Settle what an earlier run left unanswered; needs the facts of before, to read old answers."""
    read_preferences(ctx)
    refresh_facts(ctx)
    refresh_credits(ctx)
    recover(ctx)


def extract(ctx: Context) -> None:
    """Read both sides at once."""
    with ThreadPoolExecutor(2, thread_name_prefix="extract") as pool:
        reading = [pool.submit(contractor.extract, ctx), pool.submit(quickbooks.extract, ctx)]
        for each in reading:
            each.result()


def entities(ctx: Context, only: Iterable[str] | None = None) -> list[Entity]:
    """What is synchronised, in the order of writing."""
    wanted = set(only) if only is not None else set(ENTITIES)
    return [e for e in ctx.two_sided() if e.name in wanted and ctx.rules.entity_direction(e) is not Direction.NONE]


def sync_entity(ctx: Context, entity: Entity, result: Result) -> None:
    """Match, diff and load one entity."""
    ctx.progress(f"comparing {entity.plural.replace('_', ' ')}")
    match(ctx, entity)
    load_entity(ctx, entity, diff(ctx, entity), result)


def load_entity(ctx: Context, entity: Entity, decisions: Sequence[Decision], result: Result) -> None:
    """Write what an entity's diff owes; then the facts that rest on it."""
    loaded = load(ctx, entity, decisions)
    result.writes += loaded.writes
    result.parked += loaded.parked
    result.loaded.add(entity.name)
    if loaded.removals:
        result.removing.add(entity.name)
    if loaded.writes and entity.name in _FACT_GIVERS:
        refresh_facts(ctx)
    if loaded.writes and entity.name == "invoice":
        refresh_credits(ctx)  # which names invoices by their numbers


def remove(ctx: Context, result: Result) -> bool:
    """Carry out the removals, dependents first: a payment lets go of its invoice before the invoice is voided.

    Returns whether anything was removed.
    """
    before = result.writes
    for entity in reversed(entities(ctx, result.removing)):
        ctx.progress(f"removing {entity.plural.replace('_', ' ')}")
        result.writes += load(ctx, entity, removing=True).writes
    return result.writes > before


def settle(ctx: Context, result: Result) -> None:
    """Remove what is to go, and go over everything again while that still changes something.

    A document that was refused because a payment held it, or a payment because its document had not moved, finds its
    way free in the next pass. A run that writes nothing passes once.
    """
    before = 0
    for _ in range(_PASSES):
        removed = remove(ctx, result)
        if result.writes == before:
            return
        before, result.parked, result.removing = result.writes, [], set()
        looked = _look_again(ctx, result, removed=removed)
        for entity in entities(ctx, result.loaded):
            if looked:
                match(ctx, entity)
            load_entity(ctx, entity, diff(ctx, entity), result)


def _look_again(ctx: Context, result: Result, *, removed: bool) -> bool:
    """Read what the writes moved in QuickBooks beside the records written, where that matters; returns whether it did.

    A void empties the payments of its invoice, and every posting moves its customer: the next run would see that and
    write again, or ask again for what was refused. A run that removes nothing and is refused nothing does not look.
    """
    if result.writes > _FEW or not (removed or problems.refused(ctx)):
        return False
    quickbooks.look_again(ctx)
    return True


def finish(ctx: Context, result: Result) -> None:
    """Settle what is left, name what records wait for, count what stands open, put down the reading positions."""
    settle(ctx, result)
    result.parked += _parked_elsewhere(ctx, result)
    with ctx.begin() as conn:
        blockers.report_untracked_divisions(ctx, conn)
        causes.report(ctx, conn, complete=result.loaded >= {e.name for e in entities(ctx)})
        problems.close_obsolete(ctx, conn)
        asking.ask_again(ctx, conn)
        blockers.report_waiting(ctx, conn, result.parked)  # in the exceptions that are left, so after those
        for name, counted in problems.counts(conn, ctx.company).items():
            for what, count in counted.items():
                ctx.tally.put(name, what, count)
    _leave_busy_overlaps(ctx)


def _parked_elsewhere(ctx: Context, result: Result) -> list[Owed]:
    """What waits among the entities a partial run left alone: their missing references are not settled by silence."""
    others = [e for e in entities(ctx) if e.name not in result.loaded]
    return [d.owed for e in others for d in diff(ctx, e) if d.plan.verdict is Verdict.PARKED]


def sync(ctx: Context, only: Iterable[str] | None = None, reading: Callable[[Context], object] | None = None) -> Result:
    """A whole run, from recovery to the summary. `reading` takes the place of reading what changed on both sides."""
    result = Result()
    prepare(ctx)
    (reading or extract)(ctx)
    agree(ctx, result, only)
    return result


def agree(ctx: Context, result: Result, only: Iterable[str] | None = None) -> None:
    """What follows the reading: match, diff and load entity by entity, then the summary."""
    for entity in entities(ctx, only):
        sync_entity(ctx, entity, result)
    finish(ctx, result)


def _leave_busy_overlaps(ctx: Context) -> None:
    """Turn overlaps that hold very much (mostly our own writes) into debts, so that the next run stays cheap."""
    with ctx.begin() as conn:
        _leave(ctx, conn, Side.QUICKBOOKS, quickbooks.STREAM, [e.name for e in ENTITIES.values() if e.in_cdc])
        for entity in ctx.two_sided():
            _leave(ctx, conn, Side.CONTRACTOR, entity.name, [entity.name])


def _leave(ctx: Context, conn: Connection, side: Side, stream: str, names: Sequence[str]) -> None:
    stored = cursors.get(conn, ctx.company, side, stream)
    if stored is None:
        return
    position = Position.from_json(stored)
    now = ctx.now()  # a time of change that lies in the future is an error, and no end of a window
    found = [staging.changed_since(conn, ctx.company, side, name, position.since, now) for name in names]
    newest = max((at for _, at in found if at is not None), default=None)
    moved = position.behind(sum(count for count, _ in found), newest)
    cursors.put(conn, ctx.company, side, stream, moved.to_json())
