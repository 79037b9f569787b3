"""QuickBooks' side read over its accounting API.

Invariant: every object of every synchronised kind is read, inactive ones too, each kind once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from qb_pipeline.demo.readings import (
    HIDDEN,
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
from qb_pipeline.demo.wire import Body, QuickBooksScreen


def read_quickbooks(screen: QuickBooksScreen) -> Side:
    """Every synchronised object of QuickBooks, inactive ones too."""
    side, book = Side(), _Book(screen)
    for entity, (name, read) in _QUICKBOOKS.items():
        for raw in book.objects(name):
            if (values := read(book, raw)) is not None:
                side.add(_quickbooks_reading(entity, raw, values))
    return side


def _quickbooks_reading(entity: str, raw: Body, values: dict[str, Any]) -> Reading:
    void = cents(raw.get("TotalAmt")) == 0 and str(raw.get("PrivateNote") or "").startswith("Voided")
    state = "void" if void and entity in ("invoice", "payment") else "live"
    owed = cents(raw.get("Balance")) if entity == "invoice" else ZERO
    loose = values.get(LOOSE.get(entity, ""), ZERO) if state == "live" else ZERO
    return Reading(
        entity, str(raw["Id"]), label(entity, values), values, state, owed, loose, natural_key(entity, values)
    )


class _Book:
    """The objects of one company, each kind read once."""

    def __init__(self, screen: QuickBooksScreen) -> None:
        self._screen = screen
        self._read: dict[str, list[Body]] = {}

    def objects(self, name: str) -> list[Body]:
        if name not in self._read:
            self._read[name] = self._screen.all(name, inactive=name not in ("Invoice", "Payment", "CreditMemo"))
        return self._read[name]

    def parent(self, customer: str) -> str | None:
        """The customer a job belongs to, however deep; None for a customer itself."""
        above = {str(c["Id"]): str(c["ParentRef"]["value"]) for c in self.objects("Customer") if c.get("ParentRef")}
        top = above.get(customer)
        while top in above:
            top = above[top]
        return top

    def percents(self) -> dict[str, Decimal]:
        return {str(r["Id"]): number(r.get("RateValue")) for r in self.objects("TaxRate")}


def _value(raw: Body, *path: str) -> Any:
    found: Any = raw
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _active(raw: Body) -> bool:
    return raw.get("Active", True) is not False


def _name(raw: Body, key: str) -> str:
    """A name without what QuickBooks hangs on inactive ones."""
    shown = words(raw.get(key))
    return shown if _active(raw) else shown.rpartition(" (deleted")[0] or shown


def _quickbooks_address(prefix: str, address: Body | None) -> dict[str, str]:
    found = address or {}
    below = [words(found.get(f"Line{n}")) for n in range(2, 6)]
    parts = {"line1": found.get("Line1"), "line2": "\n".join(line for line in below if line), "city": found.get("City")}
    parts |= {"state": found.get("CountrySubDivisionCode"), "postal_code": found.get("PostalCode")}
    return {f"{prefix} {k}": words(v) for k, v in {**parts, "country": found.get("Country")}.items()}


def _quickbooks_customer(_book: _Book, raw: Body) -> dict[str, Any] | None:
    if raw.get("Job") or raw.get("ParentRef"):
        return None
    return {
        "name": _name(raw, "DisplayName"),
        "company name": words(raw.get("CompanyName")),
        "first name": words(raw.get("GivenName")),
        "last name": words(raw.get("FamilyName")),
        "e-mail": words(_value(raw, "PrimaryEmailAddr", "Address")).casefold(),
        "phone": phone(_value(raw, "PrimaryPhone", "FreeFormNumber")),
        **_quickbooks_address("billing", raw.get("BillAddr")),
        "taxable": bool(raw.get("Taxable")),
        "terms": ref("term", _value(raw, "SalesTermRef", "value")),
        "notes": words(raw.get("Notes")),
        "active": _active(raw),
    }


def _quickbooks_job(book: _Book, raw: Body) -> dict[str, Any] | None:
    if not (raw.get("Job") or raw.get("ParentRef")):
        return None
    owner = ref("customer", book.parent(str(raw["Id"])))
    place = _quickbooks_address("site", raw.get("ShipAddr"))
    return {"name": _name(raw, "DisplayName"), "customer": owner, **place, "active": _active(raw)}


def _quickbooks_item(_book: _Book, raw: Body) -> dict[str, Any]:
    return {
        "name": _name(raw, "Name"),
        "SKU": words(raw.get("Sku")),
        "description": words(raw.get("Description")),
        "kind": "service" if raw.get("Type") == "Service" else "goods",
        "unit price": number(raw.get("UnitPrice")),
        "unit cost": number(raw.get("PurchaseCost")),
        "income account": ref("account", _value(raw, "IncomeAccountRef", "value")),
        "expense account": ref("account", _value(raw, "ExpenseAccountRef", "value")),
        "taxable": bool(raw.get("Taxable")),
        "active": _active(raw),
    }


def _quickbooks_invoice(book: _Book, raw: Body) -> dict[str, Any]:
    party = str(_value(raw, "CustomerRef", "value"))
    owner = book.parent(party)
    return {
        "number": words(raw.get("DocNumber")),
        "customer": ref("customer", owner or party),
        "job": ref("job", party) if owner else None,
        "date": raw.get("TxnDate"),
        "due date": raw.get("DueDate"),
        "terms": ref("term", _value(raw, "SalesTermRef", "value")),
        "message": words(_value(raw, "CustomerMemo", "value")),
        "tax": cents(_value(raw, "TxnTaxDetail", "TotalTax")),
        "total": cents(raw.get("TotalAmt")),
        "balance": cents(raw.get("Balance")),
        "lines": _quickbooks_lines(raw),
    }


def _quickbooks_credit(book: _Book, raw: Body) -> dict[str, Any]:
    billed = _quickbooks_invoice(book, raw)
    kept = {name: value for name, value in billed.items() if name not in ("due date", "terms")}
    return {**kept, "balance": cents(raw.get("RemainingCredit", raw.get("Balance")))}


def _quickbooks_lines(raw: Body) -> list[dict[str, Any]]:
    """The lines; a subtotal is one only where it stands for charges that no line shows."""
    lines = [line for line in raw.get("Line", []) if line.get("DetailType") != "SubTotalLineDetail"]
    found = [_quickbooks_line(part) for line in lines for part in (_value(line, "GroupLineDetail", "Line") or [line])]
    missing = cents(raw.get("TotalAmt")) - cents(_value(raw, "TxnTaxDetail", "TotalTax"))
    missing -= sum((line["amount"] for line in found), ZERO)
    nothing: dict[str, Any] = {"item": None, "quantity": ZERO, "unit price": ZERO, "taxable": False, "division": None}
    return found if missing == 0 else [*found, {**nothing, "description": HIDDEN, "amount": missing}]


def _quickbooks_line(line: Body) -> dict[str, Any]:
    detail = line.get("SalesItemLineDetail")
    amount = cents(line.get("Amount"))
    if detail is None:
        spoken = line.get("DetailType") != "DiscountLineDetail"
        nothing: dict[str, Any] = {"item": None, "quantity": ZERO, "unit price": ZERO, "taxable": False}
        shown = words(line.get("Description")) if spoken else ""
        return {**nothing, "description": shown, "amount": amount if spoken else -amount, "division": None}
    item = _value(detail, "ItemRef", "value")
    return {
        "item": None if item in ("SHIPPING_ITEM_ID", "GRATUITY_ITEM_ID") else ref("item", item),
        "description": words(line.get("Description")),
        "quantity": number(detail.get("Qty")),
        "unit price": number(detail.get("UnitPrice")),
        "amount": amount,
        "taxable": _value(detail, "TaxCodeRef", "value") not in (None, "NON"),
        "division": ref("division", _value(detail, "ClassRef", "value")),
    }


def _quickbooks_payment(book: _Book, raw: Body) -> dict[str, Any]:
    payer = str(_value(raw, "CustomerRef", "value"))
    applied: dict[Ref, Decimal] = {}
    for line in raw.get("Line", []):
        for linked in line.get("LinkedTxn", []):
            if linked.get("TxnType") == "Invoice":
                target = Ref("invoice", str(linked["TxnId"]))
                applied[target] = applied.get(target, ZERO) + cents(line.get("Amount"))
    return {
        "customer": ref("customer", book.parent(payer) or payer),
        "date": raw.get("TxnDate"),
        "amount": cents(raw.get("TotalAmt")),
        "method": ref("payment_method", _value(raw, "PaymentMethodRef", "value")),
        "reference": words(raw.get("PaymentRefNum")),
        "memo": words(raw.get("PrivateNote")),
        "applied to": applied,
        "unapplied": cents(raw.get("UnappliedAmt")),
    }


def _full_name(_book: _Book, raw: Body) -> dict[str, Any]:
    full = words(raw.get("FullyQualifiedName") or raw.get("Name"))
    return {"name": full if _active(raw) else full.replace(" (deleted)", ""), "active": _active(raw)}


def _tax_code(book: _Book, raw: Body) -> dict[str, Any]:
    listed = _value(raw, "SalesTaxRateList", "TaxRateDetail") or []
    percent = sum((book.percents().get(str(_value(d, "TaxRateRef", "value")), ZERO) for d in listed), Decimal(0))
    return {"name": words(raw.get("Name")), "active": _active(raw), "percent": percent}


_QUICKBOOKS: dict[str, tuple[str, Callable[[_Book, Body], dict[str, Any] | None]]] = {
    "account": ("Account", _full_name),
    "tax_rate": ("TaxRate", lambda _book, raw: {"name": words(raw.get("Name")), "active": _active(raw)}),
    "tax_code": ("TaxCode", _tax_code),
    "term": ("Term", lambda _book, raw: {"name": _name(raw, "Name"), "active": _active(raw)}),
    "payment_method": ("PaymentMethod", lambda _book, raw: {"name": _name(raw, "Name"), "active": _active(raw)}),
    "division": ("Class", _full_name),
    "customer": ("Customer", _quickbooks_customer),
    "job": ("Customer", _quickbooks_job),
    "item": ("Item", _quickbooks_item),
    "invoice": ("Invoice", _quickbooks_invoice),
    "payment": ("Payment", _quickbooks_payment),
    "credit_memo": ("CreditMemo", _quickbooks_credit),
}
