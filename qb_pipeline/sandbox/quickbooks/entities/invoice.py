"""Invoice.

Invariant: Balance = TotalAmt - what payments and credits have been applied; a void or a removal frees what was applied.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.applications import free_applications
from qb_pipeline.sandbox.quickbooks.entities.billing import bill, complete_billing
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, RO, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.sale import KEPT, SALE, complete_sale, due_date, voided_sale
from qb_pipeline.sandbox.quickbooks.entities.transaction import refuse_closed
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import Day, Flag, Property, Text

ONLINE = ("AllowIPNPayment", "AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment")
OWN: dict[str, Property] = {
    **{key: Flag() for key in ONLINE},
    "DueDate": Day(),
    "ShipDate": Day(),
    "TrackingNum": Text(31),
    "DepositToAccountRef": RO,
}
LAYOUT = (
    *ONLINE, *HEAD, "CustomField", "DocNumber", "TxnDate", "DepartmentRef", "CurrencyRef", "PrivateNote", "LinkedTxn",
    "Line", "TxnTaxDetail", "CustomerRef", "ProjectRef", "CustomerMemo", "BillAddr", "ShipAddr", "FreeFormAddress",
    "ShipFromAddr", "ClassRef", "SalesTermRef", "DueDate", "ShipMethodRef", "ShipDate", "TrackingNum", "TotalAmt",
    "ApplyTaxAfterDiscount", "PrintStatus", "EmailStatus", "BillEmail", "BillEmailCc", "BillEmailBcc", "Balance",
    "DeliveryInfo",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in an invoice."""
    obj, before = draft.obj, draft.before
    total = complete_sale(company, "Invoice", draft)
    complete_billing(company, draft)
    for key in ONLINE:
        obj.setdefault(key, False)
    if "DueDate" not in obj or terms_changed(draft):
        obj["DueDate"] = due_date(company, obj)
    applied = decimal_of((before or {}).get("TotalAmt")) - decimal_of((before or {}).get("Balance"))
    if total < applied:
        raise business(f"The invoice has {applied} applied; its total cannot become {total}.", element="TotalAmt")
    if before is not None and applied and ref_value(before, "CustomerRef") != ref_value(obj, "CustomerRef"):
        raise Fault(
            620, f"Invoice {before['Id']} has payments of its customer; unapply them first.", element="CustomerRef"
        )
    obj["Balance"] = number(total - applied)
    return obj


def terms_changed(draft: Draft) -> bool:
    """Whether the update moves terms or date and leaves the due date to the server."""
    return (
        not draft.given("DueDate") and draft.before is not None and bool({"SalesTermRef", "TxnDate"} & set(draft.sent))
    )


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """What is billed says so; a removed or voided invoice leaves its payments unapplied."""
    bill(company, before, after)
    if before is None:
        return
    voided = after is not None and bool(before.get("LinkedTxn")) and not after.get("LinkedTxn")
    if after is None or voided:
        free_applications(company, "Invoice", str(before["Id"]))


INVOICE = Entity(
    name="Invoice",
    properties={**SALE, **OWN},
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=(*KEPT, *ONLINE),
    guard=refuse_closed,
    effect=effect,
    voided=lambda _company, obj: voided_sale(obj),
)
