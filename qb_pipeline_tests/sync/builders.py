"""Trees for the planner's tests: an invoice and a customer as both sides know them, in link space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.sync.plan import Node, Operation, Plan, Tree

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS

CUSTOMER_VALUES: Mapping[str, Any] = {
    "name": "Hazel Roofing", "company_name": "Hazel Roofing LLC", "first_name": "Ann", "last_name": "Hazel",
    "email": "ann@hazel.example", "phone": "(555) 010-2000", "billing_line1": "1 Elm St", "billing_line2": None,
    "billing_city": "Austin", "billing_state": "TX", "billing_postal_code": "73301", "billing_country": None,
    "taxable": True, "tax_code": 7, "terms": 8, "notes": None, "active": True,
}  # fmt: skip


def line(line_id: str | None, description: str, **values: Any) -> dict[str, Any]:
    """An item line of two hours at 50.00 unless told otherwise."""
    quantity, price = values.pop("quantity", Decimal(2)), values.pop("unit_price", Decimal(50))
    return {
        "id": line_id, "kind": "item", "item": 31, "description": description, "quantity": quantity,
        "unit_price": price, "amount": (quantity * price).quantize(Decimal("0.01")), "taxable": True,
        "division": None, **values,
    }  # fmt: skip


def agreed(contractor_id: str, quickbooks_id: str, description: str, **values: Any) -> dict[str, Any]:
    """A line as the base remembers it."""
    values = line(None, description, **values)
    del values["id"]
    return {**values, "contractor_id": contractor_id, "quickbooks_id": quickbooks_id}


def invoice_values(*lines: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    return {
        "number": "1042", "customer": 5, "job": None, "date": date(2026, 2, 10), "due_date": date(2026, 3, 12),
        "terms": 8, "lines": lines, "tax_code": 7, "tax": Decimal("8.25"), "memo": None, **values,
    }  # fmt: skip


def node(values: Mapping[str, Any], record_id: str = "x", *, minutes: float = 0, **more: Any) -> Node:
    """One side's observation, changed `minutes` after noon."""
    at = NOON + timedelta(minutes=minutes)
    return Node(record_id, version="3", updated_at=at, values=values, label="Record 1042", **more)


def linked(
    contractor: Mapping[str, Any] | Node, quickbooks: Mapping[str, Any] | Node, base: Mapping[str, Any] | None,
    **more: Any,
) -> Tree:  # fmt: skip
    left = contractor if isinstance(contractor, Node) else node(contractor, "c1")
    right = quickbooks if isinstance(quickbooks, Node) else node(quickbooks, "q1")
    return Tree(left, right, link_id=1, base=base, **more)


def customer_tree(
    contractor: Mapping[str, Any] | None = None, quickbooks: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None, *, times: tuple[float, float] = (0, 0), **more: Any,
) -> Tree:  # fmt: skip
    """A linked customer; each mapping is what differs from the usual values."""
    left = node({**CUSTOMER_VALUES, **(contractor or {})}, "c1", minutes=times[0])
    right = node({**CUSTOMER_VALUES, **(quickbooks or {})}, "q1", minutes=times[1])
    return linked(left, right, {**CUSTOMER_VALUES, **(base or {})}, **more)


def edited_on(side: Side, **changes: Any) -> Tree:
    """A linked customer that one side alone has changed."""
    return customer_tree(changes) if side is CONTRACTOR else customer_tree(quickbooks=changes)


def with_node(tree: Tree, side: Side, changed: Node | None) -> Tree:
    return replace(tree, contractor=changed) if side is CONTRACTOR else replace(tree, quickbooks=changed)


def gone(state: State, values: Mapping[str, Any], record_id: str) -> Node:
    return node(values, record_id, state=state)


def only(plan: Plan) -> Operation:
    """The one operation of a plan."""
    [operation] = plan.operations
    return operation


def written(operation: Operation) -> dict[str, Any]:
    """The changed fields with the values to write."""
    return {name: operation.values.get(name) for name in operation.changed}
