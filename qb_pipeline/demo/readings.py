"""Both servers read over HTTP into one plain form, without any code of the pipeline's own codecs.

Invariant: what is compared was read from the servers after the sync, never from the pipeline's store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from qb_pipeline.demo.wire import Body, ContractorScreen, QuickBooksScreen

ZERO = Decimal("0.00")
_CENT = Decimal("0.01")
_LOOSE = {"payment": "unapplied", "credit_memo": "balance"}  # the field that says what no document uses yet
HIDDEN = "(a charge QuickBooks shows no line for)"


@dataclass(frozen=True)
class Ref:
    """A reference to another record of the same side, resolved through links when two sides are compared."""

    entity: str
    id: str


@dataclass(frozen=True)
class Reading:
    """One record of one side. `open` is what is still owed on it, `loose` money on it that no document uses.

    `state` is live, void, draft or deleted. `dated` is the day it is dated.
    """

    entity: str
    id: str
    label: str
    values: Mapping[str, Any]
    state: str = "live"
    open: Decimal = ZERO
    loose: Decimal = ZERO
    key: tuple[Any, ...] = ()


@dataclass
class Side:
    """Everything of one system, by entity and id."""

    records: dict[str, dict[str, Reading]] = field(default_factory=dict)

    def add(self, reading: Reading) -> None:
        self.records.setdefault(reading.entity, {})[reading.id] = reading

    def of(self, entity: str) -> dict[str, Reading]:
        return self.records.get(entity, {})

    def names(self) -> dict[tuple[str, str], str]:
        """What each record is called, by entity and native id."""
        return {(r.entity, r.id): r.label for of in self.records.values() for r in of.values()}

    def live(self, entity: str) -> list[Reading]:
        return [r for r in self.of(entity).values() if r.state == "live"]


def cents(value: Any) -> Decimal:
    """An amount to the cent; nothing is zero."""
    return Decimal(value if value not in (None, "") else 0).quantize(_CENT, ROUND_HALF_UP)


def number(value: Any) -> Decimal:
    """A quantity or price; nothing is zero, as QuickBooks makes no difference."""
    return Decimal(value if value not in (None, "") else 0)


def words(value: Any) -> str:
    """Text as an accountant compares it: outer blanks and kinds of line feed do not count."""
    return "\n".join(str(value or "").replace("\r\n", "\n").replace("\r", "\n").strip().split("\n"))


def phone(value: Any) -> str:
    digits = "".join(c for c in str(value or "") if c.isdigit())
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits or words(value)


def _ref(entity: str, native: Any) -> Ref | None:
    return Ref(entity, str(native)) if native not in (None, "") else None


# ---- the contractor's side ------------------------------------------------------------------------------------------


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
    loose = values.get(_LOOSE.get(entity, ""), ZERO) if live else ZERO
    return Reading(entity, record["id"], _label(entity, values), values, state, owed, loose, _key(entity, values))


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
        "terms": _ref("term", r["terms_id"]),
        "notes": words(r["notes"]),
        "active": bool(r["active"]),
    }


def _contractor_job(r: Body) -> dict[str, Any]:
    name = words(r["name"]) or words(r["number"])
    shown = f"{name} ({r['number']})" if r["number"] and r["name"] else name
    place = _contractor_address("site", r["address"])
    return {"name": shown, "customer": _ref("customer", r["customer_id"]), **place, "active": bool(r["active"])}


def _contractor_item(r: Body) -> dict[str, Any]:
    return {
        "name": words(r["name"]),
        "SKU": words(r["sku"]),
        "description": words(r["description"]),
        "kind": "service" if r["kind"] in ("service", "labor") else "goods",
        "unit price": number(r["unit_price"]),
        "unit cost": number(r["unit_cost"]),
        "income account": _ref("account", r["income_account_id"]),
        "expense account": _ref("account", r["expense_account_id"]),
        "taxable": bool(r["taxable"]),
        "active": bool(r["active"]),
    }


def _contractor_invoice(r: Body) -> dict[str, Any]:
    return {
        "number": words(r["number"]),
        "customer": _ref("customer", r["customer_id"]),
        "job": _ref("job", r["job_id"]),
        "date": r["issue_date"],
        "due date": r["due_date"],
        "terms": _ref("term", r["terms_id"]),
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
        "item": _ref("item", line["item_id"]),
        "description": words(line["description"]) if sold or cents(line["amount"]) == 0 else "",
        "quantity": number(line["quantity"]) if sold else ZERO,
        "unit price": number(line["unit_price"]) if sold else ZERO,
        "amount": cents(line["amount"]),
        "taxable": bool(line["taxable"]) if sold else False,
        "division": _ref("division", line["division_id"]) if sold else None,
    }


def _contractor_payment(r: Body) -> dict[str, Any]:
    applied = {Ref("invoice", a["invoice_id"]): cents(a["amount"]) for a in r["allocations"]}
    return {
        "customer": _ref("customer", r["customer_id"]),
        "date": r["date"],
        "amount": cents(r["amount"]),
        "method": _ref("payment_method", r["method_id"]),
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


# ---- QuickBooks -----------------------------------------------------------------------------------------------------


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
    loose = values.get(_LOOSE.get(entity, ""), ZERO) if state == "live" else ZERO
    return Reading(entity, str(raw["Id"]), _label(entity, values), values, state, owed, loose, _key(entity, values))


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
        "terms": _ref("term", _value(raw, "SalesTermRef", "value")),
        "notes": words(raw.get("Notes")),
        "active": _active(raw),
    }


def _quickbooks_job(book: _Book, raw: Body) -> dict[str, Any] | None:
    if not (raw.get("Job") or raw.get("ParentRef")):
        return None
    owner = _ref("customer", book.parent(str(raw["Id"])))
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
        "income account": _ref("account", _value(raw, "IncomeAccountRef", "value")),
        "expense account": _ref("account", _value(raw, "ExpenseAccountRef", "value")),
        "taxable": bool(raw.get("Taxable")),
        "active": _active(raw),
    }


def _quickbooks_invoice(book: _Book, raw: Body) -> dict[str, Any]:
    party = str(_value(raw, "CustomerRef", "value"))
    owner = book.parent(party)
    return {
        "number": words(raw.get("DocNumber")),
        "customer": _ref("customer", owner or party),
        "job": _ref("job", party) if owner else None,
        "date": raw.get("TxnDate"),
        "due date": raw.get("DueDate"),
        "terms": _ref("term", _value(raw, "SalesTermRef", "value")),
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
        "item": None if item in ("SHIPPING_ITEM_ID", "GRATUITY_ITEM_ID") else _ref("item", item),
        "description": words(line.get("Description")),
        "quantity": number(detail.get("Qty")),
        "unit price": number(detail.get("UnitPrice")),
        "amount": amount,
        "taxable": _value(detail, "TaxCodeRef", "value") not in (None, "NON"),
        "division": _ref("division", _value(detail, "ClassRef", "value")),
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
        "customer": _ref("customer", book.parent(payer) or payer),
        "date": raw.get("TxnDate"),
        "amount": cents(raw.get("TotalAmt")),
        "method": _ref("payment_method", _value(raw, "PaymentMethodRef", "value")),
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
SHARED = tuple(_CONTRACTOR)
"""The entities both systems have."""


def _label(entity: str, values: Mapping[str, Any]) -> str:
    name = values.get("number") or values.get("name") or values.get("reference") or values.get("date") or "?"
    return f"{entity.replace('_', ' ')} {name}"


def _key(entity: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """What would be the same on two copies of one record."""
    if entity in ("invoice", "credit_memo"):
        return values["number"], values["date"], values["total"], values["customer"]
    if entity == "payment":
        return values["customer"], values["date"], values["amount"], values["reference"]
    if entity == "job":
        return values["name"], values["customer"]
    return (str(values["name"]).casefold(),)
