"""Sales receipt: a sale paid on the spot.

Invariant: its money lies on one account, whole; once a deposit took it from there it is frozen.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.money_account import complete_money_account
from qb_pipeline.sandbox.quickbooks.entities.sale import KEPT, SALE, complete_sale, voided_sale
from qb_pipeline.sandbox.quickbooks.entities.transaction import refuse_foreign_links, refuse_frozen
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.schema import Anything, Day, Property, Ref, Text

OWN: dict[str, Property] = {
    "PaymentMethodRef": Ref("PaymentMethod"),
    "DepositToAccountRef": Ref("Account"),
    "PaymentType": Text(20),
    "CheckPayment": Anything(),
    "DueDate": Day(),
    "ShipDate": Day(),
    "TrackingNum": Text(31),
}
LAYOUT = (
    *HEAD, "CustomField", "DocNumber", "TxnDate", "DepartmentRef", "CurrencyRef", "ExchangeRate", "PrivateNote",
    "LinkedTxn", "Line", "TxnTaxDetail", "CustomerRef", "ProjectRef", "CustomerMemo", "BillAddr", "ShipAddr",
    "FreeFormAddress", "ShipFromAddr", "ClassRef", "SalesTermRef", "DueDate", "ShipMethodRef", "ShipDate",
    "TrackingNum", "GlobalTaxCalculation", "TotalAmt", "HomeTotalAmt", "ApplyTaxAfterDiscount", "PrintStatus",
    "EmailStatus", "BillEmail", "BillEmailCc", "BillEmailBcc", "Balance", "HomeBalance", "PaymentMethodRef",
    "PaymentRefNum", "PaymentType", "CheckPayment", "DepositToAccountRef", "DeliveryInfo",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a sales receipt."""
    obj = draft.obj
    refuse_foreign_links(draft)
    complete_sale(company, "SalesReceipt", draft)
    complete_money_account(company, obj)
    obj["Balance"] = 0
    return obj


def voided(_company: Company, obj: JsonObject) -> JsonObject:
    """Nothing sold, nothing received; a receipt shows LinkedTxn only while it is in a deposit."""
    after = voided_sale(obj)
    del after["LinkedTxn"]
    return after


SALES_RECEIPT = Entity(
    name="SalesReceipt",
    properties={**SALE, **OWN},
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=KEPT,
    guard=refuse_frozen,
    voided=voided,
)
