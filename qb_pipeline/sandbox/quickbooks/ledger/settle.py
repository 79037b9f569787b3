"""From one version of a transaction to the next: postings, stock, and the balances they move.

Invariant: after `settle` the balances of accounts, customers and vendors equal the sums of their postings.

    settle(company, "Invoice", before, after)      before None on creation, after None on removal
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.ledger.foreign import in_home
from qb_pipeline.sandbox.quickbooks.ledger.post import carry, post
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.rules import RULES
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import settled
from qb_pipeline.sandbox.quickbooks.ledger.stock.moves import moves_stock
from qb_pipeline.sandbox.quickbooks.ledger.stock.restock import restock
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value

__all__ = ["carry", "post", "settle"]


def settle(company: Company, entity: str, before: JsonObject | None, after: JsonObject | None) -> None:
    """Post the new version in place of the old one; entities that post nothing are left alone."""
    transaction: Reference = (entity, str((after or before or {})["Id"]))
    postings = posted(company, transaction, after)
    if entity in RULES:
        post(company, transaction, str((after or before or {}).get("TxnDate") or ""), postings)
    if moves_stock(entity):
        restock(company, transaction, before, after, postings)
    for document in sorted(unsettled(company, transaction, before, after)):
        resettle(company, document, transaction)


def posted(company: Company, transaction: Reference, obj: JsonObject | None) -> list[Posting]:
    """What a version of a transaction posts, in home currency."""
    rule = RULES.get(transaction[0])
    return [] if obj is None or rule is None else in_home(company, transaction, obj, rule(company, obj))


def unsettled(
    company: Company, transaction: Reference, before: JsonObject | None, after: JsonObject | None
) -> set[Reference]:
    """Documents in another currency whose open amount this write moved: their payments must fit them to the cent."""
    home = company.currency_of(None)["value"]
    foreign = [
        one for one in (before, after) if one and "ExchangeRate" in one and ref_value(one, "CurrencyRef") != home
    ]
    found = {document for one in foreign for document, _ in settled(one)}
    return found | {transaction} if foreign and before and after else found


def resettle(company: Company, document: Reference, but: Reference) -> None:
    """Post the other payments of a document anew, so that what is open on it is worth its own rate."""
    for payment in company.store.referrers(document):
        obj = company.store.get(*payment) if payment[0] in ("Payment", "BillPayment") and payment != but else None
        if obj is not None:
            post(company, payment, str(obj.get("TxnDate") or ""), posted(company, payment, obj))
