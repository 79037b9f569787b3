"""Taking back a run: compensating writes from what the journal holds of before and after.

Invariant: a plan walks the same way as the undo itself, record by record in the same order with the same judgement, and
writes nothing. The parts stand in `undoing`: the order, what may be undone, by which write, and carrying it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qb_pipeline.store import journal
from qb_pipeline.store.journal import Phase
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.undoing.asking import put_down
from qb_pipeline.sync.undoing.carrying_out import taken
from qb_pipeline.sync.undoing.items import Item
from qb_pipeline.sync.undoing.judging import judged, unsettled
from qb_pipeline.sync.undoing.order import ordered
from qb_pipeline.sync.undoing.resting import Left, left_by

__all__ = ["Item", "Undone", "plan_undo", "undo"]


@dataclass
class Undone:
    """What an undo came to."""

    done: list[Item] = field(default_factory=list)
    refused: list[Item] = field(default_factory=list)  # with the reason in `why_not`
    earlier: list[Item] = field(default_factory=list)  # taken back before, so that a repeated undo goes on after them


def plan_undo(ctx: Context, run_id: str) -> list[Item]:
    """What taking back a run would write, in the order of `ordered`; changes neither system.

    Reads every record concerned once more, so that what is compared is what stands there now.
    """
    return _walk(ctx, run_id, lambda item: item)


def undo(ctx: Context, run_id: str) -> Undone:
    """Take back what can be taken back of a run."""
    ctx.ordered = True  # somebody named this very run and may have seen its plan
    result = Undone()
    for item in _walk(ctx, run_id, lambda item: taken(ctx, item, run_id)):
        (result.earlier if item.earlier else result.refused if item.why_not else result.done).append(item)
    put_down(ctx)
    return result


def _walk(ctx: Context, run_id: str, take: Callable[[Item], Item]) -> list[Item]:
    """Judge each record of the run in order and hand `take` what can be taken back; it answers with what came of it."""
    with ctx.begin() as conn:
        rows = journal.of_run(conn, ctx.company, run_id)
        turns = ordered(conn, ctx.company, rows)
        waiting = [unsettled(ctx, conn, row) for row in rows if row.phase in (Phase.SENT, Phase.ANSWERED)]
    named = {(i.entity.name, i.side, i.record_id) for i in waiting}
    left: Left = {}
    items = []
    for target, written in turns:
        if target in named:
            continue
        item = judged(ctx, target, written, left)
        if item.operation is not None:
            item = take(item)
        left |= left_by(item)
        items.append(item)
    return [*items, *waiting]
