"""ReimburseCharge: a cost that waits to be passed on to a customer. Read-only; billable lines make it.

Invariant: there is one charge for each billable line with a customer, of its amount and markup, and none without.

    charge_lines(company, "Bill", before, after)    the effect of a write: makes, changes and removes charges
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.accounts import account_for
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.common import ECHOED, HEAD, RO
from qb_pipeline.sandbox.quickbooks.entities.expense_lines import ON_ACCOUNT, ON_ITEM
from qb_pipeline.sandbox.quickbooks.entities.transaction import with_links
from qb_pipeline.sandbox.quickbooks.entity import Draft, Entity
from qb_pipeline.sandbox.quickbooks.faults import unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, cents, decimal_of, number
from qb_pipeline.sandbox.quickbooks.rows import ref_value, reference_name
from qb_pipeline.sandbox.quickbooks.schema import Property
from qb_pipeline.sandbox.quickbooks.writes import unlink

NAME, DETAIL = "ReimburseCharge", "ReimburseLineDetail"
OWN: dict[str, Property] = {
    **ECHOED,
    **dict.fromkeys(
        ("HasBeenInvoiced", "Amount", "TxnDate", "CurrencyRef", "LinkedTxn", "Line", "CustomerRef", "PrivateNote"), RO
    ),
}
LAYOUT = ("HasBeenInvoiced", "Amount", *HEAD, "TxnDate", "CurrencyRef", "LinkedTxn", "Line", "CustomerRef")


def detail_of(line: JsonObject) -> JsonObject:
    """The account or item part of an expense line."""
    return line.get(ON_ACCOUNT) or line.get(ON_ITEM) or {}


def charge_of(holder: JsonObject) -> str | None:
    """The id of the charge a line (or, the first one, a form's head) names."""
    links = holder.get("LinkedTxn") or []
    return next((str(link["TxnId"]) for link in links if link.get("TxnType") == NAME), None)


def charge_lines(company: Company, entity: str, before: JsonObject | None, after: JsonObject | None) -> None:
    """Bring the charges in line with the form's lines; `after` is changed in place, as it is answered."""
    kept = {charge for line in (after or {}).get("Line") or [] if wants(line) and (charge := charge_of(line))}
    # The form lets go of a charge before it is erased, so that nothing is left to unlink there.
    if after is not None and (charge_of(after) or any(map(wants, after["Line"]))):
        link_charges(company, entity, after)
    for line in (before or {}).get("Line") or []:
        gone = charge_of(line)
        if gone is not None and gone not in kept and (found := company.store.get(NAME, gone)):
            company.erase(NAME, found)
            unlink(company, (NAME, gone))


def wants(line: JsonObject) -> bool:
    """Whether the line is to have a charge."""
    detail = detail_of(line)
    return "CustomerRef" in detail and detail.get("BillableStatus") in ("Billable", "HasBeenBilled")


def link_charges(company: Company, entity: str, after: JsonObject) -> None:
    """A charge for each billable line, named by the line and by the head; neither token nor event comes of it."""
    lines = [linked(company, after, line) for line in after["Line"]]
    others = [link for link in after.get("LinkedTxn") or [] if link.get("TxnType") != NAME]
    charges = [{"TxnId": charge, "TxnType": NAME} for line in lines if (charge := charge_of(line))]
    stored = company.store.get(entity, str(after["Id"]))
    changed = with_links({**after, "Line": lines}, [*others, *charges])
    after.clear()
    after.update(changed)
    company.store.put(entity, after, stored)


def linked(company: Company, obj: JsonObject, line: JsonObject) -> JsonObject:
    """The line with its charge, made or brought up to date; one that is not billable without."""
    others = [link for link in line.get("LinkedTxn") or [] if link.get("TxnType") != NAME]
    if not wants(line):
        return {**line, "LinkedTxn": others} if "LinkedTxn" in line else line
    known = charge_of(line)
    before = company.store.get(NAME, known) if known else None
    links = [*others, {"TxnId": charged(company, obj, line, before), "TxnType": NAME}]
    if "LinkedTxn" in line:
        return {**line, "LinkedTxn": links}
    kind = str(line["DetailType"])
    return {key: part for key, part in line.items() if key not in ("DetailType", kind, "CustomExtensions")} | {
        "LinkedTxn": links,
        **{key: line[key] for key in ("DetailType", kind, "CustomExtensions") if key in line},
    }


def charged(company: Company, obj: JsonObject, line: JsonObject, before: JsonObject | None) -> str:
    """The id of the line's charge after it has been made or changed; one that was invoiced stays as it is."""
    if before is not None and before.get("HasBeenInvoiced"):
        return str(before["Id"])
    lines = charge_lines_of(company, line)
    amount = sum((decimal_of(part["Amount"]) for part in lines), Decimal(0))
    wanted: JsonObject = {
        "HasBeenInvoiced": False,
        "Amount": number(amount),
        "TxnDate": obj["TxnDate"],
        "CurrencyRef": obj["CurrencyRef"],
        "Line": lines,
        "CustomerRef": detail_of(line)["CustomerRef"],
    }
    if before is not None and {**before, **wanted} == before:
        return str(before["Id"])
    identifier = before["Id"] if before else str(company.store.next_number("transactions"))
    operation = "Update" if before else "Create"
    return str(company.save(NAME, {**wanted, "Id": identifier}, before, LAYOUT, operation)["Id"])


def charge_lines_of(company: Company, line: JsonObject) -> list[JsonObject]:
    """The cost, and the markup on it as a line of its own."""
    detail = detail_of(line)
    shared = {"TaxCodeRef": detail.get("TaxCodeRef") or {"value": "NON"}}
    account = account_for(company, "ServiceFeeIncome")
    item = company.store.get("Item", ref_value(detail, "ItemRef") or "") or {}
    income = ref_value(item, "IncomeAccountRef") or account
    bought: JsonObject = {key: detail[key] for key in ("ItemRef", "UnitPrice", "Qty") if key in detail}
    first = entry(company, line.get("Amount"), {**bought, **shared}, income, 1, line.get("Description"))
    percent = (detail.get("MarkupInfo") or {}).get("Percent")
    if not percent:
        return [first]
    info = {"MarkupInfo": {"Percent": percent}}
    markup = number(cents(decimal_of(line.get("Amount")) * decimal_of(percent) / 100))
    target = ref_value(detail["MarkupInfo"], "MarkUpIncomeAccountRef") or account
    first[DETAIL].update(info)
    return [first, entry(company, markup, {**shared, **info}, target, 2, f"{percent}% markup")]


def entry(
    company: Company, amount: object, detail: JsonObject, account: str, position: int, text: object
) -> JsonObject:
    """One line of a charge."""
    name = reference_name("Account", company.require("Account", account))
    line: JsonObject = {"Id": str(position), "LineNum": position}
    if text:
        line["Description"] = text
    full = {**detail, "ItemAccountRef": {"value": account, "name": name}}
    return {**line, "Amount": amount, "DetailType": DETAIL, DETAIL: full}


def never(_company: Company, _draft: Draft) -> JsonObject:
    """Nobody writes a charge."""
    raise unsupported(f"create on {NAME}")


REIMBURSE_CHARGE = Entity(
    name=NAME, properties=OWN, layout=LAYOUT, sequence="transactions", verbs=frozenset(), complete=never
)
