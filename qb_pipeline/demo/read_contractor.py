"""The contractor's side read over its reference API.

Invariant: every record of every synchronised collection is read, deleted ones too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qb_pipeline.demo.readings import (
    LOOSE,
    ZERO,
    Reading,
    Ref,
    Side,
    cents,
    label,
    natural_key,
    number,
    phone,
    ref,
    words,
)
from qb_pipeline.demo.wire import Body, ContractorScreen


def read_contractor(screen: ContractorScreen) -> Side:
    """Every synchronised collection of the contractor's system."""
    side = Side()
    for entity, (collection, read) in _CONTRACTOR.items():
        for record in screen.all(collection, deleted=True):
            side.add(_contractor_reading(entity, record, read(record)))
    return side


def _contractor_reading(entity: str, record: Body, values: dict[str, Any]) -> Reading:
    state = (
        "deleted" if record["deleted_at"] else {"void": "void", "draft": "draft"}.get(record.get("status", ""), "live")
    )
    live = state == "live"
    owed = cents(record["balance"]) if entity == "invoice" and live else ZERO
    loose = values.get(LOOSE.get(entity, ""), ZERO) if live else ZERO
    return Reading(entity, record["id"], label(entity, values), values, state, owed, loose, natural_key(entity, values))


def _contractor_address(prefix: str, address: Body | None) -> dict[str, str]:
    parts = ("line1", "line2", "city", "state", "postal_code", "country")
    return {f"{prefix} {p}": words((address or {}).get(p)) for p in parts}


def _contractor_customer(r: Body) -> dict[str, Any]:
    return {
        "name": words(r["name"]),
        "company name": words(r["company_name"]),
        "first name": words(r["first_name"]),
        "last name": words(r["last_name"]),
        "e-mail": words(r["email"]).casefold(),
        "phone": phone(r["phone"]),
        **_contractor_address("billing", r["billing_address"]),
        "taxable": bool(r["taxable"]),
        "terms": ref("term", r["terms_id"]),
        "notes": words(r["notes"]),
        "active": bool(r["active"]),
    }


def _contractor_job(r: Body) -> dict[str, Any]:
    name = words(r["name"]) or words(r["number"])
    shown = f"{name} ({r['number']})" if r["number"] and r["name"] else name
    place = _contractor_address("site", r["address"])
    return {"name": shown, "customer": ref("customer", r["customer_id"]), **place, "active": bool(r["active"])}


def _contractor_item(r: Body) -> dict[str, Any]:
    return {
        "name": words(r["name"]),
        "SKU": words(r["sku"]),
        "description": words(r["description"]),
        "kind": "service" if r["kind"] in ("service", "labor") else "goods",
        "unit price": number(r["unit_price"]),
        "unit cost": number(r["unit_cost"]),
        "income account": ref("account", r["income_account_id"]),
        "expense account": ref("account", r["expense_account_id"]),
        "taxable": bool(r["taxable"]),
        "active": bool(r["active"]),
    }


def _contractor_invoice(r: Body) -> dict[str, Any]:
    return {
        "number": words(r["number"]),
        "customer": ref("customer", r["customer_id"]),
        "job": ref("job", r["job_id"]),
        "date": r["issue_date"],
        "due date": r["due_date"],
        "terms": ref("term", r["terms_id"]),
        "message": words(r["memo"]),
        "tax": cents(r["tax"]),
        "total": cents(r["total"]),
        "balance": cents(r["balance"]),
        "lines": [_contractor_line(line) for line in r["lines"]],
    }


def _contractor_credit(r: Body) -> dict[str, Any]:
    billed = _contractor_invoice({**r, "due_date": None, "terms_id": None})
    return {name: value for name, value in billed.items() if name not in ("due date", "terms")}


def _contractor_line(line: Body) -> dict[str, Any]:
    sold = line["item_id"] is not None or cents(line["amount"]) > 0
    return {
        "item": ref("item", line["item_id"]),
        "description": words(line["description"]) if sold or cents(line["amount"]) == 0 else "",
        "quantity": number(line["quantity"]) if sold else ZERO,
        "unit price": number(line["unit_price"]) if sold else ZERO,
        "amount": cents(line["amount"]),
        "taxable": bool(line["taxable"]) if sold else False,
        "division": ref("division", line["division_id"]) if sold else None,
    }


def _contractor_payment(r: Body) -> dict[str, Any]:
    applied = {Ref("invoice", a["invoice_id"]): cents(a["amount"]) for a in r["allocations"]}
    return {
        "customer": ref("customer", r["customer_id"]),
        "date": r["date"],
        "amount": cents(r["amount"]),
        "method": ref("payment_method", r["method_id"]),
        "reference": words(r["reference"]),
        "memo": words(r["memo"]),
        "applied to": applied,
        "unapplied": cents(r["amount"]) - sum(applied.values(), ZERO),
    }


def _named(r: Body) -> dict[str, Any]:
    return {"name": words(r["name"]), "active": bool(r["active"])}


_CONTRACTOR: dict[str, tuple[str, Callable[[Body], dict[str, Any]]]] = {
    "account": ("accounts", _named),
    "tax_code": ("tax_rates", lambda r: {**_named(r), "percent": number(r["rate"])}),
    "term": ("terms", _named),
    "payment_method": ("payment_methods", _named),
    "division": ("divisions", _named),
    "customer": ("customers", _contractor_customer),
    "job": ("jobs", _contractor_job),
    "item": ("items", _contractor_item),
    "invoice": ("invoices", _contractor_invoice),
    "payment": ("payments", _contractor_payment),
    "credit_memo": ("credit_memos", _contractor_credit),
}
SHARED = tuple(_CONTRACTOR)
"""The entities both systems have."""
