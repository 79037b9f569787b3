"""The lines of detail reports: one for each posting, or one for each transaction, with all that a column can show.

Invariant: a line's amount is the posting's, with the sign under which its account's balance grows.

    entries(company, asked, accounts, bounds, most) -> [Entry, ...] by day and transaction
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import Account, Named, names
from qb_pipeline.sandbox.quickbooks.reports.lines import OBJECT, VENDOR, Bounds, amount, select

KINDS = {
    "CreditMemo": "Credit Memo",
    "SalesReceipt": "Sales Receipt",
    "RefundReceipt": "Refund",
    "VendorCredit": "Vendor Credit",
    "JournalEntry": "Journal Entry",
    "CreditCardPaymentTxn": "Credit Card Payment",
    "InventoryAdjustment": "Inventory Qty Adjust",
    "PurchaseOrder": "Purchase Order",
    "Opening": "Opening Balance",
}
SPLIT = "-Split-"
# What all detail reports read of the transaction; in the order of `transaction_part`.
TRANSACTION = (
    "p.entity", "p.id", "o.doc_number", "json_extract(o.body, '$.DueDate')", "json_extract(o.body, '$.PrivateNote')",
    "json_extract(o.body, '$.PaymentType')", "json_extract(o.body, '$.Credit')", "json_extract(o.body, '$.PayType')",
    "json_extract(o.body, '$.PaymentRefNum')", "o.total", "o.balance",
    "json_extract(o.body, '$.MetaData.CreateTime')", "json_extract(o.body, '$.MetaData.LastUpdatedTime')",
    "json_extract(o.body, '$.TxnStatus')",
)  # fmt: skip
# Where the money of the transaction is, and how many postings it has, for the column Split.
HEAD = "SELECT h.account FROM postings h WHERE h.c = :c AND h.entity = p.entity AND h.id = p.id AND h.part = 'own'"
SPLITS = (
    f"({HEAD} ORDER BY h.n LIMIT 1)",
    f"({HEAD} ORDER BY h.n LIMIT 1 OFFSET 1)",
    f"({HEAD.replace('h.account', 'count(*)', 1)})",
)
POSTING = (
    "p.date", "p.account", "p.amount", "p.party", "p.party_id", f"({VENDOR})", "p.item", "p.class", "p.department",
    "p.memo", "p.n", "p.part",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line. `name` is who it concerns, `split` the other account; both are ("", "") for none."""

    entity: str
    id: str
    kind: str
    date: str
    number: str
    due: str
    memo: str
    name: tuple[str, str]
    account: tuple[str, str]
    split: tuple[str, str]
    amount: Decimal
    party: str = ""
    debit: Decimal = Decimal(0)
    open: Decimal | None = None
    balance: Decimal | None = None
    posting: bool = True
    item: tuple[str, str] = ("", "")
    klass: tuple[str, str] = ("", "")
    department: tuple[str, str] = ("", "")
    created: str = ""
    updated: str = ""
    past_due: int | None = None


@dataclass
class Names:
    """The names of everything lines refer to, read once."""

    company: Company
    accounts: Mapping[str, Account]

    def __post_init__(self) -> None:
        self.known: dict[str, dict[str, Named]] = {}

    def of(self, entity: str | None, identifier: str | None) -> tuple[str, str]:
        """(name, id) of a record; empty for none."""
        if entity is None or identifier is None:
            return "", ""
        if entity not in self.known:
            self.known[entity] = names(self.company, entity)
        found = self.known[entity].get(identifier)
        return (found.full_name, identifier) if found else ("", identifier)

    def account(self, identifier: str | None) -> tuple[str, str]:
        """(full name, id) of an account."""
        found = self.accounts.get(identifier or "")
        return (found.full_name, found.id) if found else ("", "")


def entries(
    company: Company, asked: Asked, accounts: Mapping[str, Account], bounds: Bounds, most: int, *, profit: bool = False
) -> list[Entry]:
    """Every posting within bounds, by day and transaction, and one more than `most` at most.

    With `profit` only those on profit and loss accounts.
    """
    chosen = dict(bounds)
    if profit:
        chosen["accounts"] = [one.id for one in accounts.values() if one.profit]
    rows = select(
        company,
        asked,
        (*TRANSACTION, *POSTING, *SPLITS),
        chosen,
        f"ORDER BY p.date, o.num, p.id, p.part, p.n LIMIT {most + 1}",
        OBJECT,
    )
    known = Names(company, accounts)
    return [entry(row, known) for row in rows]


def entry(row: tuple[Any, ...], known: Names) -> Entry:
    """One row of `entries`."""
    made = transaction_part(row)
    day, account, millionths, party, party_id, vendor, item, klass, department, memo = row[14:24]
    debit = amount(millionths)
    of_bill = party is None and vendor is not None
    return replace(
        made,
        date=day,
        memo=memo or (made.memo if is_head(row) else ""),
        name=known.of("Vendor", vendor) if of_bill else known.of(party, party_id),
        party="Vendor" if of_bill else party or "",
        account=known.account(account),
        split=split(row, known),
        amount=debit * (known.accounts[account].sign if account in known.accounts else 1),
        debit=debit,
        item=known.of("Item", item),
        klass=known.of("Class", klass),
        department=known.of("Department", department),
    )


def transaction_part(row: tuple[Any, ...]) -> Entry:
    """What belongs to the transaction; the rest is empty."""
    entity, identifier, doc_number, due, note, payment_type, credit, pay_type, reference, total, balance = row[:11]
    return Entry(
        entity=entity,
        id=identifier,
        kind=kind_of(entity, payment_type, bool(credit), pay_type),
        date="",
        number=doc_number or reference or "",
        due=due or "",
        memo=note or "",
        name=("", ""),
        account=("", ""),
        split=("", ""),
        amount=Decimal(0) if total is None else amount(total),
        open=None if balance is None else amount(balance),
        created=row[11] or "",
        updated=row[12] or "",
    )


def kind_of(entity: str, payment_type: str | None, credit: bool, pay_type: str | None) -> str:
    """The transaction type as reports name it."""
    if entity == "Purchase":
        if payment_type == "CreditCard":
            return "Credit Card Credit" if credit else "Credit Card Expense"
        return "Check" if payment_type == "Check" else "Expense"
    if entity == "BillPayment":
        return f"Bill Payment ({'Credit Card' if pay_type == 'CreditCard' else 'Check'})"
    return KINDS.get(entity, entity)


def is_head(row: tuple[Any, ...]) -> bool:
    """Whether the posting is the one the transaction's other postings are against."""
    return bool(row[24] == 0 and row[25] == "own")


def split(row: tuple[Any, ...], known: Names) -> tuple[str, str]:
    """The account on the other side, `-Split-` where there are several."""
    first, second, count = row[26:29]
    if count is not None and count > 2 and (is_head(row) or row[0] in ("JournalEntry", "Opening")):
        return SPLIT, ""
    return known.account(second if is_head(row) else first if row[15] != first or count != 2 else second)
