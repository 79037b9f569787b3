"""Refund receipt: money given back for goods or services.

Invariant: the account the money leaves is named; a check leaves a bank account.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.money_account import kind_of_account, refuse_kind
from qb_pipeline.sandbox.quickbooks.entities.sale import KEPT, SALE, complete_sale
from qb_pipeline.sandbox.quickbooks.entities.transaction import refuse_foreign_links, refuse_frozen
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import Anything, Choice, Day, Property, Ref, Text

OWN: dict[str, Property] = {
    "PaymentMethodRef": Ref("PaymentMethod"),
    "DepositToAccountRef": Ref("Account"),
    "PaymentType": Choice(("Cash", "Check", "CreditCard", "Other")),
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
    "BillEmail", "BillEmailCc", "BillEmailBcc", "Balance", "HomeBalance", "PaymentMethodRef", "PaymentRefNum",
    "PaymentType", "CheckPayment", "DepositToAccountRef", "DeliveryInfo",
)  # fmt: skip
SOURCES = ("Bank", "Other Current Asset", "Credit Card")


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a refund receipt. 2020 without the account, 6430 for one money cannot leave."""
    obj = draft.obj
    refuse_foreign_links(draft)
    complete_source(company, obj)
    complete_sale(company, "RefundReceipt", draft)
    # As recorded: a refund shows no EmailStatus.
    obj.pop("EmailStatus", None)
    obj["Balance"] = 0
    return obj


def complete_source(company: Company, obj: JsonObject) -> None:
    """The account the money leaves."""
    identifier = ref_value(obj, "DepositToAccountRef")
    if identifier is None:
        raise missing("DepositToAccountRef")
    kind = kind_of_account(company, identifier)
    if kind not in SOURCES or (obj.get("PaymentType") == "Check" and kind != "Bank"):
        raise refuse_kind("A refund", "leave", identifier, kind)


REFUND_RECEIPT = Entity(
    name="RefundReceipt",
    properties={**SALE, **OWN},
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=KEPT,
    guard=refuse_frozen,
)
