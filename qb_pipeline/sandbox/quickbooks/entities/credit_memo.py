"""Credit memo.

Invariant: Balance = RemainingCredit = TotalAmt - what payments have used of it.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.applications import free_applications
from qb_pipeline.sandbox.quickbooks.entities.auto_apply import use_on_invoices
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, RO, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.payment import PAYMENT
from qb_pipeline.sandbox.quickbooks.entities.sale import KEPT, SALE, complete_sale
from qb_pipeline.sandbox.quickbooks.entities.transaction import refuse_closed, refuse_foreign_links
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value

LAYOUT = (
    "RemainingCredit", *HEAD, "CustomField", "DocNumber", "TxnDate", "DepartmentRef", "CurrencyRef", "ExchangeRate",
    "PrivateNote", "Line", "TxnTaxDetail", "CustomerRef", "ProjectRef", "CustomerMemo", "BillAddr", "ShipAddr",
    "FreeFormAddress", "ShipFromAddr", "ClassRef", "SalesTermRef", "PaymentMethodRef", "PaymentRefNum",
    "GlobalTaxCalculation", "TotalAmt", "HomeTotalAmt", "ApplyTaxAfterDiscount", "PrintStatus", "EmailStatus",
    "BillEmail", "BillEmailCc", "BillEmailBcc", "Balance", "HomeBalance",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a credit memo."""
    obj, before = draft.obj, draft.before
    refuse_foreign_links(draft)
    total = complete_sale(company, "CreditMemo", draft)
    applied = decimal_of((before or {}).get("TotalAmt")) - decimal_of((before or {}).get("Balance"))
    if total < applied:
        raise business(f"The credit memo has {applied} used; its total cannot become {total}.", element="TotalAmt")
    if before is not None and applied and ref_value(before, "CustomerRef") != ref_value(obj, "CustomerRef"):
        raise Fault(620, f"CreditMemo {before['Id']} is applied; unapply it first.", element="CustomerRef")
    obj["Balance"] = obj["RemainingCredit"] = number(total - applied)
    return obj


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """A new one is used at once where the company wants that; a removed one re-opens the invoices it paid."""
    if before is None:
        use_on_invoices(company, PAYMENT, after or {})
    elif after is None:
        free_applications(company, "CreditMemo", str(before["Id"]))


CREDIT_MEMO = Entity(
    name="CreditMemo",
    properties={**SALE, "RemainingCredit": RO},
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=KEPT,
    guard=refuse_closed,
    effect=effect,
)
