"""Taking observations into staging, with a line in the sync log for each one that is new.

Invariant: whatever a system showed us is staged or an exception, what will not be synchronised says why, and nothing
counts as deleted before a read has said so. A list that looks older than what is staged and says something else is
neither believed nor passed over: a read of the id decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import FixTheData, NotFound
from qb_pipeline.store import staging, sync_log
from qb_pipeline.sync import problems
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.moved_jobs import stage


def take(
    ctx: Context, conn: Connection, entity: Entity, side: Side, records: Sequence[Record], *, current: bool = False
) -> Sequence[str]:
    """Stage records; log those that are new or changed as seen, or as skipped with the reason. Returns the ids of those
    that look older than what is staged and say something else; `current` ones were read by their ids and always win."""
    now = ctx.now()
    count = stage(conn, ctx.company, side, entity, records, now, current=current)
    changed = staging.seen_since(conn, ctx.company, side, entity.name, now, {r.id for r in records})
    entries = [
        sync_log.Entry(
            entity.name, side, "skipped" if r.skip else "seen", record_id=r.id, record_label=label(entity, r.values),
            detail={"why": r.skip} if r.skip else {"version": r.version}, run_id=ctx.run_id,
        )
        for r in records
        if r.id in changed
    ]  # fmt: skip
    sync_log.append(conn, ctx.company, entries, now)
    return count.doubted


def confirm_missing(ctx: Context, entity: Entity, side: Side, present: Sequence[str]) -> None:
    """Compare staging with a complete list of ids, and look at what is not in it."""
    with ctx.begin() as conn:
        missing = staging.note_missing(conn, ctx.company, side, entity.name, present, ctx.now())
    confirm_deleted(ctx, entity, side, missing)


def confirm_deleted(ctx: Context, entity: Entity, side: Side, ids: Sequence[str]) -> None:
    """A tombstone or an absence is a rumour until a read says so."""
    if not ids:
        return
    with ctx.look() as conn:
        alive = staging.alive(conn, ctx.company, side, entity.name, ids)
    for record_id in alive:
        look_at(ctx, entity, side, record_id)


def look_at(ctx: Context, entity: Entity, side: Side, record_id: str) -> int:
    """Read one record and stage what is there, or that it is gone; returns how many records were read."""
    try:
        record = ctx.port(side).read(entity, record_id)
    except NotFound:
        with ctx.begin() as conn:
            staging.mark_deleted(conn, ctx.company, side, entity.name, [record_id], ctx.now())
        return 0
    except FixTheData as error:  # it is there and can't be read: an exception of its own
        name = f"{entity.title} {record_id}"
        with ctx.begin() as conn:
            found = problems.from_error(ctx, entity, (side, record_id), name, error, None)
            problems.report(ctx, conn, entity, [found])
        return 0
    with ctx.begin() as conn:
        take(ctx, conn, entity, side, [record], current=True)
    return 1
