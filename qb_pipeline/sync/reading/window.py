"""A window of time read again on both sides: what a gap or a person's backfill asks for.

Invariant: everything that was changed last within the window is staged, and what was deleted within it is found by
counting; no reading position moves.

    read_between(ctx, since, until) -> records read         fill(ctx, gaps) -> gaps that are read and may be closed
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from qb_pipeline.store.gaps import Gap
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.facts import refresh_facts
from qb_pipeline.sync.reading import contractor, quickbooks
from qb_pipeline.sync.reading.objects import in_cdc, is_list, objects, refresh
from qb_pipeline.sync.reading.positions import OVERLAP
from qb_pipeline.sync.reading.whole import read_whole_first


def read_between(ctx: Context, since: datetime, until: datetime) -> int:
    """Read both sides over the window; returns how many records that were."""
    counts: Counter[str] = Counter()
    read_whole_first(ctx)
    timed = [n for n in objects() if in_cdc(n)]
    for name in sorted(timed, key=is_list, reverse=True):
        ctx.progress(f"reading {name} objects changed from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}")
        quickbooks.read_window(ctx, name, since, until, counts)
        if is_list(name):
            refresh_facts(ctx)
    quickbooks.read_objects(ctx, [n for n in objects() if n not in timed], counts)
    quickbooks.verify_counts(ctx, timed, counts)
    refresh(ctx)
    for entity in ctx.two_sided():
        if ctx.contractor.offers(entity):
            counts[entity.name] += contractor.read_window(ctx, entity, since, until)
    return counts.total()


def fill(ctx: Context, owed: Sequence[Gap]) -> int:
    """Read every gap with the overlap that clocks and late commits need; returns how many records that were."""
    return sum(read_between(ctx, gap.began_at - OVERLAP, (gap.ended_at or ctx.now()) + OVERLAP) for gap in owed)
