"""The objects of one company in SQLite: JSON bodies with indexed columns, references, tombstones, sequences.

Invariant: a body leaves exactly as it was put in; the reference index always equals the references in the bodies.

    create_tables(conn)
    store = Store(conn, company)              company: the integer key from `company_key`
    store.get("Invoice", "12") -> dict | None     .put("Invoice", obj, before)     .remove("Invoice", obj, seconds)
    store.next_id("transactions") -> "131"        .referrers(("Customer", "7"), "Invoice") -> ["130", ...]
"""

import sqlite3
from collections.abc import Iterable

from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, dumps, loads
from qb_pipeline.sandbox.quickbooks.references import Reference, references
from qb_pipeline.sandbox.quickbooks.rows import identity, row_of

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS company (c INTEGER PRIMARY KEY, realm TEXT UNIQUE NOT NULL)",
    "CREATE TABLE IF NOT EXISTS objects (c INTEGER NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL, num INTEGER,"
    " active INTEGER NOT NULL, name TEXT COLLATE NOCASE, name_key TEXT, created INTEGER, updated INTEGER NOT NULL,"
    " doc_number TEXT COLLATE NOCASE, party TEXT, txn_date TEXT, total INTEGER, balance INTEGER,"
    " body TEXT NOT NULL, PRIMARY KEY (c, entity, id))",
    "CREATE INDEX IF NOT EXISTS by_num ON objects (c, entity, num)",
    "CREATE INDEX IF NOT EXISTS by_updated ON objects (c, entity, updated, num)",
    "CREATE INDEX IF NOT EXISTS by_name ON objects (c, entity, name) WHERE name IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS by_name_key ON objects (c, name_key) WHERE name_key IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS by_doc_number ON objects (c, entity, doc_number) WHERE doc_number IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS by_party ON objects (c, entity, party) WHERE party IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS by_date ON objects (c, entity, txn_date, num) WHERE txn_date IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS refs (c INTEGER NOT NULL, target TEXT NOT NULL, target_id TEXT NOT NULL,"
    " source TEXT NOT NULL, source_id TEXT NOT NULL,"
    " PRIMARY KEY (c, target, target_id, source, source_id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS tombstones (c INTEGER NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL,"
    " updated INTEGER NOT NULL, stamp TEXT NOT NULL, PRIMARY KEY (c, entity, id))",
    "CREATE INDEX IF NOT EXISTS tombstones_by_time ON tombstones (c, entity, updated)",
    "CREATE TABLE IF NOT EXISTS sequences (c INTEGER NOT NULL, name TEXT NOT NULL, last INTEGER NOT NULL,"
    " PRIMARY KEY (c, name))",
    "CREATE TABLE IF NOT EXISTS postings (c INTEGER NOT NULL, entity TEXT NOT NULL, id TEXT NOT NULL,"
    " part TEXT NOT NULL, n INTEGER NOT NULL, date TEXT NOT NULL, account TEXT NOT NULL, amount INTEGER NOT NULL,"
    " party TEXT, party_id TEXT, doc TEXT, doc_id TEXT, item TEXT, class TEXT, department TEXT, line TEXT, memo TEXT,"
    " foreign_amount INTEGER, PRIMARY KEY (c, entity, id, part, n)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS postings_by_account ON postings (c, account, date)",
    "CREATE INDEX IF NOT EXISTS postings_by_doc ON postings (c, doc, doc_id) WHERE doc IS NOT NULL",
    # Movements of inventory items, see ledger/stock/shelf.py.
    "CREATE TABLE IF NOT EXISTS stock (c INTEGER NOT NULL, item TEXT NOT NULL, date TEXT NOT NULL,"
    " num INTEGER NOT NULL, entity TEXT NOT NULL, n INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,"
    " quantity INTEGER NOT NULL, own INTEGER NOT NULL, given INTEGER, value INTEGER NOT NULL, price TEXT NOT NULL,"
    " total INTEGER NOT NULL, worth INTEGER NOT NULL, top INTEGER NOT NULL, cost INTEGER NOT NULL,"
    " asset TEXT NOT NULL, target TEXT NOT NULL, party TEXT, party_id TEXT, klass TEXT, department TEXT, line TEXT,"
    " PRIMARY KEY (c, item, date, num, entity, n)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS stock_by_transaction ON stock (c, entity, id)",
    "CREATE INDEX IF NOT EXISTS stock_by_total ON stock (c, item, kind, top)",
    "CREATE INDEX IF NOT EXISTS stock_by_kind ON stock (c, item, kind, date, num, entity, n)",
    "CREATE TABLE IF NOT EXISTS replays (c INTEGER NOT NULL, request_id TEXT NOT NULL, b_id TEXT NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (c, request_id, b_id)) WITHOUT ROWID",
)
COLUMNS = "num, active, name, name_key, created, updated, doc_number, party, txn_date, total, balance"
# What SQLite would find in ten companies with books of some size. Of an empty table it assumes that a company has ten
# postings, reads them all for each open document, and keeps to that plan when there are a million.
STATISTICS = (
    ("postings", "postings", "3000000 300000 30000 4 3 1 noskipscan"),
    ("postings", "postings_by_account", "3000000 300000 10000 50 noskipscan"),
    ("postings", "postings_by_doc", "1200000 120000 20000 2 noskipscan"),
)
PUT = (
    # Built from the constant list of columns above, so that the two halves cannot drift apart.
    f"INSERT INTO objects (c, entity, id, {COLUMNS}, body) VALUES ({', '.join('?' * 15)})"  # noqa: S608
    + " ON CONFLICT (c, entity, id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in [*COLUMNS.split(", "), "body"])
)


def create_tables(conn: sqlite3.Connection) -> None:
    """Make what is missing; a state file of an earlier run is kept."""
    for statement in SCHEMA:
        conn.execute(statement)
    conn.execute("ANALYZE postings")
    conn.execute("DELETE FROM sqlite_stat1 WHERE tbl = 'postings'")
    conn.executemany("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", STATISTICS)
    # Has the statistics read again.
    conn.execute("ANALYZE sqlite_schema")


def company_key(conn: sqlite3.Connection, realm: str) -> int | None:
    """The company's key, None when the realm is unknown."""
    row = conn.execute("SELECT c FROM company WHERE realm = ?", (realm,)).fetchone()
    return None if row is None else int(row[0])


def realms(conn: sqlite3.Connection) -> list[str]:
    """Every company's realm in order of creation."""
    return [realm for (realm,) in conn.execute("SELECT realm FROM company ORDER BY c")]


def add_company(conn: sqlite3.Connection, realm: str) -> int:
    """A new company without any object; returns its key."""
    key = conn.execute("INSERT INTO company (realm) VALUES (?)", (realm,)).lastrowid
    if key is None:
        raise RuntimeError(f"SQLite gave no key for the new company {realm}")
    return key


class Store:
    """One company's objects."""

    def __init__(self, conn: sqlite3.Connection, company: int) -> None:
        self.conn, self.company = conn, company

    def get(self, entity: str, identifier: str) -> JsonObject | None:
        """The object, None when it does not exist."""
        row = self.conn.execute(
            "SELECT body FROM objects WHERE c = ? AND entity = ? AND id = ?", (self.company, entity, identifier)
        ).fetchone()
        found: JsonObject | None = None if row is None else loads(row[0])
        return found

    def text(self, entity: str, identifier: str) -> str | None:
        """The object's JSON text as stored."""
        row = self.conn.execute(
            "SELECT body FROM objects WHERE c = ? AND entity = ? AND id = ?", (self.company, entity, identifier)
        ).fetchone()
        return None if row is None else str(row[0])

    def put(self, entity: str, obj: JsonObject, before: JsonObject | None = None) -> None:
        """Insert or replace; `before` is the stored version (None for a new object)."""
        identifier = identity(entity, obj)
        self.conn.execute(PUT, (self.company, entity, identifier, *row_of(entity, obj), dumps(obj)))
        old = references(entity, before) if before else set()
        new = references(entity, obj)
        self._drop_references(entity, identifier, old - new)
        self._add_references(entity, identifier, new - old)

    def remove(self, entity: str, obj: JsonObject, updated: int, stamp: str) -> None:
        """Delete an object and leave its tombstone."""
        identifier = identity(entity, obj)
        self.conn.execute(
            "DELETE FROM objects WHERE c = ? AND entity = ? AND id = ?", (self.company, entity, identifier)
        )
        self._drop_references(entity, identifier, references(entity, obj))
        self.conn.execute(
            "INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?, ?, ?)",
            (self.company, entity, identifier, updated, stamp),
        )

    def referrers(self, target: Reference, source: str | None = None) -> list[Reference]:
        """Who refers to `target`, optionally only objects of one entity."""
        rows = self.conn.execute(
            "SELECT source, source_id FROM refs WHERE c = ? AND target = ? AND target_id = ?"
            " AND (? IS NULL OR source = ?)",
            (self.company, *target, source, source),
        )
        return [(entity, identifier) for entity, identifier in rows]

    def holder_of_name(self, key: str) -> Reference | None:
        """The record that has this unique name."""
        row = self.conn.execute(
            "SELECT entity, id FROM objects WHERE c = ? AND name_key = ?", (self.company, key)
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def holders_of_number(self, entity: str, doc_number: str) -> list[str]:
        """Ids of the transactions of one type with this DocNumber."""
        rows = self.conn.execute(
            "SELECT id FROM objects WHERE c = ? AND entity = ? AND doc_number = ?", (self.company, entity, doc_number)
        )
        return [identifier for (identifier,) in rows]

    def next_number(self, sequence: str, start: int = 0) -> int:
        """The next number of a sequence, which begins after `start`."""
        (number,) = self.conn.execute(
            "INSERT INTO sequences VALUES (?, ?, ?) ON CONFLICT (c, name) DO UPDATE SET last = last + 1 RETURNING last",
            (self.company, sequence, start + 1),
        ).fetchone()
        return int(number)

    def raise_sequence(self, sequence: str, used: int) -> None:
        """Let the sequence go on after `used` at least."""
        self.conn.execute(
            "INSERT INTO sequences VALUES (?, ?, ?)"
            " ON CONFLICT (c, name) DO UPDATE SET last = max(last, excluded.last)",
            (self.company, sequence, used),
        )

    def _add_references(self, entity: str, identifier: str, targets: Iterable[Reference]) -> None:
        self.conn.executemany(
            "INSERT OR IGNORE INTO refs VALUES (?, ?, ?, ?, ?)",
            [(self.company, *target, entity, identifier) for target in targets],
        )

    def _drop_references(self, entity: str, identifier: str, targets: Iterable[Reference]) -> None:
        self.conn.executemany(
            "DELETE FROM refs WHERE c = ? AND target = ? AND target_id = ? AND source = ? AND source_id = ?",
            [(self.company, *target, entity, identifier) for target in targets],
        )
