"""Reading the lines of a sales document.

Invariant: every line that carries money or words is read exactly once, bundles by their parts; the subtotal, which QBO
computes and puts there itself, is no line.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from qb_pipeline.entities.records import Line
from qb_pipeline.quickbooks.codecs import fields, situations
from qb_pipeline.quickbooks.codecs.fields import Raw
from qb_pipeline.quickbooks.facts import Facts

ITEM = "SalesItemLineDetail"
TEXT = "DescriptionLineDetail"
DISCOUNT = "DiscountLineDetail"
SUBTOTAL = "SubTotalLineDetail"
GROUP = "GroupLineDetail"
DISCOUNT_ID = "discount"
"""The id of a discount line, to which QBO gives none; a document has at most one."""
HIDDEN_ID = "subtotal"
"""The id of the line that stands for charges QBO shows only in the subtotal."""

_DETAILS = (ITEM, TEXT, DISCOUNT, SUBTOTAL, GROUP)
_DETAIL_OF_TYPE = {**{detail: detail for detail in _DETAILS}, "DescriptionOnly": TEXT}
# QBO answers these in place of an item's id for amounts entered in the footer of its form.
FOOTER_ITEMS = frozenset({"SHIPPING_ITEM_ID", "GRATUITY_ITEM_ID"})


def detail_of(raw: Raw) -> str:
    """Which detail a line carries; the object itself says more than its type, whose spelling has changed over time."""
    carried = next((detail for detail in _DETAILS if isinstance(raw.get(detail), dict)), None)
    found = carried or _DETAIL_OF_TYPE.get(str(raw.get("DetailType")))
    if found is None:
        raise situations.UNREAD_LINE.error(line=raw.get("Id"), type=repr(raw.get("DetailType")), field="lines")
    return found


def group_parts(raw: Raw) -> tuple[Raw, ...]:
    return fields.objects(raw, GROUP, "Line")


def read_lines(document: Raw, facts: Facts) -> tuple[Line, ...]:
    """The canonical lines of a sales document, in its order."""
    lines = tuple(read_line(raw, document, facts) for raw in _flat(fields.objects(document, "Line")))
    hidden = hidden_charges(document)
    return (*lines, _hidden_line(hidden, document)) if hidden else lines


def hidden_charges(document: Raw) -> Decimal:
    """What a document bills without showing a line for it: statement charges, which the API does not give out."""
    lines = fields.objects(document, "Line")
    if any(detail_of(raw) in (ITEM, GROUP) for raw in lines):
        return Decimal(0)
    subtotals = (fields.read_money(raw, "Amount") for raw in lines if detail_of(raw) == SUBTOTAL)
    return next((amount for amount in subtotals if amount), Decimal(0))


def _hidden_line(amount: Decimal, document: Raw) -> Line:
    """One line for the charges behind the subtotal, so that the document adds up on the other side too."""
    shown = {"kind": "item", "description": "Charges from a QuickBooks statement", "amount": amount}
    taxed = bool(fields.read_money(document, "TxnTaxDetail", "TotalTax"))
    unknown = dict.fromkeys(("item", "quantity", "unit_price", "division"))
    return {"id": HIDDEN_ID, **shown, **unknown, "taxable": taxed}


def _flat(lines: tuple[Raw, ...]) -> Iterator[Raw]:
    for raw in lines:
        detail = detail_of(raw)
        if detail == GROUP:
            yield from _flat(group_parts(raw))
        elif detail != SUBTOTAL and not (detail == DISCOUNT and not fields.read_money(raw, "Amount")):
            yield raw  # a discount of nothing is what QBO's form leaves behind, and says nothing


def read_line(raw: Raw, document: Raw, facts: Facts) -> dict[str, Any]:
    """One line with its native id; the document supplies what QBO keeps in its header for all lines."""
    reader = {ITEM: _read_item, TEXT: _read_text, DISCOUNT: _read_discount}[detail_of(raw)]
    return reader(raw, document, facts)


def _read_item(raw: Raw, document: Raw, facts: Facts) -> dict[str, Any]:
    item = fields.read_text(raw, ITEM, "ItemRef", "value")
    in_footer = item in FOOTER_ITEMS
    return {
        "id": fields.read_text(raw, "Id") or (item if in_footer else None),
        "kind": "item",
        "item": None if in_footer else item,
        "description": fields.read_text(raw, "Description"),
        "quantity": fields.read_number(raw, ITEM, "Qty"),
        "unit_price": fields.read_number(raw, ITEM, "UnitPrice"),
        "amount": fields.read_money(raw, "Amount"),
        "taxable": fields.read_text(raw, ITEM, "TaxCodeRef", "value") not in (None, "NON"),
        "division": _division(raw, ITEM, document, facts),
    }


def _read_text(raw: Raw, document: Raw, facts: Facts) -> dict[str, Any]:  # noqa: ARG001 - one signature for all kinds
    return {
        "id": fields.read_text(raw, "Id"),
        "kind": "text",
        "item": None,
        "description": fields.read_text(raw, "Description"),
        "quantity": None,
        "unit_price": None,
        # A described amount of zero is QBO's way of saying there is none.
        "amount": fields.read_money(raw, "Amount") or None,
        # A text is not sold, so the question does not arise.
        "taxable": None,
        "division": None,
    }


def _read_discount(raw: Raw, document: Raw, facts: Facts) -> dict[str, Any]:
    amount = fields.read_money(raw, "Amount")
    return {
        "id": DISCOUNT_ID,
        "kind": "discount",
        "item": None,
        "description": fields.read_text(raw, "Description"),
        "quantity": None,
        "unit_price": None,
        "amount": None if amount is None else -amount,
        # False is what QBO answers when nobody said anything, so it is no statement about this discount.
        "taxable": fields.read_flag(document, "ApplyTaxAfterDiscount") or None,
        "division": fields.read_text(raw, DISCOUNT, "ClassRef", "value") if facts.class_tracking == "line" else None,
    }


def _division(raw: Raw, detail: str, document: Raw, facts: Facts) -> str | None:
    if facts.class_tracking == "line":
        return fields.read_text(raw, detail, "ClassRef", "value")
    return fields.read_ref(document, "ClassRef") if facts.class_tracking == "transaction" else None
