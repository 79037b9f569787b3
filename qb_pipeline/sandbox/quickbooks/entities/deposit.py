"""Bank deposit: what lies in undeposited funds, and amounts of its own.

Invariant: a transaction is in at most one deposit, whole; while it is in one it is frozen.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company, arranged
from qb_pipeline.sandbox.quickbooks.entities.common import (
    CUSTOM_FIELDS,
    HEAD,
    LINKED,
    RO,
    TRANSACTION,
    TRANSACTION_VERBS,
)
from qb_pipeline.sandbox.quickbooks.entities.transaction import complete_date, refuse_closed, with_links
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, missing
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of, number
from qb_pipeline.sandbox.quickbooks.ledger.inquiries import amounts_on
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import PEOPLE, ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.schema import MONEY, Day, Group, Many, Number, Property, Ref, Text

# What can lie in undeposited funds; of a journal entry its lines do, one by one.
DEPOSITABLE = ("Payment", "SalesReceipt", "RefundReceipt", "Transfer", "JournalEntry")
BY_LINE = ("JournalEntry",)
PARTY_OF = {"Accounts Receivable": "Customer", "Accounts Payable": "Vendor"}
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
        obj["Line"] = complete_lines(company, obj, before)
    total = sum((decimal_of(line["Amount"]) for line in obj["Line"]), Decimal(0))
    total -= decimal_of((obj.get("CashBack") or {}).get("Amount"))
    if total < 0:
        raise business(f"The deposit's total must be 0 or greater, not {total}.", element="TotalAmt")
    obj["TotalAmt"] = number(total)
    obj["TxnTaxDetail"] = {}
    for key in ("LinkedTxn", "ExchangeRate", "GlobalTaxCalculation"):
        obj.pop(key, None)
    return obj


def complete_lines(company: Company, obj: JsonObject, before: JsonObject | None) -> list[JsonObject]:
    """Linked lines have neither Id nor detail type; others are numbered."""
    lines, bank = obj["Line"], company.require("Account", str(ref_value(obj, "DepositToAccountRef")))
    used = {int(line["Id"]) for line in (before or {}).get("Line") or [] if str(line.get("Id", "")).isdecimal()}
    following, seen, result = max(used, default=0) + 1, set[tuple[str, str, str]](), []
    for position, line in enumerate(lines, 1):
        if line.get("LinkedTxn"):
            completed = linked_line(company, line, before, ref_value(bank, "CurrencyRef"))
            link = completed["LinkedTxn"][0]
            target = (str(link["TxnType"]), str(link["TxnId"]), str(link["TxnLineId"]))
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
    check_party(company, detail)
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


def check_party(company: Company, detail: JsonObject) -> None:
    """6000 for an amount on receivables without a customer, or on payables without a vendor."""
    account = company.require("Account", str(ref_value(detail, "AccountRef")))
    wanted = PARTY_OF.get(str(account.get("AccountType")))
    named = str((detail.get("Entity") or {}).get("type", "")).capitalize()
    if wanted is not None and named != wanted:
        raise business(
            f"A line on {account['Name']} needs a {wanted} in the Name field.", element="DepositLineDetail.Entity"
        )


def linked_line(company: Company, line: JsonObject, before: JsonObject | None, currency: str | None) -> JsonObject:
    """What one transaction put into undeposited funds, whole, in the bank's `currency`. 2500, 6000."""
    link = line["LinkedTxn"][0]
    kind, identifier = str(link.get("TxnType")), str(link.get("TxnId"))
    if len(line["LinkedTxn"]) > 1 or kind not in DEPOSITABLE:
        raise business(f"A deposit line takes one of {', '.join(DEPOSITABLE)}, not {kind}.", element="LinkedTxn")
    source = company.store.get(kind, identifier)
    if source is None:
        raise Fault(2500, f"Invalid Reference Id : {kind} element id {identifier} not found", element="LinkedTxn")
    refuse_taken(company, (kind, identifier), before)
    alike = ref_value(source, "CurrencyRef") == currency
    part, amount = lying(company, (kind, identifier), link.get("TxnLineId"), own_currency=alike)
    if "Amount" in line and decimal_of(line["Amount"]) not in (amount, Decimal(0)):
        raise business(f"{kind} {identifier} is deposited whole: {amount}, not {line['Amount']}.", element="Amount")
    entry = {"Amount": number(amount), "LinkedTxn": [{"TxnId": identifier, "TxnType": kind, "TxnLineId": part}]}
    method = (line.get("DepositLineDetail") or {}).get("PaymentMethodRef") or source.get("PaymentMethodRef")
    return {**entry, "DepositLineDetail": {"PaymentMethodRef": {"value": method["value"]}}} if method else entry


def lying(company: Company, source: Reference, part: str | None, *, own_currency: bool) -> tuple[str, Decimal]:
    """The line's id ("0" where the transaction lies there as a whole) and what it put into undeposited funds."""
    by_line = amounts_on(company, source, account_for(company, "UndepositedFunds"), own_currency=own_currency)
    if source[0] not in BY_LINE:
        by_line = {"0": sum(by_line.values(), Decimal(0))}
    name = part if part in by_line else next((line for line, amount in by_line.items() if amount), "0")
    if not by_line.get(name):
        raise business(f"{source[0]} {source[1]} is not in Undeposited Funds.", element="LinkedTxn")
    return name, by_line[name]


def refuse_taken(company: Company, source: Reference, before: JsonObject | None) -> None:
    """6000 when it is in another deposit."""
    own = None if before is None else str(before["Id"])
    others = [identifier for _, identifier in company.store.referrers(source, "Deposit") if identifier != own]
    if others:
        raise business(f"{source[0]} {source[1]} is already part of deposit {others[0]}.", element="LinkedTxn")


def effect(company: Company, before: JsonObject | None, after: JsonObject | None) -> None:
    """What is taken in is marked and frozen, what is left out is free again."""
    old, new = linked(before), linked(after)
    deposit = str((after or before or {})["Id"])
    for kind, identifier in sorted(old ^ new):
        source = company.store.get(kind, identifier)
        if source is None or kind not in DEPOSITABLE:
            continue
        others = [link for link in source.get("LinkedTxn") or [] if link.get("TxnId") != deposit]
        marked = [*others, {"TxnId": deposit, "TxnType": "Deposit"}] if (kind, identifier) in new else others
        changed = with_links(source, marked)
        if company.switches.deposit_marks == "token":
            company.save(kind, changed, source, tuple(changed), "Update")
        else:
            company.store.put(kind, changed, source)


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
