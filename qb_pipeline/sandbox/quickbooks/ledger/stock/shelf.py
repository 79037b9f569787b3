"""The movements of every item in order, with their running totals.

Invariant: an entry's `total` is the sum of quantities of its kind up to and with it, and a receipt's `worth` the sum of
values; both stay right when an entry is put in or taken out anywhere.

Quantities and amounts are stored in millionths. Order: the first entry of an item, then by date and transaction.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.ledger.stock.moves import IN, OUT
from qb_pipeline.sandbox.quickbooks.references import Reference
from qb_pipeline.sandbox.quickbooks.rows import SCALE

Key = tuple[str, int, str, int]


@dataclass
class Entry:
    """A row of the table `stock`."""

    item: str
    # "" for the first entry of an item, which comes before everything.
    date: str
    num: int
    entity: str
    n: int
    id: str
    kind: str
    quantity: int
    own: int
    # What the transaction says came in; None where the last known price counts.
    given: int | None
    value: int
    # Per unit, as exact text; what later entries without a value are taken at.
    price: str
    total: int
    worth: int
    # The highest total the entry reaches: above `total` where goods come back.
    top: int
    cost: int
    asset: str
    target: str
    party: str | None = None
    party_id: str | None = None
    klass: str | None = None
    department: str | None = None
    line: str | None = None

    @property
    def key(self) -> Key:
        """Its place in the order."""
        return self.date, self.num, self.entity, self.n

    @property
    def transaction(self) -> Reference:
        """What moved it."""
        return self.entity, self.id

    @property
    def change(self) -> Decimal:
        """What it does to the quantity on hand."""
        return Decimal(self.quantity if self.kind == IN else -self.quantity) / SCALE


NAMES = tuple(one.name for one in fields(Entry))
COLUMNS = ", ".join(NAMES)
ORDER = "(date, num, entity, n)"
SORTED = "ORDER BY date, num, entity, n"
SELECT = f"SELECT {COLUMNS} FROM stock WHERE c = ?"  # noqa: S608 - constants of this module
INSERT = f"INSERT INTO stock (c, {COLUMNS}) VALUES ({', '.join('?' * (len(NAMES) + 1))})"  # noqa: S608


def found(rows: Iterable[sqlite3.Row]) -> list[Entry]:
    """Rows as entries."""
    return [Entry(*row) for row in rows]


def of_transaction(company: Company, transaction: Reference) -> list[Entry]:
    """What a transaction moves."""
    statement = f"{SELECT} AND entity = ? AND id = ? ORDER BY n"
    return found(company.store.conn.execute(statement, (company.store.company, *transaction)))


def of_item(company: Company, item: str) -> list[Entry]:
    """Everything that ever happened to an item."""
    return found(company.store.conn.execute(f"{SELECT} AND item = ? {SORTED}", (company.store.company, item)))


def is_set_up(company: Company, item: str) -> bool:
    """Whether the item has its first entry."""
    statement = "SELECT 1 FROM stock WHERE c = ? AND item = ? LIMIT 1"
    return company.store.conn.execute(statement, (company.store.company, item)).fetchone() is not None


def price_before(company: Company, item: str, key: Key) -> Decimal:
    """The price of the last receipt before a place in the order."""
    statement = f"{SELECT} AND item = ? AND kind = 'in' AND {ORDER} < (?, ?, ?, ?) ORDER BY date DESC, num DESC LIMIT 1"
    rows = found(company.store.conn.execute(statement, (company.store.company, item, *key)))
    return Decimal(rows[0].price) if rows else Decimal(0)


def take_out(company: Company, entry: Entry) -> None:
    """Remove an entry; the totals behind it fall."""
    statement = f"DELETE FROM stock WHERE c = ? AND item = ? AND {ORDER} = (?, ?, ?, ?)"  # noqa: S608
    company.store.conn.execute(statement, (company.store.company, entry.item, *entry.key))
    shift(company, entry, -1)


def put_in(company: Company, entry: Entry) -> None:
    """Insert an entry with its totals; those behind it rise."""
    statement = (
        f"SELECT total, worth FROM stock WHERE c = ? AND item = ? AND kind = ? AND {ORDER} < (?, ?, ?, ?)"  # noqa: S608
        " ORDER BY date DESC, num DESC, entity DESC, n DESC LIMIT 1"
    )
    place = (company.store.company, entry.item, entry.kind, *entry.key)
    before = company.store.conn.execute(statement, place).fetchone() or (0, 0)
    count(entry, *before)
    store(company, [entry])
    shift(company, entry, 1)


def count(entry: Entry, total: int, worth: int) -> None:
    """Set the running totals of an entry that follows one with these."""
    entry.total, entry.worth = total + entry.quantity, worth + entry.value
    entry.top = max(entry.total, total) if entry.kind == OUT else entry.total


def shift(company: Company, entry: Entry, sign: int) -> None:
    """Carry an entry's quantity and value on to the totals of its kind behind it."""
    quantity, value = sign * entry.quantity, sign * entry.value
    behind = f"c = ? AND item = ? AND kind = ? AND {ORDER} > (?, ?, ?, ?)"
    statement = f"UPDATE stock SET total = total + ?, top = top + ?, worth = worth + ? WHERE {behind}"  # noqa: S608
    place = (company.store.company, entry.item, entry.kind, *entry.key)
    company.store.conn.execute(statement, (quantity, quantity, value, *place))


def store(company: Company, entries: Iterable[Entry]) -> None:
    """Insert entries as they are."""
    rows = [(company.store.company, *(getattr(one, name) for name in NAMES)) for one in entries]
    company.store.conn.executemany(INSERT, rows)


def issues_from(company: Company, item: str, key: Key | None, total: int | None) -> list[Entry]:
    """Issues at or behind a place in the order, or reaching beyond a total of units."""
    parts: list[str] = []
    values: list[object] = [company.store.company, item]
    if key is not None:
        parts.append(f"{ORDER} >= (?, ?, ?, ?)")
        values += key
    if total is not None:
        parts.append("top > ?")
        values.append(total)
    if not parts:
        return []
    statement = f"{SELECT} AND item = ? AND kind = 'out' AND ({' OR '.join(parts)}) {SORTED}"
    return found(company.store.conn.execute(statement, values))


def set_costs(company: Company, entries: Iterable[Entry]) -> None:
    """Store new costs of issues."""
    statement = f"UPDATE stock SET cost = ? WHERE c = ? AND item = ? AND {ORDER} = (?, ?, ?, ?)"  # noqa: S608
    rows = [(one.cost, company.store.company, one.item, *one.key) for one in entries]
    company.store.conn.executemany(statement, rows)
