"""From one version of a transaction to the next: postings, and the balances they move.

Invariant: after `settle` the balances of accounts, customers and vendors equal the sums of their postings.

    settle(company, "Invoice", before, after)      before None on creation, after None on removal
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.ledger.balances import move_accounts, move_parties
from qb_pipeline.sandbox.quickbooks.ledger.book import OWN, Key, replace
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.rules import RULES
from qb_pipeline.sandbox.quickbooks.ledger.stock import move_stock, moves_stock
from qb_pipeline.sandbox.quickbooks.references import Reference


def settle(company: Company, entity: str, before: JsonObject | None, after: JsonObject | None) -> None:
    """Post the new version in place of the old one; entities that post nothing are left alone."""
    if entity in RULES:
        obj = after or before or {}
        postings = [] if after is None else RULES[entity](company, after)
        post(company, (entity, str(obj["Id"])), str(obj.get("TxnDate") or ""), postings)
    if moves_stock(entity):
        move_stock(company, entity, before, after)


def post(company: Company, transaction: Reference, day: str, postings: list[Posting], part: str = OWN) -> None:
    """Replace a part of a transaction's postings and carry the change to the balances."""
    carry(company, replace(company, transaction, day, postings, part))


def carry(company: Company, change: Mapping[Key, Decimal]) -> None:
    """Move the balances by a change of postings."""
    accounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    parties: defaultdict[Reference, Decimal] = defaultdict(Decimal)
    for (account, party, document), amount in change.items():
        accounts[account] += amount
        if party is not None and document is not None:
            parties[party] += amount
    move_accounts(company, accounts)
    move_parties(company, parties)
