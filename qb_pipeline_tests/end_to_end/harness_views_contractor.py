"""The contractor's side in plain words.

Invariant: it is read over HTTP and by the contractor system's own rules; nothing here comes from the engine.
"""

from __future__ import annotations

from typing import Any

from qb_pipeline_tests.end_to_end.harness import COLLECTION_OF, JUDGED, ContractorDesk, Raw, cents, dec, words
from qb_pipeline_tests.end_to_end.harness_views import PARTS, Books, View, phone, ref, streets, title


def read_contractor(desk: ContractorDesk) -> Books:
    books = Books()
    for entity in JUDGED:
        for raw in desk.all(COLLECTION_OF[entity]):
            values = _CONTRACTOR[entity](raw)
            books.add(entity, View(raw["id"], _contractor_state(raw), values, title(entity, values)))
    return books


def _contractor_state(raw: Raw) -> str:
    if raw["deleted_at"] is not None:
        return "gone"
    if (raw.get("status") in ("void", "draft") and "lines" in raw) or raw.get("status") == "void":
        return str(raw["status"])
    return "live" if raw.get("active", True) else "inactive"


def _c_address(prefix: str, address: Raw | None) -> dict[str, Any]:
    found = address or {}
    parts = {f"{prefix}_{p}": words(found.get(p)) for p in PARTS}
    parts[f"{prefix}_line2"] = streets(parts[f"{prefix}_line2"].split("\n"))
    return parts


def _c_division(raw: Raw) -> Raw:
    return {"name": words(raw["name"])}


def _c_customer(raw: Raw) -> Raw:
    return {
        **{k: words(raw[k]) for k in ("name", "company_name", "first_name", "last_name", "notes")},
        "email": words(raw["email"]).casefold(),
        "phone": phone(raw["phone"]),
        **_c_address("billing", raw["billing_address"]),
        "taxable": raw["taxable"],
        "terms": ref("term", raw["terms_id"]),
    }


def _c_job(raw: Raw) -> Raw:
    name, number = words(raw["name"]) or words(raw["number"]), words(raw["number"])
    shown = f"{name} ({number})" if number else name
    return {
        "called": name,
        "name": shown,
        "customer": ref("customer", raw["customer_id"]),
        **_c_address("site", raw["address"]),
    }


def _c_item(raw: Raw) -> Raw:
    return {
        **{k: words(raw[k]) for k in ("name", "sku", "description")},
        "kind": "service" if raw["kind"] in ("service", "labor") else "goods",
        "unit_price": dec(raw["unit_price"]),
        "unit_cost": dec(raw["unit_cost"]),
        "income_account": ref("account", raw["income_account_id"]),
        "expense_account": ref("account", raw["expense_account_id"]),
        "taxable": raw["taxable"],
    }


def _c_invoice(raw: Raw) -> Raw:
    return {
        "number": words(raw["number"]),
        "customer": ref("customer", raw["customer_id"]),
        "job": ref("job", raw["job_id"]),
        "date": raw["issue_date"],
        "due_date": raw["due_date"],
        "terms": ref("term", raw["terms_id"]),
        "lines": [_c_line(line) for line in raw["lines"]],
        "tax_code": ref("tax_code", raw["tax_rate_id"]),
        "tax": cents(raw["tax"]),
        "memo": words(raw["memo"]),
        "total": cents(raw["total"]),
    }


def _c_line(line: Raw) -> tuple[Any, ...]:
    amount = cents(line["amount"])
    if line["item_id"] is None and amount == 0:
        return ("text", words(line["description"]))
    if line["item_id"] is None and amount < 0:
        return ("discount", amount)
    return (
        "item", ref("item", line["item_id"]), words(line["description"]), dec(line["quantity"]),
        dec(line["unit_price"]), amount, bool(line["taxable"]), ref("division", line["division_id"]),
    )  # fmt: skip


def _c_payment(raw: Raw) -> Raw:
    return {
        "customer": ref("customer", raw["customer_id"]),
        "date": raw["date"],
        "amount": cents(raw["amount"]),
        "method": ref("payment_method", raw["method_id"]),
        "reference": words(raw["reference"]),
        "allocations": [("invoice", ref("invoice", a["invoice_id"]), cents(a["amount"])) for a in raw["allocations"]],
        "memo": words(raw["memo"]),
    }


_CONTRACTOR = {
    "division": _c_division, "customer": _c_customer, "job": _c_job, "item": _c_item, "invoice": _c_invoice,
    "payment": _c_payment,
}  # fmt: skip
