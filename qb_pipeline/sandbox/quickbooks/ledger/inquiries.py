"""What the postings say about one transaction or one open item.

Invariant: these answers are sums of postings and nothing else, so they agree with every balance shown.
"""

from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import SCALE


def amounts_on(
    company: Company, transaction: Reference, account: str, *, own_currency: bool = False
) -> dict[str, Decimal]:
    """What a transaction put on an account, debits positive, by line id ("0": of no line).

    At home, or in the transaction's own currency where it has another one.
    """
    amount = "coalesce(foreign_amount, amount)" if own_currency else "amount"
    rows = company.store.conn.execute(
        f"SELECT coalesce(line, '0'), sum({amount}) FROM postings"  # noqa: S608 - one of two constants
        " WHERE c = ? AND entity = ? AND id = ? AND account = ? GROUP BY 1",
        (company.store.company, *transaction, account),
    )
    return {line: Decimal(total) / SCALE for line, total in rows}


def open_items(company: Company, document: Reference) -> dict[Reference, Decimal]:
    """What is open on a document by whom it concerns: positive for what is owed to the company."""
    rows = company.store.conn.execute(
        "SELECT party, party_id, sum(amount) FROM postings"
        " WHERE c = ? AND doc = ? AND doc_id = ? AND party IS NOT NULL GROUP BY 1, 2",
        (company.store.company, *document),
    )
    return {(party, party_id): Decimal(total) / SCALE for party, party_id, total in rows}
