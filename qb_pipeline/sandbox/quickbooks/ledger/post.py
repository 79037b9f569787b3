"""Postings into the book, and what they move.

Invariant: whatever is posted moves the balances of its accounts and parties by the same amount, at once.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.ledger.balances import move_accounts, move_parties
from qb_pipeline.sandbox.quickbooks.ledger.book import OWN, Key, replace
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.references import Reference


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
