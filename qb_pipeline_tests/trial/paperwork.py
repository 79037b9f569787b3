"""What people type in: parties, lines, invoices and payments, in the words of either system.

Invariant: amounts are computed here by themselves, so that a total can be checked against neither system's own sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from qb_pipeline_tests.end_to_end.harness import Raw, cents

ADDRESS = {"line1": "12 Mill Lane", "line2": "Rear gate", "city": "Dover", "state": "DE", "postal_code": "19901"}


def sold(item: Raw, quantity: str, price: str, text: str = "") -> Raw:
    """A line of the contractor's invoice."""
    return {
        "item_id": item["id"], "description": text or item["name"], "quantity": quantity, "unit_price": price,
        "taxable": False,
    }  # fmt: skip


def sold_there(item: str, quantity: str, price: str, text: str) -> Raw:
    """A line of QuickBooks' invoice; `item` is its id there."""
    detail = {"ItemRef": {"value": item}, "Qty": Decimal(quantity), "UnitPrice": Decimal(price)}
    return {
        "DetailType": "SalesItemLineDetail", "Description": text, "Amount": cents(Decimal(quantity) * Decimal(price)),
        "SalesItemLineDetail": {**detail, "TaxCodeRef": {"value": "NON"}},
    }  # fmt: skip


def paid(invoices: Sequence[tuple[Raw, Decimal]], day: str, reference: str) -> Raw:
    """The contractor's payment: invoices of one customer and what each is paid."""
    return {
        "customer_id": invoices[0][0]["customer_id"], "date": day, "reference": reference,
        "amount": str(sum(amount for _, amount in invoices)),
        "allocations": [{"invoice_id": i["id"], "amount": str(amount)} for i, amount in invoices],
    }  # fmt: skip


def paid_there(invoices: Sequence[tuple[Raw, Decimal]], day: str, reference: str) -> Raw:
    """QuickBooks' payment of its own invoices."""
    lines = [{"Amount": amount, "LinkedTxn": [{"TxnId": i["Id"], "TxnType": "Invoice"}]} for i, amount in invoices]
    return {
        "CustomerRef": invoices[0][0]["CustomerRef"], "TxnDate": day, "PaymentRefNum": reference,
        "TotalAmt": sum(amount for _, amount in invoices), "Line": lines,
    }  # fmt: skip


# The same plain words for both sides.


def line_here(line: Mapping[str, Any]) -> tuple[str, Decimal, Decimal, Decimal]:
    """Text, quantity, price, amount."""
    return (
        str(line["description"] or ""), Decimal(str(line["quantity"] or 0)), Decimal(str(line["unit_price"] or 0)),
        cents(line["amount"]),
    )  # fmt: skip


def lines_there(invoice: Mapping[str, Any]) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """Text, quantity, price, amount of the lines that sell something."""
    return [
        (
            str(one.get("Description", "")), Decimal(str(one["SalesItemLineDetail"].get("Qty", 0))),
            Decimal(str(one["SalesItemLineDetail"].get("UnitPrice", 0))), cents(one["Amount"]),
        )
        for one in invoice["Line"] if one["DetailType"] == "SalesItemLineDetail"
    ]  # fmt: skip


def by(key: str, rows: Sequence[Raw]) -> dict[str, Raw]:
    """Rows by what people call them; the same name twice is a fault."""
    found = {str(row.get(key) or ""): row for row in rows}
    assert len(found) == len(rows), f"{key} twice: {sorted(str(row.get(key)) for row in rows)}"
    return found
