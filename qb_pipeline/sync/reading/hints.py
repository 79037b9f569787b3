"""Looking at what webhooks name.

Invariant: a hint only says where to look; what is staged is what a read answered, and a record that is not there counts
as gone only when a read by its id says so.

    hints_of(events) -> [Hint, ...]          read(ctx, hints) -> how many records were read
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.store.inbox import Stored
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.facts import refresh_facts
from qb_pipeline.sync.reading import contractor, quickbooks
from qb_pipeline.sync.reading.objects import SIDE, is_list, objects, refresh
from qb_pipeline.sync.reading.observing import look_at
from qb_pipeline.sync.reading.pages import AT_ONCE, confirm_gone, read_ids

MANY = 300  # hints from which on reading what changed is cheaper than looking one by one


@dataclass(frozen=True)
class Hint:
    """Look here: `subject` is QuickBooks' object or the contractor's entity."""

    side: Side
    subject: str
    record_id: str


def hints_of(events: Iterable[Stored]) -> list[Hint]:
    """Each record once, however many events name it; the loser of a merge beside its survivor."""
    found: dict[Hint, None] = {}
    for event in events:
        side = Side(event.source)
        ids = (event.record_id, event.detail.get("deleted_id"))
        found |= {Hint(side, event.subject, str(i)): None for i in ids if i}
    return list(found)


def read(ctx: Context, hints: Sequence[Hint]) -> int:
    """Stage what the hints name; returns how many records were read. Very many hints have the changes read instead."""
    counts: Counter[str] = Counter()
    here = [h for h in hints if h.side is SIDE and h.subject in objects()]
    there = [h for h in hints if h.side is Side.CONTRACTOR and h.subject in ENTITIES]
    if len(here) > MANY:
        counts.update(quickbooks.extract(ctx))
    elif here:
        _read_quickbooks(ctx, here, counts)
    if len(there) > MANY:
        counts.update(contractor.extract(ctx))
    else:
        _read_contractor(ctx, there, counts)
    return counts.total()


def _read_quickbooks(ctx: Context, hints: Sequence[Hint], counts: Counter[str]) -> None:
    by_object: defaultdict[str, list[str]] = defaultdict(list)
    for hint in hints:
        by_object[hint.subject].append(hint.record_id)
    for name in sorted(by_object, key=lambda n: (not is_list(n), objects().index(n))):
        ids = by_object[name]
        for start in range(0, len(ids), AT_ONCE):
            absent = read_ids(ctx, name, ids[start : start + AT_ONCE], counts)
            confirm_gone(ctx, name, absent, counts)
        if is_list(name):
            refresh_facts(ctx)
    refresh(ctx)


def _read_contractor(ctx: Context, hints: Sequence[Hint], counts: Counter[str]) -> None:
    for hint in hints:
        entity = ENTITIES[hint.subject]
        if ctx.contractor.offers(entity):
            counts[entity.name] += look_at(ctx, entity, Side.CONTRACTOR, hint.record_id)
