"""Postings into the book, and what they move.

Invariant: whatever is posted moves the balances of its accounts and parties by the same amount, at once.
"""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.ledger.balances import move_accounts, move_parties
from qb_pipeline.sandbox.quickbooks.ledger.book import OWN, Change, Key, replace
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value


def post(company: Company, transaction: Reference, day: str, postings: list[Posting], part: str = OWN) -> None:
    """Replace a part of a transaction's postings and carry the change to the balances."""
    carry(company, replace(company, transaction, day, postings, part))


def carry(company: Company, changes: Mapping[Key, Change]) -> None:
    """Move the balances by a change of postings: parties and accounts of another currency in that currency."""
    accounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    parties: defaultdict[Reference, Decimal] = defaultdict(Decimal)
    for (account, party, document), change in changes.items():
        accounts[account] += (
            change.own if change.own != change.amount and is_foreign(company, account) else change.amount
        )
        if party is not None and document is not None:
            parties[party] += change.own
    move_accounts(company, accounts)
    move_parties(company, parties)


def is_foreign(company: Company, account: str) -> bool:
    """Whether an account is kept in another currency than the home one."""
    found = company.store.get("Account", account) or {}
    return ref_value(found, "CurrencyRef") not in (None, company.currency_of(None)["value"])
