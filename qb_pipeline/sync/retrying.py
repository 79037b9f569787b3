"""What is due for another attempt, looked at once more before it is tried.

Invariant: what is tried again is planned from what both systems say now, not from what they said when it failed.
"""

from __future__ import annotations

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import exceptions, links
from qb_pipeline.store.exceptions import ExceptionState, Reported
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import hints
from qb_pipeline.sync.reading.hints import Hint
from qb_pipeline.sync.recovery import recover


def due(ctx: Context) -> list[Reported]:
    """Exceptions whose time has come; with `retry_now` every passing fault that is not at rest."""
    with ctx.begin() as conn:
        if not ctx.retry_now:
            return exceptions.due(conn, ctx.company, ctx.now())
        waiting = exceptions.listing(conn, ctx.company, states=[ExceptionState.OPEN, ExceptionState.RETRYING])
    return [e for e in waiting if e.next_attempt_at is not None]


def read_due(ctx: Context) -> int:
    """Settle writes that are due for another question, then read the records that are due; returns how many are due."""
    found = due(ctx)
    recover(ctx)
    hints.read(ctx, hints_of(ctx, found))
    return len(found)


def hints_of(ctx: Context, found: list[Reported]) -> list[Hint]:
    """Where to look: each record on both sides, if it is linked."""
    told: dict[Hint, None] = {}
    with ctx.begin() as conn:
        for one in found:
            if one.record_id.startswith("*"):
                continue
            link = links.find(conn, ctx.company, one.entity, one.side, [one.record_id]).get(one.record_id)
            ids = {side: link.id_on(side) for side in Side} if link else {one.side: one.record_id}
            told |= {_hint(one.entity, side, native): None for side, native in ids.items() if native}
    return list(told)


def _hint(entity: str, side: Side, record_id: str) -> Hint:
    subject = entity if side is Side.CONTRACTOR else str(ENTITIES[entity].quickbooks_object)
    return Hint(side, subject, record_id)
