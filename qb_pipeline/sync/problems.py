"""Turning what went wrong with a record into its row of the exception table, and taking it back when it agrees.

Invariant: a record has one open exception per cause; the same write is not sent again unchanged while it rests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import PipelineError
from qb_pipeline.store import exceptions, journal, links, staging, worklist
from qb_pipeline.store.journal import Write
from qb_pipeline.sync import marks, refusals, situations
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.trees import Owed
from qb_pipeline.sync.wire import fingerprint

Key = tuple[Side, str]
MISSING_REFERENCE = refusals.MISSING_REFERENCE.code
UNDECIDED = refusals.UNDECIDED.code
WAITED_FOR = frozenset({MISSING_REFERENCE, UNDECIDED})  # said of what others wait for, as long as they do
_FOR_OTHERS = WAITED_FOR | {refusals.INACTIVE_REFERENCE.code}  # about a record that did not fail itself
NOT_TAKEN = refusals.NOT_TAKEN.code
COMPANY_WIDE = frozenset({"qbo_6190", "qbo_5020", "qbo_5030", "qbo_10200"})  # refused whatever the record
_NEVER = datetime.max.replace(tzinfo=UTC)
CLASSES_OFF = refusals.CLASSES_OFF.code
MERGED = refusals.MERGED_ON_ONE_SIDE.code
UNDONE = refusals.UNDONE.code
_OF_THE_ENGINE = frozenset(situation.code for situation in refusals.SITUATIONS)
_OF_A_DIFFERENCE = frozenset(
    s.code for s in (refusals.NAME_GONE, refusals.REMOVED_BUT_EDITED, refusals.FROZEN, refusals.FIXED_AT_CREATION)
)
_CONFLICT = refusals.CONFLICT.code.removesuffix("{field}")


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


def from_plan(ctx: Context, entity: Entity, owed: Owed, problem: refusals.Problem) -> exceptions.Problem:
    side, record_id = key_of(owed)
    return exceptions.Problem(
        entity=entity.name, side=side, record_id=record_id, code=problem.code, title=problem.title,
        cause=problem.cause, fix=problem.fix, who=problem.who, retry_safe=False,
        record_label=owed.tree.label, fingerprint=marks.of_plan(entity, owed, problem), run_id=ctx.run_id,
        asks=refusals.asks(problem.code),
    )  # fmt: skip


def shared(
    ctx: Context, entity: Entity, side: Side, record_id: str, said: refusals.Problem, name: str, blocks: Sequence[str]
) -> exceptions.Problem:
    """What stands in the way of many records, as one exception with the names of all it blocks."""
    return exceptions.Problem(
        entity=entity.name, side=side, record_id=record_id, code=said.code, title=said.title, cause=said.cause,
        fix=said.fix, who=said.who, retry_safe=False, record_label=name, blocks=list(blocks), run_id=ctx.run_id,
        fingerprint=marks.of_shared(said, name, blocking=bool(blocks)),
    )  # fmt: skip


def from_error(
    ctx: Context, entity: Entity, key: Key, name: str, error: PipelineError, fingerprint: str | None
) -> exceptions.Problem:
    """Of a refused write with its fingerprint; without one, of what can't be expressed or read."""
    side, record_id = key
    if fingerprint is None and not error.retry_safe:  # what a passing fault says may differ each time
        fingerprint = marks.mark(error.code, error.cause)
    return exceptions.Problem.from_error(
        error, entity=entity.name, side=side, record_id=record_id,
        title=situations.title_of(error.code, error.recovery.capitalize()),
        record_label=name, fingerprint=fingerprint, run_id=ctx.run_id,
    )  # fmt: skip


def of_itself(one: exceptions.Reported) -> bool:
    """Whether an exception is about one record that failed itself, so that what waits for the record waits for it."""
    return one.code not in _FOR_OTHERS and not one.record_id.startswith("*")


def of_fields(entity: Entity) -> list[str]:
    """Codes of what is said of single fields: it stands until these agree, whatever else of the record is written."""
    return [refusals.FIXED_AT_CREATION.code, *(_CONFLICT + spec.name for spec in entity.fields)]


def report(ctx: Context, conn: Connection, entity: Entity, problems: Sequence[exceptions.Problem]) -> None:
    exceptions.report(conn, ctx.company, problems, ctx.now())
    for problem in problems:
        ctx.log(
            conn, entity, problem.side, "exception", record_id=problem.record_id, record_label=problem.record_label,
            detail={"code": problem.code, "cause": problem.cause, "fix": problem.fix},
        )  # fmt: skip


def resolve(
    ctx: Context, conn: Connection, entity: Entity, keys: Iterable[Key], *,
    codes: Sequence[str] | None = None, but: Sequence[str] = (),
) -> None:  # fmt: skip
    """Close whatever was open for records that agree or were written (only `codes`, if given), but not the codes in
    `but`."""
    by_side: defaultdict[Side, list[str]] = defaultdict(list)
    for side, record_id in keys:
        by_side[side].append(record_id)
    for side, ids in by_side.items():
        exceptions.resolve(conn, ctx.company, entity.name, side, ids, codes, ctx.now(), but=but)


def resting(ctx: Context, conn: Connection, entity: Entity) -> dict[Key, dict[str, datetime]]:
    """Fingerprints of refused writes, with the time of the refusal: they rest until their inputs change or somebody
    asks for a retry. Within the run that refused them they are tried again, for others' writes may have made room;
    what met a passing fault is tried once a run, and by a run nobody started by hand only when it is due."""
    found: defaultdict[Key, dict[str, datetime]] = defaultdict(dict)
    listed = exceptions.listing(conn, ctx.company, entity=entity.name)
    probes = _probes(ctx, listed)
    for one in listed:
        if one.fingerprint and one.id not in probes and (until := _rests_until(ctx, one)) is not None:
            known = found[one.side, one.record_id]
            known[one.fingerprint] = max(until, known.get(one.fingerprint, until))
    return dict(found)


def _probes(ctx: Context, listed: Sequence[exceptions.Reported]) -> set[int]:
    """Of what the whole company is refused for, the longest waiting write of each code is tried once a run: nobody
    tells us that a subscription was renewed. `release_company` lets the others go when it gets through."""
    oldest: dict[str, exceptions.Reported] = {}
    for one in listed:
        if one.code in COMPANY_WIDE and one.state is exceptions.ExceptionState.OPEN and one.run_id != ctx.run_id:
            oldest[one.code] = min(oldest.get(one.code, one), one, key=lambda e: e.id)
    tried = {e.code for e in listed if e.code in COMPANY_WIDE and e.run_id == ctx.run_id}
    return {one.id for code, one in oldest.items() if code not in tried}


def release_company(ctx: Context, conn: Connection, entity: Entity, keys: Collection[Key]) -> None:
    """Writes got through that the company was refused: have everything tried that was refused for the same."""
    refused_before = exceptions.listing(conn, ctx.company, entity=entity.name, codes=COMPANY_WIDE)
    codes = {e.code for e in refused_before if (e.side, e.record_id) in keys}
    if codes:
        exceptions.retry(conn, ctx.company, now=ctx.now(), codes=codes)


def _rests_until(ctx: Context, one: exceptions.Reported) -> datetime | None:
    """The time since which something must have moved before the same write is sent again; None sends it now."""
    if one.retry_safe:
        return _NEVER if waits_its_turn(ctx, one) else None
    due = one.next_attempt_at is not None and one.next_attempt_at <= ctx.now()
    if due or one.last_seen is None or (one.run_id == ctx.run_id and one.code != NOT_TAKEN):
        return None
    # What was accepted in vain moved its customer's balance itself, so that movement is no news.
    return _NEVER if one.code == NOT_TAKEN else one.last_seen


def waits_its_turn(ctx: Context, one: exceptions.Reported) -> bool:
    """Whether a passing fault is to be left alone by this run: dead, ignored, tried in this run, or not due yet."""
    if one.state is not exceptions.ExceptionState.RETRYING or one.next_attempt_at is None:
        return True
    if one.attempts and one.run_id == ctx.run_id:
        return True
    return one.next_attempt_at > ctx.now() and not ctx.retry_now


def key_of_row(row: Write) -> Key:
    """Where the exceptions of a journalled write stand, for one who has only the row."""
    if row.side is Side.QUICKBOOKS and row.target_id is not None:
        return row.side, row.target_id
    return row.side.other, row.source_id or "?"


def unanswered_at_rest(ctx: Context, conn: Connection, rows: Sequence[Write]) -> set[int]:
    """Journal ids of writes without an answer that are not to be asked for again yet.

    What a crash cut off has no exception and is asked for at once. The rest has the backoff and the five attempts of
    any passing fault and stays owed. A batch travels whole: it goes as soon as one of its items may.
    """
    resting = {r.id for r in rows if _rests_unanswered(ctx, conn, r)}
    due = {r.batch_key for r in rows if r.batch_key is not None and r.id not in resting}
    return {r.id for r in rows if r.id in resting and r.batch_key not in due}


def _rests_unanswered(ctx: Context, conn: Connection, row: Write) -> bool:
    side, record_id = key_of_row(row)
    known = exceptions.of_records(conn, ctx.company, row.entity, side, [record_id]).get(record_id, [])
    mark = fingerprint(row.side, row.operation.value, row.intended)
    return any(e.retry_safe and e.fingerprint == mark and waits_its_turn(ctx, e) for e in known)


def supersede(ctx: Context, conn: Connection, entity: Entity, problem: exceptions.Problem) -> exceptions.Problem:
    """Close what the same write was refused for before: the last word of the side that refuses it stands alone, and
    carries on the count of its attempts."""
    side, record_id = problem.side, problem.record_id
    known = exceptions.of_records(conn, ctx.company, entity.name, side, [record_id]).get(record_id, [])
    same_write = [e for e in known if e.fingerprint is not None and e.fingerprint == problem.fingerprint]
    before = [e for e in same_write if e.code not in (problem.code, NOT_TAKEN)]
    exceptions.resolve(conn, ctx.company, entity.name, side, [record_id], [e.code for e in before], ctx.now())
    passing = [e.attempts for e in before if e.retry_safe]
    return replace(problem, attempts_before=max(passing, default=0))


def refused(ctx: Context) -> bool:
    """Whether this run was refused a write."""
    with ctx.look() as conn:
        found = exceptions.listing(conn, ctx.company)
    return any(marks.of_a_write(one.fingerprint) and one.run_id == ctx.run_id for one in found)


def close_obsolete(ctx: Context, conn: Connection) -> None:
    """Close exceptions of records that are gone, or not to be synchronised any more, without ever being linked; and
    those about what was owed, where both sides are as they agreed last, so that nothing is owed any more."""
    listed = exceptions.listing(conn, ctx.company)
    settled = _settled(ctx, conn, [one for one in listed if _of_what_was_owed(one)])
    for one in listed:
        if one.code in WAITED_FOR or one.record_id.startswith("*"):
            continue
        staged = staging.fetch(conn, ctx.company, one.side, one.entity, [one.record_id]).get(one.record_id)
        over = staged is not None and (
            staged.record.state is State.DELETED
            or staged.record.skip is not None
            or (one.code == MERGED and staged.record.values.get("active") is False)
        )
        linked = links.find(conn, ctx.company, one.entity, one.side, [one.record_id])
        if one.id in settled or (over and not linked):
            exceptions.resolve(conn, ctx.company, one.entity, one.side, [one.record_id], [one.code], ctx.now())


def _of_what_was_owed(one: exceptions.Reported) -> bool:
    """Whether an exception is about a difference between two linked records: a write that was refused or could not be
    expressed, or what the planner said of it. What was said on reading rests on no values, and remains."""
    if marks.of_a_write(one.fingerprint) or one.code in _OF_A_DIFFERENCE or one.code.startswith(_CONFLICT):
        return True
    return one.code not in _OF_THE_ENGINE and one.fingerprint not in (None, marks.mark(one.code, one.cause))


def _settled(ctx: Context, conn: Connection, told: Sequence[exceptions.Reported]) -> set[int]:
    """Ids of those of whose records nothing is owed any more and no write is open; the edits that were taken back are
    forgotten, so that their times count for no later one."""
    records: defaultdict[tuple[str, Side], set[str]] = defaultdict(set)
    for one in told:
        records[one.entity, one.side].add(one.record_id)
    agreed = {
        (entity, side, record_id): link_id
        for (entity, side), ids in records.items()
        for record_id, link_id in worklist.as_agreed(conn, ctx.company, side, entity, ids).items()
    }
    unsettled = {(row.entity, *key_of_row(row)) for row in journal.open_rows(conn, ctx.company)} if agreed else set()
    over = {record: link_id for record, link_id in agreed.items() if record not in unsettled}
    forgotten = [links.LinkUpdate(i, contractor_changed={}, quickbooks_changed={}) for i in set(over.values())]
    links.update_base_many(conn, ctx.company, forgotten)
    return {one.id for one in told if (one.entity, one.side, one.record_id) in over}


def counts(conn: Connection, company: str) -> Mapping[str, Mapping[str, int]]:
    """Unresolved exceptions and conflicts of each entity."""
    found = {name: {"conflicts": 0, "exceptions": 0} for name in ENTITIES}
    for one in exceptions.listing(conn, company):
        if one.entity in found:
            found[one.entity]["conflicts" if one.code.startswith("conflict_") else "exceptions"] += 1
    return found
