"""Quantities on hand.

Invariant: QtyOnHand falls by what is sold and rises by what comes back, and by nothing else.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value

LEAVES = {"Invoice": 1, "CreditMemo": -1}


def moves_stock(entity: str) -> bool:
    """Whether the entity's lines move quantities."""
    return entity in LEAVES


def move_stock(company: Company, entity: str, before: JsonObject | None, after: JsonObject | None) -> None:
    """Take the difference between two versions out of QtyOnHand of inventory items."""
    old, new = sold(before, entity), sold(after, entity)
    for identifier in sorted({*old, *new}):
        change = new.get(identifier, Decimal(0)) - old.get(identifier, Decimal(0))
        item = company.store.get("Item", identifier) if change else None
        if item is not None and item.get("Type") == "Inventory":
            quantity = number(decimal_of(item.get("QtyOnHand")) - change)
            company.touch("Item", {**item, "QtyOnHand": quantity}, item)


def sold(obj: JsonObject | None, entity: str) -> Mapping[str, Decimal]:
    """Quantities by item that leave the stock; negative where they come back."""
    quantities: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in (obj or {}).get("Line") or []:
        detail = line.get("SalesItemLineDetail") or {}
        item = ref_value(detail, "ItemRef")
        if item and detail.get("Qty"):
            quantities[item] += LEAVES[entity] * decimal_of(detail["Qty"])
    return quantities
