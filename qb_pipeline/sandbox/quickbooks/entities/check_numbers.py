"""The numbers of checks, whoever writes them.

Invariant: a new check never takes a number that another check has, be it a purchase or a bill payment, unless the
request or the switch `duplicate_doc_number` allows it.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.transaction import custom_numbers, refuse_duplicate
from qb_pipeline.sandbox.quickbooks.entity import Draft
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject

# Entity -> the property that tells how it is paid.
PAID_BY = {"Purchase": "PaymentType", "BillPayment": "PayType"}


def complete_check_number(company: Company, entity: str, draft: Draft) -> None:
    """6140 for a number that is taken: of checks among all checks, of the rest among the same kind."""
    given = draft.obj.get("DocNumber")
    if given is None or given == (draft.before or {}).get("DocNumber"):
        return
    how = draft.obj[PAID_BY[entity]]
    for other, key in PAID_BY.items():
        if other != entity and how != "Check":
            continue
        if any(paid_like(company.store.get(other, one), key, how) for one in holders(company, other, str(given))):
            refuse_duplicate(company, other, str(given), custom_numbers(company))


def holders(company: Company, entity: str, given: str) -> list[str]:
    """Who has the number."""
    return company.store.holders_of_number(entity, given)


def paid_like(obj: JsonObject | None, key: str, how: object) -> bool:
    """Whether it is paid the same way."""
    return obj is not None and obj.get(key) == how
