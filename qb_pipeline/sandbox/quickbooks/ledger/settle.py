"""From one version of a transaction to the next: postings, stock, and the balances they move.

Invariant: after `settle` the balances of accounts, customers and vendors equal the sums of their postings.

    settle(company, "Invoice", before, after)      before None on creation, after None on removal
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.ledger.post import carry, post
from qb_pipeline.sandbox.quickbooks.ledger.rules import RULES
from qb_pipeline.sandbox.quickbooks.ledger.stock.moves import moves_stock
from qb_pipeline.sandbox.quickbooks.ledger.stock.restock import restock
from qb_pipeline.sandbox.quickbooks.references import Reference

__all__ = ["carry", "post", "settle"]


def settle(company: Company, entity: str, before: JsonObject | None, after: JsonObject | None) -> None:
    """Post the new version in place of the old one; entities that post nothing are left alone."""
    transaction: Reference = (entity, str((after or before or {})["Id"]))
    postings = [] if after is None or entity not in RULES else RULES[entity](company, after)
    if entity in RULES:
        post(company, transaction, str((after or before or {}).get("TxnDate") or ""), postings)
    if moves_stock(entity):
        restock(company, transaction, before, after, postings)
