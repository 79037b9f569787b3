"""The brake on mass changes: a run that would remove or overwrite much of a list stops and asks.

Invariant: no single run removes or overwrites more than the set share of a kind of record on a side without a person's
word. What only fills in empty fields, or brings two records together for the first time, overwrites nothing agreed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.entities.values import same
from qb_pipeline.store import exceptions, tables
from qb_pipeline.sync import problems, refusals
from qb_pipeline.sync.blockers import some
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.plan import Operation
from qb_pipeline.sync.rules import Limit, Rules
from qb_pipeline.sync.trees import Owed

Owing = tuple[Owed, Operation]
CODE = refusals.MASS_CHANGE.code
_EXAMPLES = 5


@dataclass(frozen=True)
class _Deed:
    """One thing that may be done too often: its words, what counts, its limit, and where its exception stands."""

    do: str
    done: str
    record_id: str
    counts: Callable[[Entity, Owing], bool]
    limit: Callable[[Rules], Limit]


def hold_mass_changes(
    ctx: Context, entity: Entity, owing: Sequence[Owing], *, removals_put_off: bool = False
) -> list[Owing]:
    """The operations that may go ahead; those of a deed that would be done too often in this run are held back.

    What earlier rounds and passes of the run let through counts too, each record once.
    `removals_put_off`: the removals owed are not among them, so nothing can be said of them yet.
    """
    held: set[int] = set()
    asked: set[tuple[str, Side]] = set()
    for deed in _DEEDS:
        for side in Side:
            meant = [o for o in owing if o[1].target is side and deed.counts(entity, o)]
            done = ctx.let_through[entity.name, side, deed.do]
            records = done | {op.target_id or "" for _, op in meant}
            if meant and _too_many(ctx, entity, len(records), deed.limit(ctx.rules)):
                _ask(ctx, entity, side, deed, [op for _, op in meant], len(records))
                asked.add((deed.record_id, side))
                held |= {id(op) for _, op in meant}
            else:
                done |= records
    _release(ctx, entity, {*asked, *((_REMOVE.record_id, s) for s in Side if removals_put_off)})
    return [o for o in owing if id(o[1]) not in held]


def _of(ctx: Context, entity: Entity) -> int:
    """Of how many: what was linked when the run first came to the entity, or is now if that is more."""
    now = _linked(ctx, entity)
    return max(ctx.linked_before.setdefault(entity.name, now), now)


def _too_many(ctx: Context, entity: Entity, count: int, limit: Limit) -> bool:
    linked = _of(ctx, entity)
    return not ctx.allow_mass_change and count >= limit.fewest and count * 100 > linked * limit.percent


def overwrites(entity: Entity, owing: Owing) -> bool:
    """Whether an update replaces a value that both sides once agreed on, rather than filling in an empty one."""
    owed, operation = owing
    target = owed.tree.node(operation.target)
    if operation.verb != "update" or operation.removes or target is None or not owed.tree.base:
        return False
    return any(
        not entity[name].derived
        and target.values.get(name) not in (None, "", ())
        and not same(entity[name], target.values.get(name), operation.values.get(name))
        for name in operation.changed
        if name in owed.tree.base
    )


_REMOVE = _Deed("remove", "removed", "*", lambda _entity, owing: owing[1].removes, lambda rules: rules.brake.remove)
_DEEDS = (_REMOVE, _Deed("overwrite", "overwritten", "*overwrite", overwrites, lambda rules: rules.brake.overwrite))


def _linked(ctx: Context, entity: Entity) -> int:
    link = tables.link
    with ctx.begin() as conn:
        mine = (link.c.company == ctx.company) & (link.c.entity == entity.name) & (link.c.state == "live")
        return conn.scalar(select(func.count()).select_from(link).where(mine)) or 0


def _ask(ctx: Context, entity: Entity, side: Side, deed: _Deed, operations: Sequence[Operation], count: int) -> None:
    labels = [op.label for op in operations]
    said = refusals.problem(
        refusals.MASS_CHANGE, side, do=deed.do, done=deed.done, count=count, linked=_of(ctx, entity),
        kind=entity.plural.replace("_", " "), system=refusals.system(side), examples=some(labels, _EXAMPLES),
        company=ctx.company,
    )  # fmt: skip
    problem = problems.shared(ctx, entity, side, deed.record_id, said, entity.plural.replace("_", " "), labels)
    with ctx.begin() as conn:
        exceptions.report(conn, ctx.company, [problem], ctx.now())


def _release(ctx: Context, entity: Entity, standing: Collection[tuple[str, Side]]) -> None:
    """Take back what was asked and is not owed in such numbers any more."""
    with ctx.begin() as conn:
        for one in exceptions.listing(conn, ctx.company, entity=entity.name, codes=[CODE]):
            if (one.record_id, one.side) not in standing:
                exceptions.resolve(conn, ctx.company, entity.name, one.side, [one.record_id], [CODE], ctx.now())
