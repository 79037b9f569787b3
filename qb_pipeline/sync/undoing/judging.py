"""What may be undone: a record of the run is judged right before its turn, after what depends on it.

Invariant: a write is taken back only where it is settled, its record is still linked, nobody has changed it since and
nothing else rests on it; whatever can't be is named with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Record
from qb_pipeline.store import journal, links, staging
from qb_pipeline.store.journal import Operation as Deed
from qb_pipeline.store.journal import Write
from qb_pipeline.sync import naming, refusals
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.trees import Owed, owed_of
from qb_pipeline.sync.undoing.compensating import putting_back, removing
from qb_pipeline.sync.undoing.items import Item, Target, creates, refused
from qb_pipeline.sync.undoing.resting import Left, unless_rested_on
from qb_pipeline.sync.undoing.standing import changed_since, is_back, is_held, read_now

_NOT_SETTLED = "a write to it is not settled yet; run qb-pipeline sync, which settles it, and undo again"


def judged(ctx: Context, target: Target, written: Sequence[Write], left: Left) -> Item:
    """One record as it stands now, with what takes it back or with why nothing can."""
    name, side, record_id = target
    entity = ENTITIES[name]
    with ctx.begin() as conn:
        known = staging.fetch(conn, ctx.company, side, name, [record_id]).get(record_id)
        link = links.find(conn, ctx.company, name, side, [record_id]).get(record_id)
        open_rows = journal.open_rows(conn, ctx.company, name)
    item = Item(entity, side, record_id, label(entity, known.record.values) if known else f"{entity.title} {record_id}")
    if any(w.operation in (Deed.VOID, Deed.DELETE) for w in written):
        return refused(item, f"it was {_past(written[-1])}, which {refusals.system(side)} can't take back")
    if link is None:
        return refused(item, "it is not linked any more")
    if any(row.link_id == link.id for row in open_rows):
        return refused(item, _NOT_SETTLED)
    current = read_now(ctx, entity, side, record_id)
    [owed] = owed_of(ctx, entity, [link.id])
    if is_held(ctx, item) and is_back(entity, owed.tree.node(side), current, written):
        return replace(item, owed=owed, earlier=True)
    return _with_operation(ctx, item, owed, current, written, left)


def _with_operation(
    ctx: Context, item: Item, owed: Owed, current: Record | None, written: Sequence[Write], left: Left
) -> Item:
    """The item with what takes it back, or with why nothing can."""
    if current is None:
        return refused(item, f"it is gone in {refusals.system(item.side)} since")
    changed = changed_since(ctx, item.entity, current, written)
    if changed:
        return refused(item, f"somebody changed its {', '.join(changed)} since")
    if not creates(written):
        return putting_back(ctx, item, owed, written)
    return unless_rested_on(ctx, removing(ctx, item, owed), left)


def unsettled(ctx: Context, conn: Connection, row: Write) -> Item:
    """A write of the run of which nobody knows yet whether it was done: there is nothing to take back so far."""
    entity = ENTITIES[row.entity]
    named = naming.name_of(ctx, conn, entity, row) or f"{entity.title} {row.target_id or row.source_id}"
    return Item(entity, row.side, row.target_id or "", named, why_not=_NOT_SETTLED)


def _past(row: Write) -> str:
    return {Deed.VOID: "voided", Deed.DELETE: "deleted"}.get(row.operation, "removed")
