"""What an undo is made of: one item for each record that the run wrote on a side.

Invariant: an item either holds the operation that takes the record back, or says why nothing does, or was taken back
before; what stood before the run is told by the earliest of its writes, and only where each of them kept it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.entities.values import from_json
from qb_pipeline.store.journal import Operation as Deed
from qb_pipeline.store.journal import Write
from qb_pipeline.sync.plan import Operation
from qb_pipeline.sync.trees import Owed

Target = tuple[str, Side, str]  # entity, side, native id


@dataclass(frozen=True)
class Item:
    """One record that the run wrote on one side, and how that is taken back: an operation, or why it can't be."""

    entity: Entity
    side: Side
    record_id: str
    name: str
    owed: Owed | None = None
    operation: Operation | None = None
    before: Mapping[str, Any] = field(default_factory=dict)  # what is put back, by field, in link space
    after: Mapping[str, Any] = field(default_factory=dict)
    why_not: str | None = None
    earlier: bool = False  # an earlier undo took it back; nothing is left to do


def refused(item: Item, why: str) -> Item:
    """The same record, with nothing to be written."""
    return Item(item.entity, item.side, item.record_id, item.name, why_not=why)


def creates(written: Sequence[Write]) -> bool:
    """Whether the run made the record."""
    return any(w.operation is Deed.CREATE for w in written)


def stood_before(entity: Entity, written: Sequence[Write]) -> dict[str, Any]:
    """By field, what stood there before the run, in link space; nothing when that was not kept."""
    values: dict[str, Any] = {}
    for row in reversed(written):  # the earliest write of the run knows what stood there before the run
        if not row.before:
            return {}
        values |= from_json(entity, row.before)
    return values
