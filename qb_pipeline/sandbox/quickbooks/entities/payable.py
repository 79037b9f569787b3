"""What bills, vendor credits and purchase orders share: the vendor, its address and terms, payables, the total.

Invariant: TotalAmt is computed here from the lines and the tax on them, never taken from the client.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ADDRESS, RO, TRANSACTION
from qb_pipeline.sandbox.quickbooks.entities.expense_lines import LINE, Form, complete_lines, sum_of
from qb_pipeline.sandbox.quickbooks.entities.purchase_tax import complete_purchase_tax, purchase_mode
from qb_pipeline.sandbox.quickbooks.entities.sale import due_date
from qb_pipeline.sandbox.quickbooks.entities.sales_tax import TAX_DETAIL
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.schema import Day, Property, Ref

PAYABLE: dict[str, Property] = {
    **TRANSACTION,
    "TxnDate": Day(),
    "VendorRef": Ref("Vendor"),
    "APAccountRef": Ref("Account"),
    "VendorAddr": ADDRESS,
    "Line": LINE,
    "TxnTaxDetail": TAX_DETAIL,
    "Balance": RO,
    "HomeBalance": RO,
    "RecurringInfo": RO,
    "IncludeInAnnualTPAR": RO,
}
AMOUNTS = {"Line", "TxnTaxDetail", "GlobalTaxCalculation"}
KEPT = ("CurrencyRef", "APAccountRef", "VendorAddr", "DocNumber")


def complete_payable(company: Company, draft: Draft, form: Form) -> Decimal:
    """Fill in everything but number and balance; returns TotalAmt. 2020, 6000, 6210, 6430."""
    obj = draft.obj
    # Even a sparse update must name the vendor (seen on the live service).
    if "VendorRef" not in obj or (draft.before is not None and not draft.given("VendorRef")):
        raise missing("VendorRef")
    if not obj.get("Line"):
        raise missing("Line")
    complete_date(company, obj)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    obj.pop("ExchangeRate", None)
    obj["APAccountRef"] = payables_account(company, obj, posts=form.posts)
    complete_address(company, draft)
    return complete_total(company, draft, form)


def complete_total(company: Company, draft: Draft, form: Form) -> Decimal:
    """Lines, tax and their sum; kept as they are when a sparse update names none of them."""
    obj, before, mode = draft.obj, draft.before, purchase_mode(company, draft.obj)
    if before is not None and draft.sparse and not AMOUNTS & set(draft.sent):
        return decimal_of(before.get("TotalAmt"))
    obj["Line"] = complete_lines(company, obj["Line"], (before or {}).get("Line") or [], form, mode)
    total = sum_of(obj["Line"]) + complete_purchase_tax(company, draft, mode)
    if total < 0:
        raise business(f"Transaction amount must be 0 or greater, not {total}.", element="TotalAmt")
    obj["TotalAmt"] = number(total)
    return total


def payables_account(company: Company, obj: JsonObject, *, posts: bool) -> JsonObject:
    """The account of payables the form names, else the usual one. 6430 for one of another type on a form that posts."""
    identifier = ref_value(obj, "APAccountRef") or account_for(company, "AccountsPayable")
    account = company.require("Account", identifier)
    if posts and account.get("AccountType") != "Accounts Payable":
        kind = account.get("AccountType")
        raise Fault(6430, f"APAccountRef {identifier} is of type {kind}, not Accounts Payable.", element="APAccountRef")
    return {"value": identifier, "name": reference_name("Account", account)}


def complete_address(company: Company, draft: Draft) -> None:
    """The vendor's address unless the form has its own, which then gets an Id."""
    obj = draft.obj
    if draft.given("VendorAddr"):
        known = ((draft.before or {}).get("VendorAddr") or {}).get("Id") or obj["VendorAddr"].get("Id")
        rest = {part: value for part, value in obj["VendorAddr"].items() if part != "Id"}
        obj["VendorAddr"] = {"Id": known or str(company.store.next_number("addresses")), **rest}
    elif draft.before is None:
        vendor = company.require("Vendor", str(ref_value(obj, "VendorRef")))
        if vendor.get("BillAddr"):
            obj["VendorAddr"] = vendor["BillAddr"]


def complete_terms(company: Company, draft: Draft) -> None:
    """The vendor's terms on a new bill, and the day they make it due: the day of the bill without terms."""
    obj, before = draft.obj, draft.before
    if before is None and "SalesTermRef" not in obj:
        vendor = company.require("Vendor", str(ref_value(obj, "VendorRef")))
        if vendor.get("TermRef"):
            obj["SalesTermRef"] = {"value": vendor["TermRef"]["value"]}
    moved = before is not None and not draft.given("DueDate") and bool({"SalesTermRef", "TxnDate"} & set(draft.sent))
    if "DueDate" not in obj or moved:
        obj["DueDate"] = due_date(company, obj) if obj.get("SalesTermRef") else obj["TxnDate"]


def complete_balance(entity: str, draft: Draft, total: Decimal) -> None:
    """What is open: the total less what has been applied. 6000 below that, 620 when the vendor changes meanwhile."""
    obj, before = draft.obj, draft.before
    applied = decimal_of((before or {}).get("TotalAmt")) - decimal_of((before or {}).get("Balance"))
    if total < applied:
        raise business(f"The {entity} has {applied} applied; its total cannot become {total}.", element="TotalAmt")
    if before is not None and applied and ref_value(before, "VendorRef") != ref_value(obj, "VendorRef"):
        raise Fault(620, f"{entity} {before['Id']} has payments of its vendor; unapply them first.")
    obj["Balance"] = number(total - applied)
