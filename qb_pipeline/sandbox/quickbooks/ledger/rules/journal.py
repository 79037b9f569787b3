"""Journal entries, transfers and credit card payments: amounts between accounts somebody chose.

Invariant: a line on a control account is an open item of the customer or vendor it names.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import on_account
from qb_pipeline.sandbox.quickbooks.rows import ref_value

DETAIL = "JournalEntryLineDetail"


def journal_entry(company: Company, obj: JsonObject) -> list[Posting]:
    """Each line as it stands."""
    return [journal_line(company, obj, line) for line in obj.get("Line") or [] if DETAIL in line]


def journal_line(company: Company, obj: JsonObject, line: JsonObject) -> Posting:
    """One line; its entity is wrapped: {"Type": "Customer", "EntityRef": {"value": "7"}}."""
    detail = line[DETAIL]
    sign = 1 if detail.get("PostingType") == "Debit" else -1
    wrapped = detail.get("Entity") or {}
    entity = {**(wrapped.get("EntityRef") or {}), "type": wrapped.get("Type")}
    return on_account(
        company,
        ref_value(detail, "AccountRef") or "",
        sign * decimal_of(line.get("Amount")),
        entity,
        ("JournalEntry", str(obj["Id"])),
        klass=ref_value(detail, "ClassRef"),
        department=ref_value(detail, "DepartmentRef"),
        line=line.get("Id"),
        memo=line.get("Description"),
    )


def transfer(_company: Company, obj: JsonObject) -> list[Posting]:
    """From one account to another."""
    return between(ref_value(obj, "FromAccountRef"), ref_value(obj, "ToAccountRef"), obj)


def credit_card_payment(_company: Company, obj: JsonObject) -> list[Posting]:
    """From the bank to the card."""
    return between(ref_value(obj, "BankAccountRef"), ref_value(obj, "CreditCardAccountRef"), obj)


def between(source: str | None, target: str | None, obj: JsonObject) -> list[Posting]:
    """Amount out of one account and into another."""
    amount = decimal_of(obj.get("Amount"))
    return [Posting(source or "", -amount), Posting(target or "", amount)]
