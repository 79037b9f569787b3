"""Transfer: money from one of the company's own accounts to another.

Invariant: both ends are balance-sheet accounts, two different ones, neither receivables nor payables.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, RO, TRANSACTION, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date, refuse_frozen
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Day, Property, Ref

ENDS = ("FromAccountRef", "ToAccountRef")
CONTROL = ("Accounts Receivable", "Accounts Payable")
OWN: dict[str, Property] = {
    **TRANSACTION,
    "TxnDate": Day(),
    **{key: Ref("Account") for key in ENDS},
    "Amount": MONEY,
    "ClassRef": Ref("Class"),
    "CustomField": RO,
}
LAYOUT = (*ENDS, "Amount", *HEAD, "TxnDate", "CurrencyRef", "ExchangeRate", "PrivateNote", "ClassRef", "DepartmentRef")


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a transfer. 2020, 2140, 6000, 6210, 6430."""
    obj = draft.obj
    for key in (*ENDS, "Amount"):
        if obj.get(key) is None:
            raise missing(key)
    if decimal_of(obj["Amount"]) <= 0:
        raise Fault(2140, f"Amount must be greater than 0. Supplied value:{obj['Amount']}", element="Amount")
    if ref_value(obj, ENDS[0]) == ref_value(obj, ENDS[1]):
        raise business("A transfer needs two different accounts.", element="ToAccountRef")
    for key in ENDS:
        check_end(company, obj, key)
    complete_date(company, obj)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    for key in ("LinkedTxn", "GlobalTaxCalculation", "DocNumber", "ExchangeRate"):
        obj.pop(key, None)
    return obj


def check_end(company: Company, obj: JsonObject, key: str) -> None:
    """6430 for an account money cannot be transferred from or to."""
    account = company.require("Account", str(ref_value(obj, key)))
    if account.get("Classification") not in ("Asset", "Liability", "Equity") or account.get("AccountType") in CONTROL:
        kind = account.get("AccountType")
        raise Fault(6430, f"{key} {account['Id']} is of type {kind}; money cannot be transferred there.", element=key)


TRANSFER = Entity(
    name="Transfer",
    properties=OWN,
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=("CurrencyRef",),
    guard=refuse_frozen,
)
