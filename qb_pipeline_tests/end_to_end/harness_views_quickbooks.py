"""QuickBooks' side in plain words.

Invariant: it is read over HTTP and by QuickBooks' own rules; nothing here comes from the engine.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from qb_pipeline_tests.end_to_end.harness import JUDGED, OBJECT_OF, QuickBooksDesk, Raw, cents, dec, words
from qb_pipeline_tests.end_to_end.harness_views import Books, View, phone, ref, streets, title

_MARK = re.compile(r" \(deleted(?: \d+)?\)$")


def read_quickbooks(desk: QuickBooksDesk) -> Books:
    books = Books()
    parents = {c["Id"]: c["ParentRef"]["value"] for c in desk.all("Customer") if "ParentRef" in c}
    for name in dict.fromkeys(OBJECT_OF[e] for e in JUDGED):
        for raw in desk.all(name):
            entity = next(e for e in JUDGED if OBJECT_OF[e] == name)
            if name == "Customer" and raw.get("Job"):
                entity = "job"
            values = _QUICKBOOKS[entity](raw, parents)
            books.add(entity, View(raw["Id"], _quickbooks_state(raw), values, title(entity, values)))
    return books


def _quickbooks_state(raw: Raw) -> str:
    # A payment of nothing for nothing is what a void leaves, even after somebody rewrote its note.
    empty = "UnappliedAmt" in raw and not raw.get("Line")
    marked = str(raw.get("PrivateNote", "")).startswith("Voided")
    voided = (marked or empty) and cents(raw.get("TotalAmt")) == 0
    if "TotalAmt" in raw and voided:
        return "void"
    return "live" if raw.get("Active", True) else "inactive"


def _value(raw: Mapping[str, Any], key: str) -> Any:
    return (raw.get(key) or {}).get("value")


def _q_address(prefix: str, address: Raw | None) -> dict[str, Any]:
    found = address or {}
    return {
        f"{prefix}_line1": words(found.get("Line1")),
        f"{prefix}_line2": streets(words(found.get(f"Line{n}")) for n in range(2, 6)),
        f"{prefix}_city": words(found.get("City")),
        f"{prefix}_state": words(found.get("CountrySubDivisionCode")),
        f"{prefix}_postal_code": words(found.get("PostalCode")),
        f"{prefix}_country": words(found.get("Country")),
    }


def _q_name(raw: Raw, key: str) -> str:
    return words(raw[key]) if raw.get("Active", True) else words(_MARK.sub("", raw[key]))


def _q_division(raw: Raw, _parents: Mapping[str, str]) -> Raw:
    return {"name": _q_name(raw, "FullyQualifiedName")}


def _q_customer(raw: Raw, _parents: Mapping[str, str]) -> Raw:
    return {
        "name": _q_name(raw, "DisplayName"),
        "company_name": words(raw.get("CompanyName")),
        "first_name": words(raw.get("GivenName")),
        "last_name": words(raw.get("FamilyName")),
        "notes": words(raw.get("Notes")),
        "email": words((raw.get("PrimaryEmailAddr") or {}).get("Address")).casefold(),
        "phone": phone((raw.get("PrimaryPhone") or {}).get("FreeFormNumber")),
        **_q_address("billing", raw.get("BillAddr")),
        "taxable": bool(raw.get("Taxable")),
        "terms": ref("term", _value(raw, "SalesTermRef")),
    }


def _q_job(raw: Raw, parents: Mapping[str, str]) -> Raw:
    top = raw["ParentRef"]["value"]
    while top in parents:
        top = parents[top]
    name = _q_name(raw, "DisplayName")
    return {
        "called": re.sub(r" \([^()]*\d[^()]*\)$", "", name),
        "name": name,
        "customer": ref("customer", top),
        **_q_address("site", raw.get("ShipAddr")),
    }


def _q_item(raw: Raw, _parents: Mapping[str, str]) -> Raw:
    return {
        "name": _q_name(raw, "Name"),
        "sku": words(raw.get("Sku")),
        "description": words(raw.get("Description")),
        "kind": "service" if raw["Type"] == "Service" else "goods",
        "unit_price": dec(raw.get("UnitPrice")),
        "unit_cost": dec(raw.get("PurchaseCost")),
        "income_account": ref("account", _value(raw, "IncomeAccountRef")),
        "expense_account": ref("account", _value(raw, "ExpenseAccountRef")),
        "taxable": bool(raw.get("Taxable")),
    }


def _q_invoice(raw: Raw, parents: Mapping[str, str]) -> Raw:
    party = top = raw["CustomerRef"]["value"]
    while top in parents:
        top = parents[top]
    tax = raw.get("TxnTaxDetail") or {}
    lines = [_q_line(line) for line in raw["Line"] if line["DetailType"] != "SubTotalLineDetail"]
    nothing = ("discount", cents(0))
    return {
        "number": words(raw.get("DocNumber")),
        "customer": ref("customer", top),
        "job": ref("job", party if party in parents else None),
        "date": raw["TxnDate"],
        "due_date": raw.get("DueDate"),
        "terms": ref("term", _value(raw, "SalesTermRef")),
        "lines": [line for line in lines if line != nothing],
        "tax_code": ref("tax_code", _value(tax, "TxnTaxCodeRef")),
        "tax": cents(tax.get("TotalTax")),
        "memo": words((raw.get("CustomerMemo") or {}).get("value")),
        "total": cents(raw.get("TotalAmt")),
    }


def _q_line(line: Raw) -> tuple[Any, ...]:
    kind, amount = line["DetailType"], cents(line.get("Amount"))
    if kind == "DiscountLineDetail":
        return ("discount", -amount)
    if kind != "SalesItemLineDetail":
        return ("text", words(line.get("Description")))
    detail = line[kind]
    return (
        "item", ref("item", _value(detail, "ItemRef")), words(line.get("Description")), dec(detail.get("Qty")),
        dec(detail.get("UnitPrice")), amount, _value(detail, "TaxCodeRef") not in (None, "NON"),
        ref("division", _value(detail, "ClassRef")),
    )  # fmt: skip


def _q_payment(raw: Raw, parents: Mapping[str, str]) -> Raw:
    top = raw["CustomerRef"]["value"]
    while top in parents:
        top = parents[top]
    settled: Counter[str] = Counter()
    for line in raw.get("Line", []):
        for link in line["LinkedTxn"]:
            if link["TxnType"] == "Invoice":
                settled[link["TxnId"]] += line["Amount"]
    return {
        "customer": ref("customer", top),
        "date": raw["TxnDate"],
        "amount": cents(raw["TotalAmt"]),
        "method": ref("payment_method", _value(raw, "PaymentMethodRef")),
        "reference": words(raw.get("PaymentRefNum")),
        "allocations": [("invoice", ref("invoice", i), cents(a)) for i, a in settled.items()],
        "memo": words(raw.get("PrivateNote")),
    }


_QUICKBOOKS = {
    "division": _q_division, "customer": _q_customer, "job": _q_job, "item": _q_item, "invoice": _q_invoice,
    "payment": _q_payment,
}  # fmt: skip
