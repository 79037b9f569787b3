"""Carrying out: one record is held for a person and then written, through the journal like any write.

Invariant: the record is held before the write leaves, so that no sync does again what is taken back here, whatever
becomes of the answer; a write that is known to have failed leaves neither a hold nor an exception of its own behind,
while the hold of another run's undo stays as it was.
"""

from __future__ import annotations

from sqlalchemy import Connection

from qb_pipeline.entities.spec import Entity
from qb_pipeline.store import exceptions, journal
from qb_pipeline.store.journal import Phase
from qb_pipeline.sync import marks, problems, refusals
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.undoing.items import Item, refused
from qb_pipeline.sync.writing import write


def taken(ctx: Context, item: Item, run_id: str) -> Item:
    """Write what takes the item back; answers with the item, or with what went wrong."""
    error = _take_back(ctx, item, run_id)
    return item if error is None else refused(item, error)


def _take_back(ctx: Context, item: Item, run_id: str) -> str | None:
    """Hold the record, then write; returns what went wrong, if anything did."""
    if item.owed is None or item.operation is None:
        return "nothing is to be written"
    hold = _hold(ctx, item, run_id)
    held = _held_otherwise(ctx, item, hold)
    if not held:
        with ctx.begin() as conn:
            problems.report(ctx, conn, item.entity, [hold])
    _wake(ctx, item.entity, problems.key_of(item.owed))
    write(ctx, item.entity, [(item.owed, item.operation)])
    with ctx.begin() as conn:
        mine = [
            r for r in journal.of_run(conn, ctx.company, ctx.run_id)
            if (r.entity, r.side, r.target_id) == (item.entity.name, item.side, item.record_id)
        ]  # fmt: skip
        if mine and mine[-1].phase is Phase.BOUND:
            if held:
                problems.report(ctx, conn, item.entity, [hold])
            ctx.log(conn, item.entity, item.side, "undone", record_id=item.record_id, record_label=item.name,
                    detail={"run": run_id})  # fmt: skip
            return None
        if not mine or mine[-1].phase in (Phase.FAILED, Phase.ABANDONED):
            if not held:
                exceptions.resolve(
                    conn, ctx.company, item.entity.name, item.side, [item.record_id], [hold.code], ctx.now()
                )
            _forget_refusal(ctx, conn, item.entity, problems.key_of(item.owed))
            said = mine[-1].error if mine else None
            return str(said["cause"]).rstrip(".") if said and "cause" in said else "it could not be written"
    return "no answer came; the next sync asks again, and the record is held"


def _wake(ctx: Context, entity: Entity, key: problems.Key) -> None:
    """Refused before, the same write would rest until somebody acts: to undo is to act."""
    side, record_id = key
    with ctx.begin() as conn:
        told = exceptions.of_records(conn, ctx.company, entity.name, side, [record_id]).get(record_id, ())
        resting = [e.id for e in told if marks.of_a_write(e.fingerprint)]
        exceptions.retry(conn, ctx.company, resting, ctx.now())


def _forget_refusal(ctx: Context, conn: Connection, entity: Entity, key: problems.Key) -> None:
    """Close what the refusal opened for the record: the undo itself says why, no sync owes this write, and a repeated
    undo shall send it again."""
    side, record_id = key
    told = exceptions.of_records(conn, ctx.company, entity.name, side, [record_id]).get(record_id, ())
    codes = [e.code for e in told if e.run_id == ctx.run_id and e.code != refusals.UNDONE.code]
    exceptions.resolve(conn, ctx.company, entity.name, side, [record_id], codes, ctx.now())


def _hold(ctx: Context, item: Item, run_id: str) -> exceptions.Problem:
    said = refusals.undone(item.name, item.side, run_id)
    return problems.shared(ctx, item.entity, item.side, item.record_id, said, item.name, ())


def _held_otherwise(ctx: Context, item: Item, hold: exceptions.Problem) -> bool:
    """Whether the undo of another run took something of the record back already, and holds it."""
    with ctx.begin() as conn:
        told = exceptions.of_records(conn, ctx.company, item.entity.name, item.side, [item.record_id])
    return any(e.code == hold.code and e.cause != hold.cause for e in told.get(item.record_id, ()))
