"""Payment received from a customer, and the link between credits and charges.

Invariant: UnappliedAmt = TotalAmt - charges + credits and is never negative; a deposited payment is frozen.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.application_checks import check_applications
from qb_pipeline.sandbox.quickbooks.entities.applications import RECEIVED
from qb_pipeline.sandbox.quickbooks.entities.auto_apply import pay_oldest
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, LINKED, RO, TRANSACTION, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.money_account import complete_money_account
from qb_pipeline.sandbox.quickbooks.entities.payment_lines import payment_line
from qb_pipeline.sandbox.quickbooks.entities.transaction import (
    complete_date,
    refuse_foreign_links,
    refuse_frozen,
    void_note,
)
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Day, Flag, Group, Many, Property, Ref, Text

OWN: dict[str, Property] = {
    **TRANSACTION,
    "TxnDate": Day(),
    "TotalAmt": MONEY,
    "CustomerRef": Ref("Customer"),
    "ARAccountRef": Ref("Account"),
    "DepositToAccountRef": Ref("Account", named=False),
    "PaymentMethodRef": Ref("PaymentMethod", named=False),
    "PaymentRefNum": Text(21),
    "UnappliedAmt": RO,
    "ProcessPayment": Flag(),
    "CreditCardPayment": RO,
    "TaxExemptionRef": RO,
    "CustomField": RO,
    "Line": Many(Group({"Id": RO, "LineNum": RO, "Amount": MONEY, "LinkedTxn": LINKED, "LineEx": RO})),
}
LAYOUT = (
    "CustomerRef", "DepositToAccountRef", "PaymentMethodRef", "PaymentRefNum", "TotalAmt", "UnappliedAmt",
    "ProcessPayment", *HEAD, "TxnDate", "DepartmentRef", "CurrencyRef", "PrivateNote", "LinkedTxn", "Line",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a payment. 2020, 6000, 620."""
    obj = draft.obj
    if "CustomerRef" not in obj:
        raise missing("CustomerRef")
    if "TotalAmt" not in obj:
        raise business("You must set a transaction amount.", element="TotalAmt")
    if decimal_of(obj["TotalAmt"]) < 0:
        raise business("Transaction amount must be 0 or greater.", element="TotalAmt")
    complete_date(company, obj)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    refuse_foreign_links(draft)
    obj.setdefault("ProcessPayment", False)
    for key in ("ExchangeRate", "GlobalTaxCalculation"):
        obj.pop(key, None)
    complete_deposit_account(company, obj)
    complete_applications(company, draft)
    return obj


def complete_deposit_account(company: Company, obj: JsonObject) -> None:
    """Undeposited funds unless a bank or other asset account is named; shown without its name. 6430.

    As recorded: a payment of nothing, which only links credits to charges, shows no account.
    """
    if "DepositToAccountRef" in obj or decimal_of(obj["TotalAmt"]):
        complete_money_account(company, obj)
        obj["DepositToAccountRef"] = {"value": ref_value(obj, "DepositToAccountRef")}


def complete_applications(company: Company, draft: Draft) -> None:
    """Check every line against the documents as they would be without this payment's stored version."""
    obj, before = draft.obj, draft.before
    lines = [line for line in obj.get("Line") or [] if line]
    if before is None and "Line" not in draft.sent:
        lines = pay_oldest(company, obj)
    if "Line" in draft.sent or before is None:
        lines = [payment_line(company, line, position) for position, line in enumerate(lines, 1)]
    obj["Line"] = lines
    obj["UnappliedAmt"] = number(check_applications(company, RECEIVED, obj, before))


def voided(_company: Company, obj: JsonObject) -> JsonObject:
    """Nothing received, nothing applied."""
    return {**obj, "TotalAmt": 0, "UnappliedAmt": 0, "Line": [], "PrivateNote": void_note(obj)}


PAYMENT = Entity(
    name="Payment",
    properties=OWN,
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=("CurrencyRef", "ProcessPayment"),
    guard=refuse_frozen,
    effect=RECEIVED.carry,
    voided=voided,
)
