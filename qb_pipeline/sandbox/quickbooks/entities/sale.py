"""What all sales forms share: customer, lines, tax, total, addresses.

Invariant: TotalAmt = lines - discount + tax, always computed here, never taken from the client.
"""

from datetime import date, timedelta
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import (
    ADDRESS,
    CUSTOM_FIELDS,
    RO,
    TRANSACTION,
)
from qb_pipeline.sandbox.quickbooks.entities.custom_fields import complete_custom_fields
from qb_pipeline.sandbox.quickbooks.entities.line_schema import BUNDLE, DETAIL
from qb_pipeline.sandbox.quickbooks.entities.sale_lines import LINE, complete_lines
from qb_pipeline.sandbox.quickbooks.entities.sales_tax import TAX_DETAIL, complete_tax
from qb_pipeline.sandbox.quickbooks.entities.tax_rates import AST, US, tax_mode
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date, complete_number, void_note
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import Choice, Day, Flag, Group, Property, Ref, Text

BILL_EMAIL = Group({"Address": Text(200, email=True)})
SALE: dict[str, Property] = {
    **TRANSACTION,
    "TxnDate": Day(),
    "CustomerRef": Ref("Customer"),
    "CustomerMemo": Group({"value": Text(1000)}),
    "BillAddr": ADDRESS,
    "ShipAddr": ADDRESS,
    "ShipFromAddr": ADDRESS,
    "FreeFormAddress": Flag(),
    "ClassRef": Ref("Class"),
    "SalesTermRef": Ref("Term"),
    "ShipMethodRef": Ref(""),
    "Line": LINE,
    "TxnTaxDetail": TAX_DETAIL,
    "ApplyTaxAfterDiscount": Flag(),
    "PrintStatus": Choice(("NotSet", "NeedToPrint", "PrintComplete")),
    "EmailStatus": Choice(("NotSet", "NeedToSend", "EmailSent")),
    "BillEmail": BILL_EMAIL,
    "BillEmailCc": BILL_EMAIL,
    "BillEmailBcc": BILL_EMAIL,
    "CustomField": CUSTOM_FIELDS,
    "Balance": RO,
    "HomeBalance": RO,
    "DeliveryInfo": RO,
    "InvoiceLink": RO,
    "PaymentMethodRef": Ref("PaymentMethod", named=False),
    "PaymentRefNum": Text(21),
    "TaxExemptionRef": RO,
}
# What a sparse update must name to have amounts made anew.
AMOUNTS = {"Line", "TxnTaxDetail", "ApplyTaxAfterDiscount", "GlobalTaxCalculation"}
# Forms that somebody who is not on the list of customers may pay on the spot.
ANONYMOUS = ("SalesReceipt", "RefundReceipt")
KEPT = (
    "CurrencyRef",
    "PrintStatus",
    "EmailStatus",
    "ApplyTaxAfterDiscount",
    "CustomField",
    "LinkedTxn",
    "DocNumber",
    "GlobalTaxCalculation",
)


def complete_sale(company: Company, entity: str, draft: Draft) -> Decimal:
    """Fill in everything but the balance; returns TotalAmt."""
    obj = draft.obj
    check_required(draft, anonymous=entity in ANONYMOUS)
    complete_date(company, obj)
    complete_number(company, entity, draft)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    customer = ref_value(obj, "CustomerRef")
    if draft.before is None and customer is not None:
        take_from_customer(company, obj, company.require("Customer", customer))
    number_addresses(company, draft)
    obj.setdefault("ApplyTaxAfterDiscount", False)
    obj.setdefault("PrintStatus", "NeedToPrint")
    obj.setdefault("EmailStatus", "NotSet")
    obj.pop("ExchangeRate", None)
    if obj["EmailStatus"] == "NeedToSend" and not obj.get("BillEmail"):
        raise business("EmailStatus NeedToSend needs a BillEmail.", element="BillEmail")
    complete_custom_fields(company, draft)
    obj["TotalAmt"] = number(complete_amounts(company, draft))
    return decimal_of(obj["TotalAmt"])


def check_required(draft: Draft, *, anonymous: bool) -> None:
    """2020 without a customer (unless the form may go without) or lines."""
    if "CustomerRef" not in draft.obj and not anonymous:
        raise missing("CustomerRef")
    if not draft.obj.get("Line"):
        raise missing("Line")


def complete_amounts(company: Company, draft: Draft) -> Decimal:
    """Lines and tax; kept as they are when a sparse update names neither. Returns the total."""
    obj, before, mode = draft.obj, draft.before, tax_mode(company, draft.obj)
    if mode in (US, AST):
        obj.pop("GlobalTaxCalculation", None)
    else:
        obj["GlobalTaxCalculation"] = mode
    if before is not None and draft.sparse and not AMOUNTS & set(draft.sent):
        return decimal_of(before.get("TotalAmt"))
    lines = complete_lines(company, obj["Line"], (before or {}).get("Line") or [], mode)
    obj["Line"] = lines.all
    obj["TxnTaxDetail"] = complete_tax(company, draft, lines, mode)
    total = lines.subtotal - lines.discount + lines.extra + decimal_of(obj["TxnTaxDetail"]["TotalTax"])
    if total < 0:
        raise business(f"Transaction amount must be 0 or greater, not {total}.", element="TotalAmt")
    return total


def take_from_customer(company: Company, obj: JsonObject, customer: JsonObject) -> None:
    """Addresses and terms, and where the switch says so the e-mail, that the document does not say itself."""
    if company.switches.bill_email == "customer" and customer.get("PrimaryEmailAddr"):
        obj.setdefault("BillEmail", customer["PrimaryEmailAddr"])
    for key in ("BillAddr", "ShipAddr", "SalesTermRef"):
        if key not in obj and customer.get(key):
            obj[key] = customer[key]


def number_addresses(company: Company, draft: Draft) -> None:
    """An address that is new to the document gets an Id, one taken from the customer keeps it."""
    for key in ("BillAddr", "ShipAddr", "ShipFromAddr"):
        address = draft.obj.get(key)
        if isinstance(address, dict) and draft.given(key):
            rest = {part: value for part, value in address.items() if part != "Id"}
            known = ((draft.before or {}).get(key) or {}).get("Id") or address.get("Id")
            draft.obj[key] = {"Id": known or str(company.store.next_number("addresses")), **rest}


def due_date(company: Company, obj: JsonObject) -> str:
    """TxnDate plus the terms; without terms the preferences' default ones count, else 30 days."""
    day = date.fromisoformat(str(obj["TxnDate"]))
    default = (company.preferences().get("SalesFormsPrefs") or {}).get("DefaultTerms") or {}
    identifier = ref_value(obj, "SalesTermRef") or default.get("value")
    term = company.store.get("Term", str(identifier)) or {"DueDays": 30}
    if "DayOfMonthDue" in term:
        return day_of_month_due(day, term).isoformat()
    return (day + timedelta(days=int(term.get("DueDays", 0)))).isoformat()


def day_of_month_due(day: date, term: JsonObject) -> date:
    """The next such day of a month; the one after when it is nearer than DueNextMonthDays."""
    wanted, notice = int(term["DayOfMonthDue"]), int(term.get("DueNextMonthDays", 0))
    month = day.replace(day=1)
    while True:
        following = (month + timedelta(days=32)).replace(day=1)
        due = month.replace(day=min(wanted, (following - timedelta(days=1)).day))
        if due >= day + timedelta(days=notice):
            return due
        month = following


def voided_sale(obj: JsonObject) -> JsonObject:
    """The document with every amount at zero and the note that says so."""
    lines = [zeroed(line) for line in obj.get("Line") or []]
    tax = {"TotalTax": 0}
    return {
        **obj,
        "PrivateNote": void_note(obj),
        "LinkedTxn": [],
        "Line": lines,
        "TxnTaxDetail": tax,
        "TotalAmt": 0,
        "Balance": 0,
    }


def zeroed(line: JsonObject) -> JsonObject:
    """A line with amount and quantity 0 that bills nothing; of a bundle, its parts too."""
    changed = {key: value for key, value in line.items() if key != "LinkedTxn"}
    if "Amount" in changed:
        changed["Amount"] = 0
    if DETAIL in changed:
        zeros = {key: 0 for key in ("Qty", "TaxInclusiveAmt") if key in changed[DETAIL]}
        changed[DETAIL] = {**changed[DETAIL], **zeros}
    if BUNDLE in changed:
        parts = [zeroed(part) for part in changed[BUNDLE].get("Line") or []]
        changed[BUNDLE] = {**changed[BUNDLE], "Line": parts}
    return changed
