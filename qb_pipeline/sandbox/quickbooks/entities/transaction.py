"""What every transaction has: dates, numbers, closed books.

Invariant: nothing dated in a closed period is created, changed, moved there or removed.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.times import today

NUMBERED_TOGETHER = ("Invoice", "CreditMemo", "SalesReceipt", "RefundReceipt", "Estimate")
NUMBERS = "doc_numbers"
AUTO = "AUTO_GENERATE"


def refuse_closed(company: Company, obj: JsonObject) -> None:
    """6210 when the transaction's day is closed."""
    closed = (company.preferences().get("AccountingInfoPrefs") or {}).get("BookCloseDate")
    day = obj.get("TxnDate")
    if closed and day and str(day) <= str(closed):
        raise Fault(
            6210,
            f"Account Period Closed, Cannot Update Through Services API: {day} is not after {closed}.",
            element="TxnDate",
        )


def refuse_frozen(company: Company, obj: JsonObject) -> None:
    """6540 while the transaction's money is in a deposit, 6210 in closed books."""
    deposits = [link.get("TxnId") for link in obj.get("LinkedTxn") or [] if link.get("TxnType") == "Deposit"]
    if deposits:
        raise Fault(6540, f"Deposited Transaction cannot be changed: {obj['Id']} is part of deposit {deposits[0]}.")
    refuse_closed(company, obj)


def refuse_foreign_links(draft: Draft) -> None:
    """Links a server alone makes may be echoed; 620 for any other one. The stored ones stay."""
    stored = (draft.before or {}).get("LinkedTxn") or []
    known = {(link.get("TxnType"), link.get("TxnId")) for link in stored}
    for link in draft.sent.get("LinkedTxn") or []:
        if (link.get("TxnType"), link.get("TxnId")) not in known:
            raise Fault(
                620, f"{link.get('TxnType')} {link.get('TxnId')} cannot be linked from here.", element="LinkedTxn"
            )
    draft.obj.pop("LinkedTxn", None)
    if stored:
        draft.obj["LinkedTxn"] = stored


def with_links(obj: JsonObject, links: list[JsonObject]) -> JsonObject:
    """The object with other links; like QBO, it shows them before its lines, and no empty list."""
    rest = {key: value for key, value in obj.items() if key != "LinkedTxn"}
    if not links:
        return rest
    result: JsonObject = {}
    for key, value in rest.items():
        if key == "Line":
            result["LinkedTxn"] = links
        result[key] = value
    return result if "LinkedTxn" in result else {**result, "LinkedTxn": links}


def complete_date(company: Company, obj: JsonObject) -> None:
    """Today when no date is given; 6210 when it is closed."""
    obj.setdefault("TxnDate", today(company.now).isoformat())
    refuse_closed(company, obj)


def complete_number(company: Company, entity: str, draft: Draft) -> None:
    """Number the document as the company's preferences say; 6140 for a number its type already has."""
    obj, before = draft.obj, draft.before
    if before is not None and "DocNumber" in before and obj.get("DocNumber") is None:
        obj["DocNumber"] = before["DocNumber"]
    custom = custom_numbers(company)
    if obj.get("DocNumber") == AUTO or (obj.get("DocNumber") is None and not custom):
        obj["DocNumber"] = next_doc_number(company, entity)
        return
    given = obj.get("DocNumber")
    if given is None or (before is not None and before.get("DocNumber") == given):
        return
    refuse_duplicate(company, entity, str(given), custom)
    if str(given).isdecimal() and len(str(given)) <= 9:
        company.store.raise_sequence(NUMBERS, int(given))


def custom_numbers(company: Company) -> bool:
    """Whether the company numbers its documents by hand."""
    return bool((company.preferences().get("SalesFormsPrefs") or {}).get("CustomTxnNumbers"))


def next_doc_number(company: Company, entity: str) -> str:
    """The next number that no document of the type has."""
    while True:
        candidate = str(company.store.next_number(NUMBERS, 1000))
        if not company.store.holders_of_number(entity, candidate):
            return candidate


def refuse_duplicate(company: Company, entity: str, given: str, custom: bool) -> None:
    """6140 unless the switch or the request allows two of the same number."""
    mode = company.switches.duplicate_doc_number
    allowed = "allowduplicatedocnum" in company.include or mode == "allow" or (mode == "preference" and not custom)
    if allowed:
        return
    holders = company.store.holders_of_number(entity, given)
    if holders:
        raise Fault(
            6140,
            f"Duplicate Document Number Error : You must specify a different number. This number has already been "
            f"used. DocNumber={given} is assigned to TxnType={entity} with TxnId={holders[0]}",
            element="DocNumber",
        )


def void_note(obj: JsonObject) -> str:
    """The PrivateNote of a voided transaction: it begins with the word, once."""
    note = str(obj.get("PrivateNote") or "")
    if note.startswith("Voided"):
        return note
    return f"Voided - {note}" if note else "Voided"
