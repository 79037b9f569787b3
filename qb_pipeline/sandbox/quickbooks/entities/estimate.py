"""Estimate: what work would cost; posts nothing.

Invariant: TxnStatus tells how far the estimate got: a person accepts, rejects or closes it, billing it closes it, and
taking the bill away opens it again.
"""

from datetime import date

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.sale import KEPT, SALE, complete_sale
from qb_pipeline.sandbox.quickbooks.entities.transaction import refuse_closed, refuse_foreign_links
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import business
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.schema import Choice, Day, Property, Text

STATUSES = ("Pending", "Accepted", "Closed", "Rejected", "Converted")
OWN: dict[str, Property] = {
    "TxnStatus": Choice(STATUSES),
    "ExpirationDate": Day(),
    "AcceptedBy": Text(100),
    "AcceptedDate": Day(),
    "DueDate": Day(),
    "ShipDate": Day(),
    "TrackingNum": Text(31),
}
LAYOUT = (
    "ExpirationDate", "AcceptedBy", "AcceptedDate", *HEAD, "CustomField", "DocNumber", "TxnDate", "DepartmentRef",
    "CurrencyRef", "ExchangeRate", "PrivateNote", "TxnStatus", "LinkedTxn", "Line", "TxnTaxDetail", "CustomerRef",
    "ProjectRef", "CustomerMemo", "BillAddr", "ShipAddr", "FreeFormAddress", "ShipFromAddr", "ClassRef",
    "SalesTermRef", "DueDate", "ShipMethodRef", "ShipDate", "TrackingNum", "GlobalTaxCalculation", "TotalAmt",
    "HomeTotalAmt", "ApplyTaxAfterDiscount", "PrintStatus", "EmailStatus", "BillEmail", "BillEmailCc",
    "BillEmailBcc", "DeliveryInfo",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in an estimate."""
    obj = draft.obj
    refuse_foreign_links(draft)
    complete_sale(company, "Estimate", draft)
    complete_status(obj)
    check_expiration(obj)
    for key in ("Balance", "SalesTermRef", "PaymentMethodRef", "PaymentRefNum"):
        if not draft.given(key):
            obj.pop(key, None)
    return obj


def complete_status(obj: JsonObject) -> None:
    """Pending unless something is said, Accepted when somebody accepted it, Closed once billed whole."""
    accepted = "AcceptedBy" in obj or "AcceptedDate" in obj
    obj.setdefault("TxnStatus", "Accepted" if accepted else "Pending")
    if obj["TxnStatus"] == "Rejected" and obj.get("LinkedTxn"):
        raise business(f"Estimate {obj.get('Id')} is billed and cannot be rejected.", element="TxnStatus")


def check_expiration(obj: JsonObject) -> None:
    """6000 for an offer that ends before it is made."""
    if "ExpirationDate" in obj and date.fromisoformat(obj["ExpirationDate"]) < date.fromisoformat(str(obj["TxnDate"])):
        raise business(
            f"The estimate of {obj['TxnDate']} cannot expire before, on {obj['ExpirationDate']}.",
            element="ExpirationDate",
        )


ESTIMATE = Entity(
    name="Estimate",
    properties={**SALE, **OWN},
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=(*KEPT, "TxnStatus"),
    guard=refuse_closed,
)
