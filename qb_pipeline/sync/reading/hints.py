"""Looking at what webhooks name.

Invariant: a hint only says where to look; what is staged is what a read answered, and a record that is not there counts
as gone only when a read by its id says so. A record that can't be read stands in the way of no other: after the usual
tries it is left to the reading of changes.

    hints_of(events) -> [Hint, ...]          read(ctx, hints, patience) -> how many records were read
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import FixTheData, PipelineError, RetryLater
from qb_pipeline.store import staging
from qb_pipeline.store.inbox import Stored
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.facts import refresh_facts
from qb_pipeline.sync.reading import contractor, quickbooks
from qb_pipeline.sync.reading.objects import SIDE, is_list, objects, refresh, sharing
from qb_pipeline.sync.reading.observing import look_at
from qb_pipeline.sync.reading.pages import AT_ONCE, confirm_gone, read_ids
from qb_pipeline.sync.reading.whole import read_whole_first

MANY = 300  # hints from which on reading what changed is cheaper than looking one by one
_REMOVALS = frozenset({"delete", "deleted", "remove", "removed", "destroy", "destroyed"})
_ENOUGH = 3  # reads of one side that failed: what is left of it is not asked for one by one


@dataclass(frozen=True)
class Hint:
    """Look here: `subject` is QuickBooks' object or the contractor's entity."""

    side: Side
    subject: str
    record_id: str
    removed: bool = field(default=False, compare=False)  # an event says so; a listing may show nothing of it


@dataclass
class Patience:
    """`again`: the reading will be tried again when it meets a passing fault. `left` gathers what could not be read and
    was left to the changes."""

    again: bool
    left: list[Hint] = field(default_factory=list)


@dataclass(frozen=True)
class _Failed:
    """What could not be read, and why."""

    hint: Hint
    error: PipelineError


def hints_of(events: Iterable[Stored]) -> list[Hint]:
    """Each record once, however many events name it; the loser of a merge beside its survivor."""
    found: dict[Hint, Hint] = {}
    for event in events:
        side, removed = Side(event.source), event.operation.lower() in _REMOVALS
        for record_id in (event.record_id, event.detail.get("deleted_id")):
            if record_id:
                hint = Hint(side, event.subject, str(record_id), removed)
                # Of several events of one record it is the removal that must not be missed.
                found[hint] = hint if removed else found.get(hint, hint)
    return list(found.values())


def read(ctx: Context, hints: Sequence[Hint], patience: Patience | None = None) -> int:
    """Stage what the hints name; returns how many records were read. Very many hints have the changes read instead, and
    only removals among them looked at that the changes did not show.

    The same becomes of those that can't be read, once `patience` is at its end: a side whose changes can be read is
    there, and the rest of its hints goes on. Until then, and without any, the first failure is raised.
    """
    counts: Counter[str] = Counter()
    read_whole_first(ctx)
    here = [h for h in hints if h.side is SIDE and h.subject in objects()]
    there = [h for h in hints if h.side is Side.CONTRACTOR and h.subject in ENTITIES]
    if len(here) > MANY:
        counts.update(quickbooks.extract(ctx))
    elif here:
        _leave(ctx, _read_quickbooks(ctx, here, counts), quickbooks.extract, counts, patience)
    if len(there) > MANY:
        counts.update(contractor.extract(ctx))
        there = _still_there(ctx, there)
    _leave(ctx, _read_contractor(ctx, there, counts), contractor.extract, counts, patience)
    return counts.total()


def _still_there(ctx: Context, hints: Iterable[Hint]) -> list[Hint]:
    """Those of removals that the changes said nothing of: not every platform lists what is gone."""
    by_entity: defaultdict[str, list[Hint]] = defaultdict(list)
    for hint in hints:
        if hint.removed:
            by_entity[hint.subject].append(hint)
    found: list[Hint] = []
    for name, removed in by_entity.items():
        with ctx.begin() as conn:
            alive = set(staging.alive(conn, ctx.company, Side.CONTRACTOR, name, [h.record_id for h in removed]))
        found += [h for h in removed if h.record_id in alive]
    return found


def _leave(
    ctx: Context,
    failed: Sequence[_Failed],
    changes: Callable[[Context], Mapping[str, int]],
    counts: Counter[str],
    patience: Patience | None,
) -> None:
    """Read the changes in place of what failed, and say so; or raise why it failed."""
    if not failed:
        return
    passing = next((f.error for f in failed if isinstance(f.error, RetryLater)), None)
    if patience is None or (patience.again and passing is not None):
        raise passing or failed[0].error
    counts.update(changes(ctx))
    for one in failed:
        _say(ctx, one)
    patience.left += [one.hint for one in failed]


def _say(ctx: Context, one: _Failed) -> None:
    entity, hint = _entity(one.hint), one.hint
    ctx.progress(f"{entity.title} {hint.record_id} can't be read and is left to the sweeps: {one.error}")
    with ctx.begin() as conn:
        ctx.log(
            conn, entity, hint.side, "left to sweeps", record_id=hint.record_id,
            record_label=f"{entity.title} {hint.record_id}", detail={"cause": one.error.cause, "fix": one.error.fix},
        )  # fmt: skip


def _entity(hint: Hint) -> Entity:
    return sharing(hint.subject)[0] if hint.side is SIDE else ENTITIES[hint.subject]


def _read_quickbooks(ctx: Context, hints: Sequence[Hint], counts: Counter[str]) -> list[_Failed]:
    failed: list[_Failed] = []
    by_object: defaultdict[str, list[str]] = defaultdict(list)
    for hint in hints:
        by_object[hint.subject].append(hint.record_id)
    for name in sorted(by_object, key=lambda n: (not is_list(n), objects().index(n))):
        ids = by_object[name]
        for start in range(0, len(ids), AT_ONCE):
            failed += _read_some(ctx, name, ids[start : start + AT_ONCE], counts)
        if is_list(name):
            refresh_facts(ctx)
    refresh(ctx)
    return failed


def _read_some(ctx: Context, name: str, ids: Sequence[str], counts: Counter[str]) -> list[_Failed]:
    """One query's worth of objects; where it fails, all of them failed."""
    try:
        absent = read_ids(ctx, name, ids, counts)
        confirm_gone(ctx, name, absent, counts)
    except (RetryLater, FixTheData) as error:
        return [_Failed(Hint(SIDE, name, i), error) for i in ids]
    return []


def _read_contractor(ctx: Context, hints: Sequence[Hint], counts: Counter[str]) -> list[_Failed]:
    failed: list[_Failed] = []
    for hint in hints:
        entity = ENTITIES[hint.subject]
        if not ctx.contractor.offers(entity):
            continue
        if len(failed) >= _ENOUGH:
            failed.append(_Failed(hint, failed[-1].error))
            continue
        try:
            counts[entity.name] += look_at(ctx, entity, Side.CONTRACTOR, hint.record_id)
        except RetryLater as error:
            failed.append(_Failed(hint, error))
    return failed
