"""Bill: what is owed to a vendor.

Invariant: Balance = TotalAmt - what payments and vendor credits have been applied; a removal frees what was applied.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.applications import free_applications
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.expense_lines import Form
from qb_pipeline.sandbox.quickbooks.entities.payable import (
    KEPT,
    PAYABLE,
    complete_balance,
    complete_payable,
    complete_terms,
)
from qb_pipeline.sandbox.quickbooks.entities.purchase_links import bill_orders, check_orders
from qb_pipeline.sandbox.quickbooks.entities.reimburse_charge import charge_lines
from qb_pipeline.sandbox.quickbooks.entities.transaction import custom_numbers, refuse_closed, refuse_duplicate
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, system_failure
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import Day, Property, Ref

FORM = Form()
OWN: dict[str, Property] = {"DueDate": Day(), "SalesTermRef": Ref("Term", named=False)}
LAYOUT = (
    "SalesTermRef", "DueDate", "VendorAddr", "Balance", "HomeBalance", *HEAD, "DocNumber", "TxnDate", "DepartmentRef",
    "CurrencyRef", "ExchangeRate", "PrivateNote", "LinkedTxn", "Line", "TxnTaxDetail", "VendorRef", "APAccountRef",
    "TotalAmt", "GlobalTaxCalculation",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a bill."""
    total = complete_payable(company, draft, FORM)
    complete_terms(company, draft)
    complete_bill_number(company, draft)
    complete_head_links(draft)
    check_orders(company, draft.obj, draft.before, ref_value(draft.obj, "VendorRef"))
    complete_balance("Bill", draft, total)
    return draft.obj


def complete_bill_number(company: Company, draft: Draft) -> None:
    """The vendor's own number, if any. 6140 for one that another bill has."""
    given = draft.obj.get("DocNumber")
    if given is not None and given != (draft.before or {}).get("DocNumber"):
        refuse_duplicate(company, "Bill", str(given), custom_numbers(company))


def complete_head_links(draft: Draft) -> None:
    """Purchase orders are the client's, payments and charges the server's. 620 for a link from the wrong side."""
    stored = (draft.before or {}).get("LinkedTxn") or []
    sent = draft.sent.get("LinkedTxn")
    for link in sent or []:
        if link.get("TxnType") != "PurchaseOrder" and link not in stored:
            raise Fault(
                620, f"{link.get('TxnType')} {link.get('TxnId')} cannot be linked from a bill.", element="LinkedTxn"
            )
    orders = stored if sent is None and draft.sparse else sent or []
    links = [link for link in orders if link.get("TxnType") == "PurchaseOrder"]
    links += [link for link in stored if link.get("TxnType") != "PurchaseOrder"]
    draft.obj.pop("LinkedTxn", None)
    if links:
        draft.obj["LinkedTxn"] = links


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """Orders and billable costs follow the lines; a removed bill leaves its payments unapplied."""
    charge_lines(company, "Bill", before, after)
    bill_orders(company, "Bill", before, after)
    if before is not None and after is None:
        free_applications(company, "Bill", str(before["Id"]))


def voided(_company: Company, _obj: JsonObject) -> JsonObject:
    """As recorded: a failure inside a success, and nothing happens."""
    raise system_failure("java.lang.UnsupportedOperationException", http=200)


BILL = Entity(
    name="Bill",
    properties={**PAYABLE, **OWN},
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=KEPT,
    guard=refuse_closed,
    effect=effect,
    voided=voided,
)
