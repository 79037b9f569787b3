"""The brake on mass changes: a run that would remove or overwrite much of a list stops and asks.

Invariant: no single run removes more than the set share of an entity's records without a person's word.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.store import exceptions, tables
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.plan import Operation
from qb_pipeline.sync.trees import Owed

FEWEST = 25  # fewer removals never stop a run
SHARE = 4  # one in four
CODE = "mass_change"


def hold_mass_changes(
    ctx: Context, entity: Entity, owing: Sequence[tuple[Owed, Operation]]
) -> list[tuple[Owed, Operation]]:
    """The operations that may go ahead; the removals are held back when they are too many at once."""
    removals = [pair for pair in owing if pair[1].removes]
    linked = _linked(ctx, entity)
    if ctx.allow_mass_change or len(removals) < FEWEST or len(removals) * SHARE <= linked:
        _release(ctx, entity)
        return list(owing)
    _ask(ctx, entity, len(removals), linked)
    return [pair for pair in owing if not pair[1].removes]


def _linked(ctx: Context, entity: Entity) -> int:
    link = tables.link
    with ctx.begin() as conn:
        mine = (link.c.company == ctx.company) & (link.c.entity == entity.name) & (link.c.state == "live")
        return conn.scalar(select(func.count()).select_from(link).where(mine)) or 0


def _ask(ctx: Context, entity: Entity, removals: int, linked: int) -> None:
    problem = exceptions.Problem(
        entity=entity.name, side=Side.QUICKBOOKS, record_id="*", code=CODE, title="Too much would be removed at once",
        cause=f"This run would remove {removals} of {linked} {entity.plural.replace('_', ' ')}.",
        fix="Look at `qb-pipeline plan`; if it is right, run `qb-pipeline sync --allow-mass-change`.",
        who="owner", retry_safe=False, record_label=entity.plural, run_id=ctx.run_id,
    )  # fmt: skip
    with ctx.begin() as conn:
        exceptions.report(conn, ctx.company, [problem], ctx.now())


def _release(ctx: Context, entity: Entity) -> None:
    with ctx.begin() as conn:
        exceptions.resolve(conn, ctx.company, entity.name, Side.QUICKBOOKS, ["*"], [CODE], ctx.now())
