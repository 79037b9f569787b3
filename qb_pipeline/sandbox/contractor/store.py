"""Records in SQLite, with what is looked up fast beside them: references, applied money, numbers, sums.

Invariant: a record's JSON and its index rows change in one transaction, and `updated_at` strictly rises with every
change, so that (updated_at, id) is an order in which nothing is ever inserted before what a reader has seen.

A record is *live* when it is neither deleted nor void. Sums are kept in cents.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from qb_pipeline.sandbox.contractor.fields import COLLECTIONS, DECLARED, Collection, Field
from qb_pipeline.sandbox.contractor.values import Record, amount_of
from qb_pipeline.sandbox.kernel.clock import Clock, iso

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS record (collection TEXT NOT NULL, id TEXT NOT NULL, updated_at TEXT NOT NULL,"
    " deleted INTEGER NOT NULL, void INTEGER NOT NULL, number TEXT, total INTEGER NOT NULL, balance INTEGER NOT NULL,"
    " body TEXT NOT NULL, UNIQUE (collection, id))",
    "CREATE INDEX IF NOT EXISTS record_order ON record (collection, updated_at, id)",
    "CREATE INDEX IF NOT EXISTS record_number ON record (collection, number) WHERE number IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS reference (of TEXT NOT NULL, of_id TEXT NOT NULL, collection TEXT NOT NULL,"
    " id TEXT NOT NULL, PRIMARY KEY (of, of_id, collection, id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS reference_source ON reference (collection, id)",
    "CREATE TABLE IF NOT EXISTS applied (target TEXT NOT NULL, target_id TEXT NOT NULL, collection TEXT NOT NULL,"
    " id TEXT NOT NULL, cents INTEGER NOT NULL, PRIMARY KEY (target, target_id, collection, id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS applied_source ON applied (collection, id)",
    "CREATE TABLE IF NOT EXISTS idempotency (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, answer TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
)
TICK = timedelta(microseconds=1)


class Store:
    """All state of one contractor workspace; callers open the transactions."""

    def __init__(self, conn: sqlite3.Connection, clock: Clock) -> None:
        for statement in SCHEMA:
            conn.execute(statement)
        self.conn = conn
        self._clock = clock
        self._last = self._newest()

    def _newest(self) -> datetime:
        (text,) = self.conn.execute("SELECT max(updated_at) FROM record").fetchone()
        return self._clock.now() if text is None else datetime.fromisoformat(text)

    def reset_time(self) -> None:
        """After records came in with their own times: go on after the newest."""
        self._last = self._newest()

    def stamp(self) -> str:
        """Now, or a microsecond after the last stamp where the clock is not beyond it."""
        self._last = max(self._clock.now(), self._last + TICK)
        return iso(self._last)

    def next_number(self, name: str) -> int:
        """1, 2, 3 … for each name, durable."""
        row = self.conn.execute(
            "INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name,),
        ).fetchone()
        return int(row[0])

    def new_id(self, prefix: str) -> str:
        """A fresh id such as cus_000001, stepping over ids that a data file brought."""
        return f"{prefix}_{self.next_number(prefix):06d}"

    def get(self, collection: str, record_id: str) -> Record | None:
        """The record, deleted or not, or None."""
        row = self.conn.execute(
            "SELECT body FROM record WHERE collection = ? AND id = ?", (collection, record_id)
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, collection: Collection, record: Record) -> None:
        """Insert or replace one record with its index rows."""
        live = is_live(record)
        cents_total, cents_balance = sums(collection, record) if live else (0, 0)
        self.conn.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (collection, id) DO UPDATE SET"
            " updated_at = excluded.updated_at, deleted = excluded.deleted, void = excluded.void,"
            " number = excluded.number, total = excluded.total, balance = excluded.balance, body = excluded.body",
            (
                collection.name,
                record["id"],
                record["updated_at"],
                record["deleted_at"] is not None,
                record.get("status") == "void",
                record.get("number"),
                cents_total,
                cents_balance,
                json.dumps(record, separators=(",", ":")),
            ),
        )
        self._index_references(collection, record)
        self._index_applied(collection, record if live else None, record["id"])

    def _index_references(self, collection: Collection, record: Record) -> None:
        rows = {(of, of_id, collection.name, record["id"]) for of, of_id, _ in references(collection, record)}
        source = (collection.name, record["id"])
        before = set(self.conn.execute("SELECT * FROM reference WHERE collection = ? AND id = ?", source))
        self.conn.executemany(
            "DELETE FROM reference WHERE of = ? AND of_id = ? AND collection = ? AND id = ?", before - rows
        )
        self.conn.executemany("INSERT INTO reference VALUES (?, ?, ?, ?)", rows - before)

    def _index_applied(self, collection: Collection, record: Record | None, record_id: str) -> None:
        if collection.allocates is None:
            return
        self.conn.execute("DELETE FROM applied WHERE collection = ? AND id = ?", (collection.name, record_id))
        for target_id, amount in allocations(collection, record).items():
            self.conn.execute(
                "INSERT INTO applied VALUES (?, ?, ?, ?, ?)",
                (collection.allocates.target, target_id, collection.name, record_id, cents(amount)),
            )

    def applied(self, target: str, target_id: str) -> Decimal:
        """Money that live payments and credit memos apply to a document."""
        (total,) = self.conn.execute(
            "SELECT coalesce(sum(cents), 0) FROM applied WHERE target = ? AND target_id = ?", (target, target_id)
        ).fetchone()
        return Decimal(total) / 100

    def appliers(self, target: str, target_id: str) -> list[str]:
        """Who applies money to a document, as `payments/pay_000001`."""
        rows = self.conn.execute(
            "SELECT collection, id FROM applied WHERE target = ? AND target_id = ?", (target, target_id)
        )
        return [f"{collection}/{record_id}" for collection, record_id in rows]

    def referrers(self, of: str, of_id: str, *, live_only: bool = True) -> list[tuple[str, str]]:
        """(collection, id) of the records that refer to this one; live ones unless told otherwise."""
        clause = " AND record.deleted = 0 AND record.void = 0" if live_only else ""
        return self.conn.execute(
            "SELECT record.collection, record.id FROM reference JOIN record ON record.collection = reference.collection"  # noqa: S608  # the clause is one of two constants
            f" AND record.id = reference.id WHERE of = ? AND of_id = ?{clause} ORDER BY 1, 2",
            (of, of_id),
        ).fetchall()

    def live_with_number(self, collection: str, number: str, but: str) -> str | None:
        """The id of another live record with this number."""
        row = self.conn.execute(
            "SELECT id FROM record WHERE collection = ? AND number = ? AND id <> ? AND deleted = 0 AND void = 0",
            (collection, number, but),
        ).fetchone()
        return None if row is None else str(row[0])

    def page(
        self, collection: str, after: tuple[str, str] | None, since: str | None, *, deleted: bool, limit: int
    ) -> list[tuple[str, str, str]]:
        """(updated_at, id, JSON) in (updated_at, id) order, strictly after `after`, from `since` on."""
        low, low_id = after or ("", "")
        return self.conn.execute(
            "SELECT updated_at, id, body FROM record WHERE collection = ? AND (updated_at, id) > (?, ?)"
            " AND updated_at >= ? AND deleted <= ? ORDER BY updated_at, id LIMIT ?",
            (collection, low, low_id, since or "", deleted, limit),
        ).fetchall()

    def live_ids(self, collection: str) -> list[str]:
        """The ids of all records that are not deleted, in order."""
        rows = self.conn.execute(
            "SELECT id FROM record WHERE collection = ? AND deleted = 0 ORDER BY id", (collection,)
        )
        return [record_id for (record_id,) in rows]

    def all_of(self, collection: str) -> Iterator[Record]:
        """Every record of a collection, for work at loading."""
        for (body,) in self.conn.execute("SELECT body FROM record WHERE collection = ?", (collection,)).fetchall():
            yield json.loads(body)

    def answered(self, key: str) -> tuple[str, str] | None:
        """(fingerprint, answer) stored under an idempotency key."""
        return self.conn.execute("SELECT fingerprint, answer FROM idempotency WHERE key = ?", (key,)).fetchone()  # type: ignore[no-any-return]  # sqlite3 rows are untyped

    def remember(self, key: str, fingerprint: str, answer: str) -> None:
        """Keep the answer of a create for its replays."""
        self.conn.execute("INSERT INTO idempotency VALUES (?, ?, ?)", (key, fingerprint, answer))

    def summary(self) -> dict[str, Any]:
        """{collection: {"count", "deleted", "sum_total", "sum_balance"}}; sums over live records."""
        rows = self.conn.execute(
            "SELECT collection, sum(1 - deleted), sum(deleted), sum(total), sum(balance) FROM record GROUP BY 1"
        )
        found = {row[0]: row[1:] for row in rows}
        return {one.name: summary_row(*found.get(one.name, (0, 0, 0, 0))) for one in DECLARED}


def summary_row(count: int, deleted: int, total: int, balance: int) -> Record:
    """One line of `/_sandbox/state`."""
    return {
        "count": count,
        "deleted": deleted,
        "sum_total": f"{Decimal(total) / 100:.2f}",
        "sum_balance": f"{Decimal(balance) / 100:.2f}",
    }


def is_live(record: Record) -> bool:
    """Neither deleted nor void."""
    return record["deleted_at"] is None and record.get("status") != "void"


def cents(amount: Decimal) -> int:
    """Exact cents."""
    return int(amount * 100)


def sums(collection: Collection, record: Record) -> tuple[int, int]:
    """(total, balance) in cents; for payments the amount and what of it is not applied."""
    if collection.totals is None:
        return 0, 0
    if collection.totals != "amount":
        return cents(amount_of(record, "total")), cents(amount_of(record, "balance"))
    used = sum(allocations(collection, record).values(), Decimal(0))
    return cents(amount_of(record)), cents(amount_of(record) - used)


def allocations(collection: Collection, record: Record | None) -> dict[str, Decimal]:
    """{target id: applied amount} of a payment or credit memo; empty for None."""
    rule = collection.allocates
    if rule is None or record is None:
        return {}
    return {entry[rule.key]: amount_of(entry) for entry in record[rule.field]}


def references(collection: Collection, record: Record) -> list[tuple[str, str, str]]:
    """(collection, id, path) of every reference in a record, in its lists too."""
    return [found for field in collection.fields for found in field_references(field, record.get(field.name), "")]


def field_references(field: Field, value: Any, prefix: str) -> list[tuple[str, str, str]]:
    """The references below one field."""
    path = prefix + field.name
    if field.kind == "ref" and field.of is not None and value is not None:
        return [(field.of, value, path)]
    if field.kind != "list":
        return []
    return [
        found
        for position, entry in enumerate(value or ())
        for inner in field.fields
        for found in field_references(inner, entry[inner.name], f"{path}[{position}].")
    ]


def collection_of(name: str) -> Collection:
    """A declared collection by its name."""
    return COLLECTIONS[name]
