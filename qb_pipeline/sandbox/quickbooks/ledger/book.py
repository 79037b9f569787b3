"""Where the postings are kept.

Invariant: the postings of a transaction are replaced together, in the transaction that stores its new version.

    replace(company, ("Invoice", "130"), "2026-03-01", postings) -> the change, as postings (new less old)
    sums(company, "account", ...) and the table itself are what reports are computed from

Amounts are stored in millionths (see rows.SCALE). `part` keeps apart what a transaction posts by itself ("own") from
what the stock's cost adds to it ("stock").
"""

from collections import defaultdict
from decimal import Decimal
from typing import NamedTuple

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting, Unbalanced, difference, moving
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import SCALE

OWN = "own"
FIELDS = "account, amount, party, party_id, doc, doc_id, item, class, department, line, memo, foreign_amount"
INSERT = (
    # The column list is a constant of this module.
    f"INSERT INTO postings (c, entity, id, part, n, date, {FIELDS}) VALUES ({', '.join('?' * 18)})"  # noqa: S608
)
Key = tuple[str, Reference | None, Reference | None]


class Change(NamedTuple):
    """Debits less credits: in home currency, and in the transaction's own."""

    amount: Decimal
    own: Decimal


def replace(
    company: Company, transaction: Reference, day: str, postings: list[Posting], part: str = OWN
) -> dict[Key, Change]:
    """Put `postings` in the place of the transaction's earlier ones.

    Returns the change by (account, party, document), without zeros. Unbalanced when they do not add up to zero.
    """
    kept = list(moving(postings))
    if (rest := difference(kept)) != 0:
        raise Unbalanced(*transaction, rest)
    change = negated(company, transaction, part)
    where = (company.store.company, *transaction, part)
    company.store.conn.execute("DELETE FROM postings WHERE c = ? AND entity = ? AND id = ? AND part = ?", where)
    company.store.conn.executemany(INSERT, [(*where, n, day, *columns(one)) for n, one in enumerate(kept)])
    for one in kept:
        key = (one.account, one.party, one.document)
        own = one.amount if one.foreign is None else one.foreign
        change[key] = Change(change[key].amount + one.amount, change[key].own + own)
    return {key: moved for key, moved in change.items() if moved.amount or moved.own}


def negated(company: Company, transaction: Reference, part: str) -> defaultdict[Key, Change]:
    """What the stored postings of a transaction come to, with the opposite sign."""
    found: defaultdict[Key, Change] = defaultdict(lambda: Change(Decimal(0), Decimal(0)))
    rows = company.store.conn.execute(
        "SELECT account, party, party_id, doc, doc_id, sum(amount), sum(coalesce(foreign_amount, amount)) FROM postings"
        " WHERE c = ? AND entity = ? AND id = ? AND part = ? GROUP BY 1, 2, 3, 4, 5",
        (company.store.company, *transaction, part),
    )
    for account, party, party_id, doc, doc_id, total, own in rows:
        key = (account, pair(party, party_id), pair(doc, doc_id))
        found[key] = Change(-Decimal(total) / SCALE, -Decimal(own) / SCALE)
    return found


def columns(posting: Posting) -> tuple[object, ...]:
    """A posting as its row."""
    party, document = posting.party or (None, None), posting.document or (None, None)
    foreign = None if posting.foreign is None else int(posting.foreign * SCALE)
    return (
        posting.account, int(posting.amount * SCALE), *party, *document, posting.item, posting.klass,
        posting.department, posting.line, posting.memo, foreign,
    )  # fmt: skip


def pair(kind: str | None, identifier: str | None) -> Reference | None:
    """Two columns as a reference."""
    return None if kind is None or identifier is None else (kind, identifier)


def balance_of_account(company: Company, account: str, *, own: bool = False) -> Decimal:
    """Debits less credits of one account, over all time; `own` in the transactions' currency, not the home one."""
    return total_of(company, "account = ?", account, own=own)


def balance_of_document(company: Company, document: Reference) -> Decimal:
    """What is open on a document: positive for what is owed to the company, negative for what it owes."""
    return total_of(company, "doc = ? AND doc_id = ?", *document)


def total_of(company: Company, condition: str, *values: str, own: bool = False) -> Decimal:
    """Sum of the postings that meet a condition written in this package."""
    amount = "coalesce(foreign_amount, amount)" if own else "amount"
    statement = f"SELECT coalesce(sum({amount}), 0) FROM postings WHERE c = ? AND {condition}"  # noqa: S608
    (total,) = company.store.conn.execute(statement, (company.store.company, *values)).fetchone()
    return Decimal(total) / SCALE


def merge(company: Company, loser: Reference, winner: Reference) -> None:
    """Let the winner of a merge take over every posting of the loser."""
    if loser[0] in ("Customer", "Vendor", "Employee"):
        statement = "UPDATE postings SET party_id = ? WHERE c = ? AND party = ? AND party_id = ?"
        company.store.conn.execute(statement, (winner[1], company.store.company, *loser))
    column = {"Account": "account", "Item": "item", "Class": "class", "Department": "department"}.get(loser[0])
    if column is not None:
        statement = f"UPDATE postings SET {column} = ? WHERE c = ? AND {column} = ?"  # noqa: S608
        company.store.conn.execute(statement, (winner[1], company.store.company, loser[1]))
