"""The write that takes one record back: what was created is removed, what was updated gets its former values.

Invariant: it is an operation as the planner makes them, under the same rules (closed books, deposits): what no sync may
write to the record, no undo does either. Only the fields that the run wrote are put back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Kind, Removal, Side
from qb_pipeline.store.journal import Write
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.plan import Operation, forbidden, removal_verb
from qb_pipeline.sync.trees import Owed
from qb_pipeline.sync.undoing.items import Item, refused, stood_before


def removing(ctx: Context, item: Item, owed: Owed) -> Item:
    """The item with the write that lets go of a record the run created, or with why there is none."""
    node, source = owed.tree.node(item.side), owed.tree.node(item.side.other)
    if node is None:
        return refused(item, "it was not read")
    if (
        item.entity.removal is Removal.INACTIVATE
        and item.side is Side.QUICKBOOKS
        and node.values.get("active") is False
    ):
        return refused(item, "it is inactive already")
    # Before the run the other side knew of no such record here: to remove it is to follow a deletion.
    verb, values, changed = removal_verb(item.entity, item.side, replace(source or node, state=State.DELETED), node)
    operation = Operation(
        item.side, verb, values, changed, source.id if source else None, node.id, node.version, node.label
    )
    return _checked(ctx, item, owed, operation, {}, {})


def putting_back(ctx: Context, item: Item, owed: Owed, written: Sequence[Write]) -> Item:
    """The item with the write of the former values, or with why there is none."""
    node, source = owed.tree.node(item.side), owed.tree.node(item.side.other)
    before = stood_before(item.entity, written)
    if not before:
        return refused(item, "what stood there before was not kept; the run is older than undo")
    if node is None or source is None:
        return refused(item, "one of its sides was not read")
    values = {**node.values, **{k: _lines_back(item, owed, k, v) for k, v in before.items()}}
    operation = Operation(item.side, "update", values, frozenset(before), source.id, node.id, node.version, node.label)
    after = {name: node.values.get(name) for name in before}
    return _checked(ctx, item, owed, operation, before, after)


def _lines_back(item: Item, owed: Owed, name: str, value: Any) -> Any:
    """Former lines under the ids they still have; one that is gone becomes a new line."""
    spec, node = item.entity[name], owed.tree.node(item.side)
    if spec.kind is not Kind.LINES or spec.line_key != "id" or node is None:
        return value
    here = {str(x["id"]) for x in node.values.get(name) or ()}
    own, other = f"{item.side.value}_id", f"{item.side.other.value}_id"
    twins = {str(x.get(own)): x.get(other) for x in (owed.tree.base or {}).get(name) or ()}
    return tuple(
        {**x, "id": x["id"] if str(x.get("id")) in here else None, "twin": twins.get(str(x.get("id")))}
        for x in value or ()
    )


def _checked(
    ctx: Context, item: Item, owed: Owed, operation: Operation, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Item:
    problem = forbidden(owed.tree, operation, ctx.rules)
    why_not = None if problem is None else problem.cause.removeprefix(f"{operation.label}: ").rstrip(".")
    return Item(
        item.entity, item.side, item.record_id, item.name, owed, None if why_not else operation, before, after, why_not
    )
