"""Payment received from a customer, and the link between credits and charges.

Invariant: UnappliedAmt = TotalAmt - charges + credits and is never negative; a deposited payment is frozen.
"""

from qb_pipeline.sandbox.quickbooks.accounts import account_of_subtype
from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.application_checks import check_applications, linked_document
from qb_pipeline.sandbox.quickbooks.entities.applications import RECEIVED
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, LINKED, RO, TRANSACTION, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date, refuse_closed, void_note
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing, not_modelled
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
    obj, before = draft.obj, draft.before
    if "CustomerRef" not in obj:
        raise missing("CustomerRef")
    if "TotalAmt" not in obj:
        raise business("You must set a transaction amount.", element="TotalAmt")
    if decimal_of(obj["TotalAmt"]) < 0:
        raise business("Transaction amount must be 0 or greater.", element="TotalAmt")
    complete_date(company, obj)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    if draft.sent.get("LinkedTxn") and draft.sent["LinkedTxn"] != (before or {}).get("LinkedTxn"):
        raise not_modelled("LinkedTxn on a payment; link documents in its lines")
    obj.pop("LinkedTxn", None)
    obj.setdefault("ProcessPayment", False)
    for key in ("ExchangeRate", "GlobalTaxCalculation"):
        obj.pop(key, None)
    complete_deposit_account(company, obj)
    complete_applications(company, draft)
    return obj


def complete_deposit_account(company: Company, obj: JsonObject) -> None:
    """Undeposited funds unless a bank or other asset account is named. 6430."""
    identifier = ref_value(obj, "DepositToAccountRef")
    if identifier is None:
        undeposited = account_of_subtype(company, "UndepositedFunds")
        if undeposited is not None:
            obj["DepositToAccountRef"] = {"value": undeposited}
        return
    kind = company.require("Account", identifier).get("AccountType")
    if kind not in ("Bank", "Other Current Asset"):
        raise Fault(6430, f"A payment cannot go to account {identifier} of type {kind}.", element="DepositToAccountRef")


def complete_applications(company: Company, draft: Draft) -> None:
    """Check every line against the documents as they would be without this payment's stored version."""
    obj, before = draft.obj, draft.before
    lines = [line for line in obj.get("Line") or [] if line]
    if "Line" in draft.sent or before is None:
        lines = [complete_line(company, line, position) for position, line in enumerate(lines, 1)]
    obj["Line"] = lines
    obj["UnappliedAmt"] = number(check_applications(company, RECEIVED, obj, before))


def complete_line(company: Company, line: JsonObject, position: int) -> JsonObject:
    """One application with the document's number and open balance beside it, as QBO shows them."""
    kind, document = linked_document(company, RECEIVED, line, position)
    identifier = str(document["Id"])
    entry = {"Amount": line["Amount"], "LinkedTxn": [{"TxnId": identifier, "TxnType": kind}]}
    return arranged({**entry, "LineEx": line_extension(identifier, document)}, ("Amount", "LinkedTxn", "LineEx"))


def line_extension(identifier: str, document: JsonObject) -> JsonObject:
    """The name/value bag QBO hangs on payment lines."""
    pairs = {
        "txnId": identifier,
        "txnOpenBalance": f"{decimal_of(document.get('TotalAmt')):.2f}",
        "txnReferenceNumber": str(document.get("DocNumber", "")),
    }
    return {
        "any": [
            {
                "name": "{http://schema.intuit.com/finance/v3}NameValue",
                "declaredType": "com.intuit.schema.finance.v3.NameValue",
                "scope": "javax.xml.bind.JAXBElement$GlobalScope",
                "value": {"Name": name, "Value": value},
                "nil": False,
                "globalScope": True,
                "typeSubstituted": False,
            }
            for name, value in pairs.items()
        ]
    }


def guard(company: Company, obj: JsonObject) -> None:
    """6540 once deposited, 6210 in closed books."""
    if any(link.get("TxnType") == "Deposit" for link in obj.get("LinkedTxn") or []):
        raise Fault(6540, f"Deposited Transaction cannot be changed: Payment {obj['Id']} is part of a deposit.")
    refuse_closed(company, obj)


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
    guard=guard,
    effect=RECEIVED.carry,
    voided=voided,
)
