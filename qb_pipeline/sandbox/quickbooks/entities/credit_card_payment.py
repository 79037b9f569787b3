"""CreditCardPaymentTxn: money from the bank to pay off a credit card. Its address and query name is creditcardpayment.

Invariant: the money comes from a bank account and goes to a credit card account.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, TRANSACTION, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date, refuse_closed
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Choice, Day, Property, Ref, Text

ENDS = {"CreditCardAccountRef": "Credit Card", "BankAccountRef": "Bank"}
OWN: dict[str, Property] = {
    **TRANSACTION,
    "TxnDate": Day(),
    **{key: Ref("Account") for key in ENDS},
    "Amount": MONEY,
    "VendorRef": Ref("Vendor"),
    "CheckNum": Text(21),
    "PrintStatus": Choice(("NotSet", "NeedToPrint", "PrintComplete")),
    "Memo": Text(4000),
}
LAYOUT = (
    *ENDS, "Amount", "VendorRef", "CheckNum", "PrintStatus", *HEAD, "TxnDate", "CurrencyRef", "PrivateNote", "Memo",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a credit card payment. 2020, 2140, 6210, 6430."""
    obj = draft.obj
    for key in (*ENDS, "Amount"):
        if obj.get(key) is None:
            raise missing(key)
    if decimal_of(obj["Amount"]) <= 0:
        raise Fault(2140, f"Amount must be greater than 0. Supplied value:{obj['Amount']}", element="Amount")
    for key, wanted in ENDS.items():
        identifier = str(ref_value(obj, key))
        kind = company.require("Account", identifier).get("AccountType")
        if kind != wanted:
            raise Fault(6430, f"{key} {identifier} is of type {kind}; it must be a {wanted} account.", element=key)
    complete_date(company, obj)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    for key in ("LinkedTxn", "GlobalTaxCalculation", "ExchangeRate", "DocNumber"):
        obj.pop(key, None)
    return obj


CREDIT_CARD_PAYMENT = Entity(
    name="CreditCardPaymentTxn",
    properties=OWN,
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=("CurrencyRef",),
    guard=refuse_closed,
)
