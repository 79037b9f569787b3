"""One line of the ledger.

Invariant: amounts are debits in the home currency (a credit is negative), and those of one transaction add up to zero.

    Posting("31", Decimal(100), party=("Customer", "7"), document=("Invoice", "130"))
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.references import Reference


@dataclass(frozen=True)
class Posting:
    """A debit (negative: a credit) on an account."""

    account: str
    amount: Decimal
    # Who it concerns: ("Customer", "7"), ("Vendor", "3").
    party: Reference | None = None
    # The open item it raises or settles; set on receivables and payables only, where it moves the party's balance.
    document: Reference | None = None
    item: str | None = None
    klass: str | None = None
    department: str | None = None
    # Id of the transaction's line, and what is written there.
    line: str | None = None
    memo: str | None = None
    # The amount in the document's own currency, where that is not the home currency.
    foreign: Decimal | None = None

    def reversed(self) -> "Posting":
        """The same line on the other side."""
        return Posting(
            self.account, -self.amount, self.party, self.document, self.item, self.klass, self.department,
            self.line, self.memo, None if self.foreign is None else -self.foreign,
        )  # fmt: skip


class Unbalanced(Exception):
    """The sandbox made a transaction whose debits and credits differ: a defect of its rules, never the client's."""

    def __init__(self, entity: str, identifier: str, difference: Decimal) -> None:
        super().__init__(f"{entity} {identifier}: debits exceed credits by {difference}")


def difference(postings: Iterable[Posting]) -> Decimal:
    """Debits less credits: zero unless a rule is wrong."""
    return sum((posting.amount for posting in postings), Decimal(0))


def moving(postings: Iterable[Posting]) -> Iterator[Posting]:
    """Without the postings of nothing."""
    return (posting for posting in postings if posting.amount)
