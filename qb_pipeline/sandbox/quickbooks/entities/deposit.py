"""Bank deposit: payments out of undeposited funds, and amounts of its own.

Invariant: a payment is in at most one deposit, whole; while it is in one it is frozen.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_of_subtype
from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.common import (
    CUSTOM_FIELDS,
    HEAD,
    LINKED,
    RO,
    TRANSACTION,
    TRANSACTION_VERBS,
)
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date, refuse_closed
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing, not_modelled
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import PEOPLE, ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Day, Group, Many, Number, Property, Ref, Text

DEPOSITABLE = ("Payment", "SalesReceipt")
DETAIL = Group(
    {
        "AccountRef": Ref("Account"),
        "Entity": Ref(""),
        "ClassRef": Ref("Class"),
        "PaymentMethodRef": Ref("PaymentMethod", named=False),
        "CheckNum": Text(21),
        "TxnType": Text(50),
    }
)
LINE = Group(
    {
        "Id": Text(20),
        "LineNum": Number(),
        "Description": Text(4000),
        "Amount": MONEY,
        "DetailType": Text(50),
        "DepositLineDetail": DETAIL,
        "LinkedTxn": LINKED,
        "CustomField": CUSTOM_FIELDS,
        "CustomExtensions": RO,
        "LineEx": RO,
        "ProjectRef": RO,
    }
)
OWN: dict[str, Property] = {
    **TRANSACTION,
    "TxnDate": Day(),
    "DepositToAccountRef": Ref("Account"),
    "Line": Many(LINE),
    "CashBack": Group({"AccountRef": Ref("Account"), "Amount": MONEY, "Memo": Text(4000)}),
    "TxnTaxDetail": RO,
}
LAYOUT = (
    "DepositToAccountRef", "TotalAmt", "CashBack", *HEAD, "DocNumber", "TxnDate", "DepartmentRef", "CurrencyRef",
    "PrivateNote", "Line", "TxnTaxDetail",
)  # fmt: skip
LINE_LAYOUT = ("Id", "LineNum", "Description", "Amount", "LinkedTxn", "DetailType", "DepositLineDetail")


def complete(company: Company, draft: Draft) -> JsonObject:
    """Check and fill in a deposit. 2020, 2500, 6000, 6430."""
    obj, before = draft.obj, draft.before
    if "DepositToAccountRef" not in obj:
        raise missing("DepositToAccountRef")
    if not obj.get("Line"):
        raise missing("Line")
    kind = company.require("Account", str(ref_value(obj, "DepositToAccountRef"))).get("AccountType")
    if kind not in ("Bank", "Other Current Asset"):
        raise Fault(
            6430, f"A deposit goes to a bank account, not to one of type {kind}.", element="DepositToAccountRef"
        )
    complete_date(company, obj)
    obj["CurrencyRef"] = company.home_currency(obj.get("CurrencyRef"))
    if "Line" in draft.sent:
        obj["Line"] = complete_lines(company, obj["Line"], before)
    total = sum((decimal_of(line["Amount"]) for line in obj["Line"]), Decimal(0))
    total -= decimal_of((obj.get("CashBack") or {}).get("Amount"))
    if total < 0:
        raise business(f"The deposit's total must be 0 or greater, not {total}.", element="TotalAmt")
    obj["TotalAmt"] = number(total)
    obj["TxnTaxDetail"] = {}
    for key in ("LinkedTxn", "ExchangeRate", "GlobalTaxCalculation"):
        obj.pop(key, None)
    return obj


def complete_lines(company: Company, lines: list[JsonObject], before: JsonObject | None) -> list[JsonObject]:
    """Linked lines have neither Id nor detail type; others are numbered."""
    used = {int(line["Id"]) for line in (before or {}).get("Line") or [] if str(line.get("Id", "")).isdecimal()}
    following, seen, result = max(used, default=0) + 1, set[tuple[str, str]](), []
    for position, line in enumerate(lines, 1):
        if line.get("LinkedTxn"):
            completed = linked_line(company, line, before)
            target = (completed["LinkedTxn"][0]["TxnType"], completed["LinkedTxn"][0]["TxnId"])
            if target in seen:
                raise business(f"{target[0]} {target[1]} stands twice in the deposit.", element="Line")
            seen.add(target)
            result.append(completed)
            continue
        sent = str(line.get("Id", ""))
        kept = int(sent) if sent.isdecimal() and int(sent) in used else 0
        used.discard(kept)
        identifier, following = (kept, following) if kept else (following, following + 1)
        result.append(own_line(company, line, identifier, position))
    return result


def own_line(company: Company, line: JsonObject, identifier: int, position: int) -> JsonObject:
    """An amount from an account."""
    if "Amount" not in line:
        raise missing("Line.Amount")
    detail = line.get("DepositLineDetail") or {}
    if "AccountRef" not in detail:
        raise missing("DepositLineDetail.AccountRef")
    if "Entity" in detail:
        complete_party(company, detail["Entity"])
    entry = {**line, "Id": str(identifier), "LineNum": position, "DetailType": "DepositLineDetail"}
    entry.pop("LinkedTxn", None)
    return {**arranged(entry, LINE_LAYOUT), "CustomExtensions": []}


def complete_party(company: Company, party: JsonObject) -> None:
    """From whom the money came, with its current name. 2020, 2170, 2500."""
    if "type" not in party:
        raise missing("DepositLineDetail.Entity.type")
    kind = str(party["type"]).capitalize()
    if kind not in PEOPLE:
        raise Fault(2170, f"Entity.type should be one of {', '.join(PEOPLE)}, not {party['type']}.", element="Entity")
    party["name"] = reference_name(kind, company.require(kind, party["value"]))


def linked_line(company: Company, line: JsonObject, before: JsonObject | None) -> JsonObject:
    """A whole payment out of undeposited funds."""
    link = line["LinkedTxn"][0]
    kind, identifier = str(link.get("TxnType")), str(link.get("TxnId"))
    if len(line["LinkedTxn"]) > 1 or kind not in DEPOSITABLE:
        raise not_modelled(f"depositing a {kind}")
    payment = company.store.get(kind, identifier)
    if payment is None:
        raise Fault(2500, f"Invalid Reference Id : {kind} element id {identifier} not found", element="LinkedTxn")
    check_depositable(company, kind, payment, before)
    amount = decimal_of(payment.get("TotalAmt"))
    if "Amount" in line and decimal_of(line["Amount"]) not in (amount, Decimal(0)):
        raise business(f"{kind} {identifier} is deposited whole: {amount}, not {line['Amount']}.", element="Amount")
    entry = {
        "Amount": number(amount),
        "LinkedTxn": [{"TxnId": identifier, "TxnType": kind, "TxnLineId": "0"}],
    }
    method = (line.get("DepositLineDetail") or {}).get("PaymentMethodRef") or payment.get("PaymentMethodRef")
    return {**entry, "DepositLineDetail": {"PaymentMethodRef": method}} if method else entry


def check_depositable(company: Company, kind: str, payment: JsonObject, before: JsonObject | None) -> None:
    """6000 when it is in another deposit or never lay in undeposited funds."""
    own = None if before is None else str(before["Id"])
    deposits = company.store.referrers((kind, str(payment["Id"])), "Deposit")
    others = [identifier for _, identifier in deposits if identifier != own]
    if others:
        raise business(f"{kind} {payment['Id']} is already part of deposit {others[0]}.", element="LinkedTxn")
    if ref_value(payment, "DepositToAccountRef") != account_of_subtype(company, "UndepositedFunds"):
        raise business(f"{kind} {payment['Id']} is not in Undeposited Funds.", element="LinkedTxn")


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """The payments taken in are marked and frozen, those left out are free again."""
    old, new = linked(before), linked(after)
    deposit = str((after or before or {})["Id"])
    for kind, identifier in sorted(old ^ new):
        payment = company.store.get(kind, identifier)
        if payment is None or kind != "Payment":
            continue
        others = [link for link in payment.get("LinkedTxn") or [] if link.get("TxnId") != deposit]
        marked = [*others, {"TxnId": deposit, "TxnType": "Deposit"}] if (kind, identifier) in new else others
        changed = {**payment, "LinkedTxn": marked}
        if not marked:
            del changed["LinkedTxn"]
        company.save("Payment", changed, payment, tuple(payment), "Update")


def linked(deposit: JsonObject | None) -> set[tuple[str, str]]:
    """The transactions a deposit holds."""
    lines = (deposit or {}).get("Line") or []
    return {(str(link["TxnType"]), str(link["TxnId"])) for line in lines for link in line.get("LinkedTxn") or []}


DEPOSIT = Entity(
    name="Deposit",
    properties=OWN,
    layout=LAYOUT,
    sequence="transactions",
    verbs=TRANSACTION_VERBS,
    complete=complete,
    kept=("CurrencyRef",),
    guard=refuse_closed,
    effect=effect,
)
