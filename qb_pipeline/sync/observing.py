"""Taking observations into staging, with a line in the sync log for each one that is new.

Invariant: whatever a system showed us is staged or an exception, and what will not be synchronised says why.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from qb_pipeline.entities.records import Record
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.store import staging, sync_log
from qb_pipeline.sync.context import Context, label


def take(ctx: Context, conn: Connection, entity: Entity, side: Side, records: Sequence[Record]) -> None:
    """Stage records; log those that are new or changed as seen, or as skipped with the reason."""
    now = ctx.now()
    staging.merge(conn, ctx.company, side, entity.name, records, now)
    changed = staging.seen_since(conn, ctx.company, side, entity.name, now)
    entries = [
        sync_log.Entry(
            entity.name, side, "skipped" if r.skip else "seen", record_id=r.id, record_label=label(entity, r.values),
            detail={"why": r.skip} if r.skip else {"version": r.version}, run_id=ctx.run_id,
        )
        for r in records
        if r.id in changed
    ]  # fmt: skip
    sync_log.append(conn, ctx.company, entries, now)
