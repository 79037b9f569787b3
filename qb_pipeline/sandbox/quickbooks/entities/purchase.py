"""Purchase: a cost paid on the spot by cash, check or credit card, or given back to the card.

Invariant: the way it was paid never changes after creation, and only a credit card gets money back.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.check_numbers import complete_check_number
from qb_pipeline.sandbox.quickbooks.entities.common import ADDRESS, HEAD, RO, TRANSACTION, TRANSACTION_VERBS
from qb_pipeline.sandbox.quickbooks.entities.expense_lines import LINE, ON_ACCOUNT, Form
from qb_pipeline.sandbox.quickbooks.entities.payable import complete_total
from qb_pipeline.sandbox.quickbooks.entities.purchase_links import bill_orders, check_orders
from qb_pipeline.sandbox.quickbooks.entities.reimburse_charge import charge_lines
from qb_pipeline.sandbox.quickbooks.entities.sales_tax import TAX_DETAIL
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date, refuse_closed
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, inactive, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.references import references
from qb_pipeline.sandbox.quickbooks.rows import PEOPLE, ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.schema import Choice, Day, Flag, Property, Ref

FORM = Form(numbered=False, linked=False, control_lines=True)
# PaymentType -> AccountTypes the money can come from.
ACCOUNTS = {
    "Cash": ("Bank", "Other Current Asset", "Credit Card"),
    "Check": ("Bank",),
    "CreditCard": ("Credit Card",),
}
PARTY_OF = {"Accounts Receivable": "Customer", "Accounts Payable": "Vendor"}
# PurchaseEx.TxnType as recorded.
TXN_TYPES = {"Cash": "54", "Check": "3", "CreditCard": "54"}
CARD_CREDIT = "11"
OWN: dict[str, Property] = {
    **TRANSACTION,
    "TxnDate": Day(),
    "AccountRef": Ref("Account"),
    "PaymentType": Choice(tuple(ACCOUNTS)),
    "EntityRef": Ref(""),
    "RemitToAddr": ADDRESS,
    "Credit": Flag(),
    "PrintStatus": Choice(("NotSet", "NeedToPrint", "PrintComplete")),
    "PaymentMethodRef": Ref("PaymentMethod", named=False),
    "PaymentRefNum": RO,
    "Line": LINE,
    "TxnTaxDetail": TAX_DETAIL,
    "IncludeInAnnualTPAR": RO,
}
LAYOUT = (
    "AccountRef", "PaymentMethodRef", "PaymentType", "EntityRef", "RemitToAddr", "Credit", "TotalAmt", "PrintStatus",
    "PurchaseEx", *HEAD, "DocNumber", "TxnDate", "DepartmentRef", "CurrencyRef", "ExchangeRate", "PrivateNote",
    "LinkedTxn", "Line", "TxnTaxDetail", "GlobalTaxCalculation",
)  # fmt: skip


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a purchase. 2020, 2500, 610, 6000, 6140, 6210, 6430."""
    obj, before = draft.obj, draft.before
    check_payment_type(draft)
    for key in ("AccountRef", "Line"):
        if not obj.get(key):
            raise missing(key)
    complete_date(company, obj)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    obj.pop("ExchangeRate", None)
    complete_way(company, obj)
    complete_party(company, draft)
    complete_total(company, draft, FORM)
    check_control_lines(company, obj)
    complete_check_number(company, "Purchase", draft)
    complete_order_links(draft)
    vendor = ref_value(obj, "EntityRef") if (obj.get("EntityRef") or {}).get("type") == "Vendor" else None
    check_orders(company, obj, before, vendor)
    obj["PurchaseEx"] = extension(obj)
    return obj


def check_payment_type(draft: Draft) -> None:
    """2020 without a way of payment, even in a sparse update; 6000 for another one than before."""
    if "PaymentType" not in draft.obj or (draft.before is not None and not draft.given("PaymentType")):
        raise missing("PaymentType")
    was = (draft.before or {}).get("PaymentType", draft.obj["PaymentType"])
    if draft.obj["PaymentType"] != was:
        raise business(f"PaymentType cannot be changed from {was} to {draft.obj['PaymentType']}.")


def complete_way(company: Company, obj: JsonObject) -> None:
    """The account fits the way of payment; Credit is a card's, PrintStatus a check's. 6000, 6430."""
    way, identifier = str(obj["PaymentType"]), str(ref_value(obj, "AccountRef"))
    kind = company.require("Account", identifier).get("AccountType")
    if kind not in ACCOUNTS[way]:
        wanted = " or ".join(ACCOUNTS[way])
        raise Fault(
            6430, f"Account {identifier} is of type {kind}; PaymentType {way} needs {wanted}.", element="AccountRef"
        )
    if obj.get("Credit") and way != "CreditCard":
        raise business("Only a purchase by CreditCard can be a Credit.", element="Credit")
    if way == "CreditCard":
        obj["Credit"] = bool(obj.get("Credit"))
    else:
        obj.pop("Credit", None)
    if way == "Check":
        obj.setdefault("PrintStatus", "NotSet")
    else:
        obj.pop("PrintStatus", None)


def complete_party(company: Company, draft: Draft) -> None:
    """Who was paid, with kind and current name; without a kind the id is looked for in all three. 2170, 2500, 610."""
    party = draft.obj.get("EntityRef")
    if party is None:
        return
    identifier, sent = str(party["value"]), party.get("type")
    kinds = [kind for kind in PEOPLE if sent is None or kind.lower() == str(sent).lower()]
    if not kinds:
        raise Fault(2170, f"EntityRef.type should be one of {', '.join(PEOPLE)}, not {sent}.", element="EntityRef")
    found = [kind for kind in kinds if company.store.text(kind, identifier) is not None]
    kind = found[0] if found else kinds[0]
    record = company.require(kind, identifier)
    if record.get("Active") is False and (kind, identifier) not in references("Purchase", draft.before or {}):
        raise inactive(kind, identifier)
    draft.obj["EntityRef"] = {"value": identifier, "name": reference_name(kind, record), "type": kind}


def check_control_lines(company: Company, obj: JsonObject) -> None:
    """6000 where a line on receivables or payables is not the party's, or stands there a second time."""
    kinds = [control_kind(company, line) for line in obj["Line"]]
    control = [kind for kind in kinds if kind in PARTY_OF]
    for kind in control:
        if (obj.get("EntityRef") or {}).get("type") != PARTY_OF[kind]:
            wanted = PARTY_OF[kind].lower()
            raise business(f"When you use {kind}, you must choose a {wanted} in the Name field.", element="EntityRef")
    if len(control) > 1:
        raise business("A transaction can have only one Accounts Receivable or Accounts Payable line.", element="Line")


def control_kind(company: Company, line: JsonObject) -> str:
    """AccountType of the account a line names."""
    account = ref_value(line.get(ON_ACCOUNT) or {}, "AccountRef")
    return "" if account is None else str(company.require("Account", account).get("AccountType"))


def complete_order_links(draft: Draft) -> None:
    """Purchase orders are the client's, everything else the server's and stays."""
    stored = (draft.before or {}).get("LinkedTxn") or []
    sent = stored if draft.sent.get("LinkedTxn") is None and draft.sparse else draft.sent.get("LinkedTxn") or []
    for link in sent:
        if link.get("TxnType") != "PurchaseOrder" and link not in stored:
            raise Fault(
                620, f"{link.get('TxnType')} {link.get('TxnId')} cannot be linked from a purchase.", element="LinkedTxn"
            )
    links = [link for link in sent if link.get("TxnType") == "PurchaseOrder"]
    links += [link for link in stored if link.get("TxnType") != "PurchaseOrder"]
    draft.obj.pop("LinkedTxn", None)
    if links:
        draft.obj["LinkedTxn"] = links


def extension(obj: JsonObject) -> JsonObject:
    """The name/value bag QBO hangs on purchases and refuses to take back."""
    kind = CARD_CREDIT if obj.get("Credit") else TXN_TYPES[str(obj["PaymentType"])]
    pair = {
        "name": "{http://schema.intuit.com/finance/v3}NameValue",
        "declaredType": "com.intuit.schema.finance.v3.NameValue",
        "scope": "javax.xml.bind.JAXBElement$GlobalScope",
        "value": {"Name": "TxnType", "Value": kind},
        "nil": False,
        "globalScope": True,
        "typeSubstituted": False,
    }
    return {"any": [pair]}


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """Orders and billable costs follow the lines."""
    charge_lines(company, "Purchase", before, after)
    bill_orders(company, "Purchase", before, after)


PURCHASE = Entity(
    name="Purchase",
    properties=OWN,
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=("CurrencyRef", "DocNumber"),
    guard=refuse_closed,
    effect=effect,
)
