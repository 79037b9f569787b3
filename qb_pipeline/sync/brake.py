"""The brake on mass changes: where much of a list would be removed or overwritten, the sync stops and asks.

Invariant: within a day no more than the set share of a kind of record is removed from a side without a person's word,
however the removals are spread over runs; and no single run overwrites more than its share. Ordinary days edit much, so
overwriting is counted by the run. What only fills in empty fields, or brings two records together for the first time,
overwrites nothing agreed.

Removals are counted from the journal (store/removals.py), with what this run lets through. The share is of what was
linked before them, so that it does not grow as records go.

- A stopped removal waits for a person, and so does every later one of its kind and side: were it let go once the day is
  over, a mass removal would trickle through by its share a day. The question ends by itself only if nothing waits.
- The answer (`--allow-mass-change`) is for what the run finds stopped, or would stop. It also covers what was removed
  before it, of which the person is told, so the count begins anew; what is stopped later is asked for anew. Where an
  allowed removal was refused or cut off, it stays allowed until it is done or its record is back; going again, it
  covers nothing else.
- What an undo removes was ordered by a person: it is neither held nor counted, and answers nothing. What a sync or an
  undo puts back into use counts no more. What a sweep finds gone is removed like all else, and counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.entities.values import same
from qb_pipeline.store import exceptions, removals
from qb_pipeline.store.journal import Word
from qb_pipeline.sync import marks, problems, refusals
from qb_pipeline.sync.blockers import some
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.plan import Operation
from qb_pipeline.sync.rules import Limit
from qb_pipeline.sync.trees import Owed

Owing = tuple[Owed, Operation]
CODE = refusals.MASS_CHANGE.code
_DAY = timedelta(hours=24)
_EXAMPLES = 5


@dataclass(frozen=True)
class _Deed:
    """One thing that may be done too often: its words, where its exception stands, and what is so until the answer."""

    do: str
    done: str
    record_id: str
    until: str = ""


_REMOVE = _Deed("remove", "removed", "*", " Until then they wait, and so does all that is to be removed after them.")
_OVERWRITE = _Deed("overwrite", "overwritten", "*overwrite")


@dataclass(frozen=True)
class _Question:
    """What is held on a side; `count` of how many records are meant, `before` of how many the last day removed."""

    deed: _Deed
    side: Side
    held: Sequence[Operation]
    count: int
    before: int = 0


class _Past:
    """What went before this run in a kind of record, looked up when it is asked for."""

    def __init__(self, ctx: Context, entity: Entity) -> None:
        self._ctx, self._entity = ctx, entity

    @cached_property
    def removed(self) -> removals.Removed:
        """What the last day removed without a person's word."""
        with self._ctx.look() as conn:
            return removals.since(conn, self._ctx.company, self._entity.name, self._ctx.now() - _DAY)

    @cached_property
    def linked(self) -> int:
        """Of how many: what is linked, and what was before it was removed."""
        with self._ctx.look() as conn:
            return removals.linked(conn, self._ctx.company, self._entity.name, self.removed)

    @cached_property
    def asked(self) -> frozenset[tuple[str, Side]]:
        """The questions that nobody has answered, by where they stand."""
        with self._ctx.look() as conn:
            found = exceptions.listing(conn, self._ctx.company, entity=self._entity.name, codes=[CODE])
        return frozenset((one.record_id, one.side) for one in found)

    def too_many(self, count: int, limit: Limit) -> bool:
        return count >= limit.fewest and count * 100 > self.linked * limit.percent


def hold_mass_changes(
    ctx: Context, entity: Entity, owing: Sequence[Owing], *, removals_put_off: bool = False
) -> list[Owing]:
    """The operations that may go ahead; those of a deed that would be done too often are held back.

    What earlier rounds and passes of the run let through counts too, each record once.
    `removals_put_off`: the removals owed are not among them, so nothing can be said of them yet.
    """
    if ctx.ordered:
        return list(owing)
    past = _Past(ctx, entity)
    questions = [q for side in Side for q in _questions(ctx, entity, side, owing, past) if q is not None]
    for question in questions:
        _ask(ctx, entity, question, past)
    standing = {(q.deed.record_id, q.side) for q in questions}
    put_off = {(_REMOVE.record_id, side) for side in Side if removals_put_off}
    _release(ctx, entity, past.asked - standing - put_off)
    held = {id(op) for q in questions for op in q.held}
    return [o for o in owing if id(o[1]) not in held]


def word_of(ctx: Context, entity: Entity, operation: Operation) -> Word | None:
    """On whose word a write leaves: its journal row says so for good."""
    if not operation.removes:
        return None
    if ctx.ordered:
        return Word.ORDERED
    return ctx.allowed.get((entity.name, operation.target, operation.target_id or ""))


def _questions(
    ctx: Context, entity: Entity, side: Side, owing: Sequence[Owing], past: _Past
) -> tuple[_Question | None, _Question | None]:
    here = [o for o in owing if o[1].target is side]
    removing = [op for _, op in here if op.removes]
    overwriting = [op for owed, op in here if overwrites(entity, (owed, op))]
    return _of_removals(ctx, entity, side, removing, past), _of_overwriting(ctx, entity, side, overwriting, past)


def _of_removals(ctx: Context, entity: Entity, side: Side, meant: Sequence[Operation], past: _Past) -> _Question | None:
    """What to ask of the removals owed to a side; those that a person allows, or had allowed, are noted as such."""
    waiting = _not_allowed_before(ctx, entity, side, meant)
    if not waiting:
        return None
    let_through = ctx.let_through[entity.name, side, _REMOVE.do]
    before = (past.removed[side].keys() | let_through) - _ids(waiting)
    stopped = (_REMOVE.record_id, side) in past.asked
    if not stopped and not past.too_many(len(before) + len(_ids(waiting)), ctx.rules.brake.remove):
        let_through |= _ids(waiting)
        return None
    if ctx.allow_mass_change:
        _allow(ctx, entity, side, dict.fromkeys(_ids(waiting), Word.ALLOWED))
        _wake(ctx, entity, waiting)
        return None
    return _Question(_REMOVE, side, waiting, len(_ids(waiting)), len(before))


def _not_allowed_before(ctx: Context, entity: Entity, side: Side, meant: Sequence[Operation]) -> list[Operation]:
    if not meant:
        return []
    with ctx.begin() as conn:
        allowed = removals.allowed_in_vain(conn, ctx.company, entity.name, side, _ids(meant))
    _allow(ctx, entity, side, allowed)
    return [op for op in meant if op.target_id not in allowed]


def _allow(ctx: Context, entity: Entity, side: Side, words: Mapping[str, Word]) -> None:
    ctx.allowed |= {(entity.name, side, target_id): word for target_id, word in words.items()}


def _wake(ctx: Context, entity: Entity, answered: Sequence[Operation]) -> None:
    """What was refused before it was asked about goes once more, so that it carries the person's word from now on."""
    ids = {(op.target_id if op.target is Side.QUICKBOOKS else op.source_id) or "" for op in answered}
    with ctx.begin() as conn:
        told = exceptions.of_records(conn, ctx.company, entity.name, Side.QUICKBOOKS, ids)
        resting = [e.id for found in told.values() for e in found if marks.of_a_write(e.fingerprint)]
        exceptions.retry(conn, ctx.company, resting, ctx.now())


def _of_overwriting(
    ctx: Context, entity: Entity, side: Side, meant: Sequence[Operation], past: _Past
) -> _Question | None:
    if not meant:
        return None
    let_through = ctx.let_through[entity.name, side, _OVERWRITE.do]
    records = let_through | _ids(meant)
    if not ctx.allow_mass_change and past.too_many(len(records), ctx.rules.brake.overwrite):
        return _Question(_OVERWRITE, side, meant, len(records))
    let_through |= records
    return None


def _ids(operations: Sequence[Operation]) -> set[str]:
    return {op.target_id or "" for op in operations}


def overwrites(entity: Entity, owing: Owing) -> bool:
    """Whether an update replaces a value that both sides once agreed on, rather than filling in an empty one."""
    owed, operation = owing
    target = owed.tree.node(operation.target)
    if operation.verb != "update" or operation.removes or target is None or not owed.tree.base:
        return False
    return any(
        not entity[name].derived
        and target.values.get(name) not in (None, "", ())
        and not same(entity[name], target.values.get(name), operation.values.get(name))
        for name in operation.changed
        if name in owed.tree.base
    )


def _ask(ctx: Context, entity: Entity, question: _Question, past: _Past) -> None:
    side, deed, labels = question.side, question.deed, [op.label for op in question.held]
    said = refusals.problem(
        refusals.MASS_CHANGE, side, do=deed.do, done=deed.done, count=question.count, linked=past.linked,
        kind=entity.plural.replace("_", " "), system=refusals.system(side), examples=some(labels, _EXAMPLES),
        company=ctx.company, until=deed.until,
        before=f", where the last day removed {question.before} already" if question.before else "",
    )  # fmt: skip
    problem = problems.shared(ctx, entity, side, deed.record_id, said, entity.plural.replace("_", " "), labels)
    with ctx.begin() as conn:
        exceptions.report(conn, ctx.company, [problem], ctx.now())


def _release(ctx: Context, entity: Entity, over: Collection[tuple[str, Side]]) -> None:
    """Take back what was asked and is answered, or not owed any more."""
    if not over:
        return
    with ctx.begin() as conn:
        for record_id, side in over:
            exceptions.resolve(conn, ctx.company, entity.name, side, [record_id], [CODE], ctx.now())
