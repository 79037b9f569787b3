"""BillPayment: money to a vendor, and the link between vendor credits and bills.

Invariant: TotalAmt is never less than charges - credits; what it is more stays with the vendor, unapplied.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.application_checks import check_applications, linked_document
from qb_pipeline.sandbox.quickbooks.entities.applications import PAID
from qb_pipeline.sandbox.quickbooks.entities.check_numbers import complete_check_number
from qb_pipeline.sandbox.quickbooks.entities.common import HEAD, LINKED, RO, TRANSACTION, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.transaction import (
    complete_date,
    refuse_closed,
    refuse_foreign_links,
    void_note,
)
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing, unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Choice, Day, Flag, Group, Many, Property, Ref

# PayType -> the part that says where the money comes from, the reference in it, and the AccountType it must have.
SOURCES = {
    "Check": ("CheckPayment", "BankAccountRef", "Bank"),
    "CreditCard": ("CreditCardPayment", "CCAccountRef", "Credit Card"),
}
OWN: dict[str, Property] = {
    **TRANSACTION,
    "TxnDate": Day(),
    "TotalAmt": MONEY,
    "VendorRef": Ref("Vendor"),
    "APAccountRef": Ref("Account"),
    "PayType": Choice(tuple(SOURCES)),
    "CheckPayment": Group(
        {"BankAccountRef": Ref("Account"), "PrintStatus": Choice(("NotSet", "NeedToPrint", "PrintComplete"))}
    ),
    "CreditCardPayment": Group({"CCAccountRef": Ref("Account"), "CCDetail": RO}),
    "ProcessBillPayment": Flag(),
    "Line": Many(Group({"Id": RO, "LineNum": RO, "Amount": MONEY, "LinkedTxn": LINKED, "LineEx": RO})),
}
LAYOUT = (
    "VendorRef", "PayType", "CheckPayment", "CreditCardPayment", "APAccountRef", "TotalAmt", *HEAD, "DocNumber",
    "TxnDate", "DepartmentRef", "CurrencyRef", "ExchangeRate", "PrivateNote", "LinkedTxn", "Line",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a bill payment. 2020, 2500, 620, 6000, 6140, 6210, 6430."""
    obj, before = draft.obj, draft.before
    for key in ("VendorRef", "TotalAmt", "PayType"):
        if obj.get(key) is None:
            raise missing(key)
    if decimal_of(obj["TotalAmt"]) < 0:
        raise business("Transaction amount must be 0 or greater.", element="TotalAmt")
    if before is None and not obj.get("Line"):
        raise missing("Line")
    complete_date(company, obj)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    complete_source(company, obj)
    complete_payables(company, obj)
    complete_check_number(company, "BillPayment", draft)
    refuse_foreign_links(draft)
    for key in ("ExchangeRate", "GlobalTaxCalculation", "ProcessBillPayment"):
        obj.pop(key, None)
    complete_applications(company, draft)
    return obj


def complete_source(company: Company, obj: JsonObject) -> None:
    """The account the money comes from; a payment of 0 needs none. 2020, 6430."""
    part, key, wanted = SOURCES[str(obj["PayType"])]
    for other, _, _ in SOURCES.values():
        if other != part:
            obj.pop(other, None)
    identifier = ref_value(obj.get(part) or {}, key)
    if identifier is None:
        if decimal_of(obj["TotalAmt"]):
            raise missing(f"{part}.{key}")
        return
    kind = company.require("Account", identifier).get("AccountType")
    if kind != wanted:
        raise Fault(6430, f"{key} {identifier} is of type {kind}; it must be a {wanted} account.", element=key)
    if part == "CheckPayment":
        obj[part] = {key: obj[part][key], "PrintStatus": obj[part].get("PrintStatus", "NotSet")}


def complete_payables(company: Company, obj: JsonObject) -> None:
    """6430 unless the account of payables is one, where it is named."""
    identifier = ref_value(obj, "APAccountRef")
    if identifier is None:
        return
    kind = company.require("Account", identifier).get("AccountType")
    if kind != "Accounts Payable":
        raise Fault(6430, f"APAccountRef {identifier} is of type {kind}, not Accounts Payable.", element="APAccountRef")


def complete_applications(company: Company, draft: Draft) -> None:
    """Check every line against the documents as they would be without this payment's stored version."""
    obj, before = draft.obj, draft.before
    lines = [line for line in obj.get("Line") or [] if line and not pays_a_purchase(line)]
    if "Line" in draft.sent or before is None:
        lines = [complete_line(company, line, position) for position, line in enumerate(lines, 1)]
    obj["Line"] = lines
    check_applications(company, PAID, obj, before)


def pays_a_purchase(line: JsonObject) -> bool:
    """Lines linked to purchases vanish without a word, as on the live service."""
    return any(link.get("TxnType") == "Purchase" for link in line.get("LinkedTxn") or [])


def complete_line(company: Company, line: JsonObject, position: int) -> JsonObject:
    """One application."""
    kind, document = linked_document(company, PAID, line, position)
    return {"Amount": line["Amount"], "LinkedTxn": [{"TxnId": str(document["Id"]), "TxnType": kind}]}


def voided(company: Company, obj: JsonObject) -> JsonObject:
    """Nothing paid, nothing applied. 500 for `operation=void`, which QBO has not for bill payments."""
    if "void" not in company.include:
        raise unsupported("void")
    return {**obj, "TotalAmt": 0, "Line": [], "PrivateNote": void_note(obj)}


BILL_PAYMENT = Entity(
    name="BillPayment",
    properties=OWN,
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=("CurrencyRef", "APAccountRef"),
    guard=refuse_closed,
    effect=PAID.carry,
    voided=voided,
)
