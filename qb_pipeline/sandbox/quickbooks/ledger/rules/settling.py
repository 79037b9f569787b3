"""How a payment's line settles the open item it links to.

Invariant: an item is settled on the account, for the party and on the opposite side of where it was raised.

    open_item(company, ("JournalEntry", "9"), ("Customer", "7")) -> OpenItem(account, party, sign)
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.ledger.posting import Posting
from qb_pipeline.sandbox.quickbooks.ledger.rules.deposits import deposit
from qb_pipeline.sandbox.quickbooks.ledger.rules.journal import journal_entry
from qb_pipeline.sandbox.quickbooks.ledger.rules.open_items import owner_of
from qb_pipeline.sandbox.quickbooks.ledger.rules.purchases import purchase
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import ref_value

# Debit (1) or credit (-1) that settles documents whose kind tells their side.
SIGNS = {"Invoice": -1, "CreditMemo": 1, "Bill": 1, "VendorCredit": -1}
# Transactions that become open items by a line on a control account; only their postings tell the side.
RAISED_BY_LINES: dict[str, Callable[[Company, JsonObject], list[Posting]]] = {
    "JournalEntry": journal_entry,
    "Deposit": deposit,
    "Purchase": purchase,
}


@dataclass(frozen=True)
class OpenItem:
    """Where an item stands; `sign` is +1 when a debit settles it, -1 when a credit does. `account` None: the usual."""

    account: str | None
    party: Reference
    sign: int


def open_item(company: Company, document: Reference, payer: Reference) -> OpenItem:
    """The open item of a document as `payer` would settle it."""
    usual = 1 if payer[0] == "Vendor" else -1
    if document[0] in RAISED_BY_LINES:
        (account, party), amount = raised_for(company, document, payer)
        return OpenItem(account, party, usual if not amount else -1 if amount > 0 else 1)
    account = ref_value(company.store.get(*document) or {}, "APAccountRef")
    return OpenItem(account, owner_of(company, document) or payer, SIGNS.get(document[0], usual))


def raised_for(company: Company, document: Reference, payer: Reference) -> tuple[tuple[str | None, Reference], Decimal]:
    """What the document raised for the payer, else for anybody of the payer's kind: ((account, party), debit)."""
    found = raised(company, document, company.store.get(*document))
    own = {key: amount for key, amount in found.items() if key[1] == payer}
    alike = {key: amount for key, amount in found.items() if key[1][0] == payer[0]}
    return next(iter((own or alike).items()), ((None, payer), Decimal(0)))


def raised(company: Company, document: Reference, obj: JsonObject | None) -> dict[tuple[str, Reference], Decimal]:
    """The open items a version of a transaction raises by its own lines: (account, party) -> debit."""
    sums: defaultdict[tuple[str, Reference], Decimal] = defaultdict(Decimal)
    for posting in RAISED_BY_LINES[document[0]](company, obj) if obj is not None else []:
        if posting.document == document and posting.party is not None:
            sums[(posting.account, posting.party)] += posting.amount
    return dict(sums)
