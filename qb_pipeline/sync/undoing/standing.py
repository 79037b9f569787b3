"""How a record of the run stands now: read once more, and compared with what the run left and what it found.

Invariant: what is judged is what the system itself says at this moment, never what was staged at an earlier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.spec import Direction, Entity, Kind, Side
from qb_pipeline.entities.values import same
from qb_pipeline.errors import NotFound
from qb_pipeline.store import exceptions
from qb_pipeline.store.journal import Write
from qb_pipeline.sync import applications, refusals
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.moved_jobs import stage
from qb_pipeline.sync.plan import Node
from qb_pipeline.sync.undoing.items import Item, creates, stood_before
from qb_pipeline.sync.writing import sendable


def read_now(ctx: Context, entity: Entity, side: Side, record_id: str) -> Record | None:
    """The record now, staged with the payments that it names; None when it is gone or void."""
    try:
        record = ctx.port(side).read(entity, record_id)
    except NotFound:
        return None
    with ctx.begin() as conn:
        stage(conn, ctx.company, side, entity, [record])
    if side is Side.QUICKBOOKS:
        applications.read_unseen(ctx, [record])
    return record if record.state is State.LIVE else None


def changed_since(ctx: Context, entity: Entity, current: Record, written: Sequence[Write]) -> list[str]:
    """The labels of what differs between the last answer to the run and the record as it is now."""
    last = written[-1]
    answered = ctx.port(last.side).parse(sendable(last), last.answer or b"").record if last.answer else None
    if answered is None:
        return ["state, as far as can be told: the answer to the run can't be read"]
    if answered.version == current.version:
        return []
    whole = creates(written)
    told = {name for w in written for name in w.intended}
    compared = [
        f for f in entity.fields if not f.derived and f.direction is not Direction.NONE and (whole or f.name in told)
    ]
    return [f.label for f in compared if answered.values.get(f.name) != current.values.get(f.name)]


def is_held(ctx: Context, item: Item) -> bool:
    """Whether an undo took the record back and nobody has decided about it yet."""
    with ctx.begin() as conn:
        told = exceptions.of_records(conn, ctx.company, item.entity.name, item.side, [item.record_id])
    return any(e.code == refusals.UNDONE.code for e in told.get(item.record_id, ()))


def is_back(entity: Entity, node: Node | None, current: Record | None, written: Sequence[Write]) -> bool:
    """Whether a record that an undo has held is as it was before the run."""
    if creates(written) or current is None or node is None:
        return current is None or current.values.get("active") is False
    former = stood_before(entity, written)
    return bool(former) and all(_alike(entity, name, node.values.get(name), value) for name, value in former.items())


def _alike(entity: Entity, name: str, here: Any, stood: Any) -> bool:
    """Whether two values of a field say the same; former lines may stand under new ids."""
    spec = entity[name]
    if spec.kind is not Kind.LINES or spec.line_key != "id":
        return same(spec, here, stood)
    plain = [
        tuple({k: v for k, v in x.items() if k not in ("id", "twin")} for x in lines or ()) for lines in (here, stood)
    ]
    return plain[0] == plain[1]
