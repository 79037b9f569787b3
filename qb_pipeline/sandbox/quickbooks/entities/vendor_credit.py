"""VendorCredit: what a vendor owes back.

Invariant: Balance = TotalAmt - what bill payments have used of it.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.applications import free_applications
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, RO, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.expense_lines import Form
from qb_pipeline.sandbox.quickbooks.entities.payable import KEPT, PAYABLE, complete_balance, complete_payable
from qb_pipeline.sandbox.quickbooks.entities.reimburse_charge import charge_lines
from qb_pipeline.sandbox.quickbooks.entities.transaction import (
    custom_numbers,
    refuse_closed,
    refuse_duplicate,
    refuse_foreign_links,
)
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

FORM = Form(linked=False)
LAYOUT = (
    "VendorAddr", "Balance", "HomeBalance", *HEAD, "DocNumber", "TxnDate", "DepartmentRef", "CurrencyRef",
    "ExchangeRate", "PrivateNote", "LinkedTxn", "Line", "TxnTaxDetail", "VendorRef", "APAccountRef", "TotalAmt",
    "GlobalTaxCalculation",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a vendor credit."""
    total = complete_payable(company, draft, FORM)
    given = draft.obj.get("DocNumber")
    if given is not None and given != (draft.before or {}).get("DocNumber"):
        refuse_duplicate(company, "VendorCredit", str(given), custom_numbers(company))
    refuse_foreign_links(draft)
    complete_balance("VendorCredit", draft, total)
    return draft.obj


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """A removed vendor credit re-opens the bills it paid."""
    charge_lines(company, "VendorCredit", before, after)
    if before is not None and after is None:
        free_applications(company, "VendorCredit", str(before["Id"]))


VENDOR_CREDIT = Entity(
    name="VendorCredit",
    properties={**PAYABLE, "FromAccountRef": RO, "ToAccountRef": RO},
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=KEPT,
    guard=refuse_closed,
    effect=effect,
)
