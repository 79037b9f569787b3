"""Turning what went wrong with a record into its row of the exception table, and taking it back when it agrees.

Invariant: a record has one open exception per cause; the same write is not sent again unchanged while it rests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import PipelineError
from qb_pipeline.store import exceptions, links, staging
from qb_pipeline.sync import plan as planning
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.linkspace import Unlinked, unlinked
from qb_pipeline.sync.trees import Owed, entity_of

Key = tuple[Side, str]
MISSING_REFERENCE = "missing_reference"
NOT_TAKEN = "not_taken"
CLASSES_OFF = "class_tracking_off"


def key_of(owed: Owed) -> Key:
    """Where a record's exceptions stand: under its QuickBooks id, or the contractor's while there is none."""
    node = owed.tree.quickbooks
    if node is not None:
        return Side.QUICKBOOKS, node.id
    return Side.CONTRACTOR, owed.tree.contractor.id if owed.tree.contractor else "?"


def keys_of(owed: Owed) -> list[Key]:
    """Everywhere a record's exceptions may stand: under either side's id, from before and after it was linked."""
    nodes = ((Side.QUICKBOOKS, owed.tree.quickbooks), (Side.CONTRACTOR, owed.tree.contractor))
    return [(side, node.id) for side, node in nodes if node is not None]


def from_plan(ctx: Context, entity: Entity, owed: Owed, problem: planning.Problem) -> exceptions.Problem:
    side, record_id = key_of(owed)
    return exceptions.Problem(
        entity=entity.name, side=side, record_id=record_id, code=problem.code, title=problem.title,
        cause=problem.cause, fix=problem.fix, who=problem.who, retry_safe=False,
        record_label=owed.tree.label, run_id=ctx.run_id,
    )  # fmt: skip


def from_error(
    ctx: Context, entity: Entity, key: Key, name: str, error: PipelineError, fingerprint: str | None
) -> exceptions.Problem:
    side, record_id = key
    return exceptions.Problem.from_error(
        error, entity=entity.name, side=side, record_id=record_id, title=f"{name}: {error.recovery}",
        record_label=name, fingerprint=fingerprint, run_id=ctx.run_id,
    )  # fmt: skip


def report(ctx: Context, conn: Connection, entity: Entity, problems: Sequence[exceptions.Problem]) -> None:
    exceptions.report(conn, ctx.company, problems, ctx.now())
    for problem in problems:
        ctx.log(
            conn, entity, problem.side, "exception", record_id=problem.record_id, record_label=problem.record_label,
            detail={"code": problem.code, "cause": problem.cause, "fix": problem.fix},
        )  # fmt: skip


def resolve(ctx: Context, conn: Connection, entity: Entity, keys: Iterable[Key]) -> None:
    """Close whatever was open for records that agree or were written."""
    by_side: defaultdict[Side, list[str]] = defaultdict(list)
    for side, record_id in keys:
        by_side[side].append(record_id)
    for side, ids in by_side.items():
        exceptions.resolve(conn, ctx.company, entity.name, side, ids, now=ctx.now())


def resting(ctx: Context, conn: Connection, entity: Entity) -> dict[Key, dict[str, datetime]]:
    """Fingerprints of refused writes, with the time of the refusal: they rest until their inputs change or somebody
    asks for a retry. Within the run that refused them they are tried again, for others' writes may have made room."""
    found: defaultdict[Key, dict[str, datetime]] = defaultdict(dict)
    for one in exceptions.listing(conn, ctx.company, entity=entity.name):
        due = one.next_attempt_at is not None and one.next_attempt_at <= ctx.now()
        if one.fingerprint and one.last_seen and not due and (one.run_id != ctx.run_id or one.code == NOT_TAKEN):
            found[one.side, one.record_id][one.fingerprint] = one.last_seen
    return dict(found)


def close_obsolete(ctx: Context, conn: Connection) -> None:
    """Close exceptions of records that are gone, or not to be synchronised any more, without ever being linked."""
    for one in exceptions.listing(conn, ctx.company):
        if one.code == MISSING_REFERENCE or one.record_id == "*":
            continue
        staged = staging.fetch(conn, ctx.company, one.side, one.entity, [one.record_id]).get(one.record_id)
        over = staged is not None and (staged.record.state is State.DELETED or staged.record.skip is not None)
        if over and not links.find(conn, ctx.company, one.entity, one.side, [one.record_id]):
            exceptions.resolve(conn, ctx.company, one.entity, one.side, [one.record_id], [one.code], ctx.now())


def report_missing_references(ctx: Context, conn: Connection, parked: Sequence[Owed]) -> int:
    """One exception per reference that records wait for, with the names of all it blocks; closes those that no record
    waits for any more. Returns how many stand."""
    blocked: defaultdict[tuple[Side, Unlinked], list[str]] = defaultdict(list)
    for owed in parked:
        side = Side.CONTRACTOR if owed.tree.contractor is not None else Side.QUICKBOOKS
        for reference in dict.fromkeys(_waits(owed)):
            blocked[side, reference].append(owed.tree.label)
    found = [
        problem
        for (side, reference), names in blocked.items()
        if (problem := _missing_reference(ctx, conn, side, reference, names)) is not None
    ]
    exceptions.report(conn, ctx.company, found, ctx.now())
    standing = {(p.entity, p.side, p.record_id) for p in found}
    for old in exceptions.listing(conn, ctx.company):
        if old.code == MISSING_REFERENCE and (old.entity, old.side, old.record_id) not in standing:
            exceptions.resolve(conn, ctx.company, old.entity, old.side, [old.record_id], [old.code], ctx.now())
    return len(found)


def _waits(owed: Owed) -> list[Unlinked]:
    nodes = [n for n in (owed.tree.contractor, owed.tree.quickbooks) if n is not None]
    return [r for n in nodes for r in unlinked(_spec(owed), n.values)]


def _spec(owed: Owed) -> Entity:
    staged = owed.work.contractor or owed.work.quickbooks
    if staged is None:
        raise ValueError("a parked record is staged on one side at least")
    return entity_of(staged.record.entity)


def _missing_reference(
    ctx: Context, conn: Connection, side: Side, reference: Unlinked, names: Sequence[str]
) -> exceptions.Problem | None:
    """The exception of one reference, which repeats the cause of the record's own exception, if it has one."""
    target = entity_of(reference.entity)
    staged = staging.fetch(conn, ctx.company, side, target.name, [reference.native_id]).get(reference.native_id)
    named = label(target, staged.record.values) if staged else f"{target.title} {reference.native_id}"
    known = exceptions.of_records(conn, ctx.company, target.name, side, [reference.native_id])
    others = [e for e in known.get(reference.native_id, []) if e.code != MISSING_REFERENCE]
    here = "QuickBooks" if side is Side.QUICKBOOKS else "the contractor's system"
    there = "the contractor's system" if side is Side.QUICKBOOKS else "QuickBooks"
    cause = f"{named} of {here} has no counterpart in {there}; {len(names)} records wait for it."
    if others:
        cause = f"{cause} {others[0].cause}"
    return exceptions.Problem(
        entity=target.name, side=side, record_id=reference.native_id, code=MISSING_REFERENCE,
        title=f"{named} is not linked", cause=cause,
        fix=f"Create it in {there}, or link it to an existing one (qb-pipeline review link).",
        who="accountant", retry_safe=False, record_label=named, blocks=list(names), run_id=ctx.run_id,
    )  # fmt: skip


def report_untracked_divisions(ctx: Context, conn: Connection) -> None:
    """Divisions need class tracking; where it is off, that is said once, not by silence."""
    division = entity_of("division")
    count = staging.live_count(conn, ctx.company, Side.CONTRACTOR, division.name)
    if not count or ctx.quickbooks.facts.class_tracking != "off":
        exceptions.resolve(conn, ctx.company, division.name, Side.CONTRACTOR, ["*"], [CLASSES_OFF], ctx.now())
        return
    problem = exceptions.Problem(
        entity=division.name, side=Side.CONTRACTOR, record_id="*", code=CLASSES_OFF, title="Class tracking is off",
        cause=f"{count} divisions are not copied, because QuickBooks has class tracking switched off.",
        fix="Switch on class tracking in QuickBooks (Account and settings, Advanced), or ignore this.",
        who="owner", retry_safe=False, record_label="Divisions", run_id=ctx.run_id,
    )  # fmt: skip
    exceptions.report(conn, ctx.company, [problem], ctx.now())


def counts(conn: Connection, company: str, entity: Entity) -> Mapping[str, int]:
    """Unresolved exceptions and conflicts of an entity."""
    found = exceptions.listing(conn, company, entity=entity.name)
    conflicts = sum(e.code.startswith("conflict_") for e in found)
    return {"conflicts": conflicts, "exceptions": len(found) - conflicts}
