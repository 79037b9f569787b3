"""References that QuickBooks would refuse because the record they name is inactive there.

Invariant: a write that is known to be refused is not sent; the exception names the record to reactivate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.store import staging
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.linkspace import references
from qb_pipeline.sync.plan import Operation
from qb_pipeline.sync.trees import entity_of

Owed = tuple[Operation, Mapping[tuple[str, int], str]]
Referred = tuple[str, str, str]  # entity, QuickBooks id, name


def inactive_references(
    ctx: Context, conn: Connection, entity: Entity, side: Side, operations: Sequence[Owed]
) -> dict[int, list[Referred]]:
    """By position, what each operation would refer to that is inactive in QuickBooks."""
    if side is not Side.QUICKBOOKS:
        return {}
    wanted = {n: _named(entity, op, native) for n, (op, native) in enumerate(operations) if op.verb != "delete"}
    by_entity: defaultdict[str, set[str]] = defaultdict(set)
    for name, native_id in {pair for pairs in wanted.values() for pair in pairs}:
        by_entity[name].add(native_id)
    inactive = {
        (name, native_id): label(entity_of(name), staged.record.values)
        for name, ids in by_entity.items()
        for native_id, staged in staging.fetch(conn, ctx.company, side, name, ids).items()
        if staged.record.values.get("active") is False
    }
    return {
        n: [(*p, inactive[p]) for p in pairs if p in inactive]
        for n, pairs in wanted.items()
        if any(p in inactive for p in pairs)
    }


def _named(entity: Entity, operation: Operation, native: Mapping[tuple[str, int], str]) -> list[tuple[str, str]]:
    sent = {k: v for k, v in operation.values.items() if k in operation.changed}
    found = [(r.entity, native.get((r.entity, r.key))) for r in references(entity, sent) if isinstance(r.key, int)]
    return [(name, native_id) for name, native_id in dict.fromkeys(found) if native_id is not None]
