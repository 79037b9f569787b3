"""A thin SQLite layer: one connection, explicit transactions, a key/value table.

Invariant: what a client was answered survives SIGKILL. With WAL and synchronous=NORMAL every COMMIT has reached the
operating system before the answer leaves; only a power cut of the machine could lose it.

    conn = open_database(Path("state.db"))      # None: a temporary file, gone with the process
    with transaction(conn): conn.execute(...)   # BEGIN IMMEDIATE … COMMIT, ROLLBACK on an exception
    get_meta(conn, "key") -> str | None;  set_meta(conn, "key", "value")

Transactions nest: an inner one is a savepoint, so a failing item of a batch undoes only itself.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def open_database(path: Path | None) -> sqlite3.Connection:
    """Open (and create) the state file; `None` takes a temporary one that ends with the process. Rows are tuples."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    # The connection is built before the event loop runs and may be handed to a server thread once.
    conn = sqlite3.connect(path or "", isolation_level=None, check_same_thread=False, timeout=5)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=NORMAL")
    conn.execute("PRAGMA cache_size=-65536")
    conn.execute("PRAGMA temp_store=MEMORY")
    conn.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    return conn


@contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing; nested calls become savepoints."""
    begin, commit, undo = (
        ("SAVEPOINT inner_step", "RELEASE inner_step", ("ROLLBACK TO inner_step", "RELEASE inner_step"))
        if conn.in_transaction
        else ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
    )
    conn.execute(begin)
    try:
        yield conn
    except BaseException:
        for statement in undo:
            conn.execute(statement)
        raise
    conn.execute(commit)


def get_meta(conn: sqlite3.Connection, key: str) -> str | None:
    """The stored value, or None when the key was never set."""
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(conn: sqlite3.Connection, key: str, value: str) -> None:
    """Store or replace one value; outside a transaction it is durable at once."""
    conn.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))


def add_columns(conn: sqlite3.Connection, table: str, wanted: dict[str, str]) -> None:
    """Give a table of an older state file the columns it lacks: {name: declaration}."""
    present = {row[1] for row in conn.execute(f"PRAGMA table_info({table})")}
    for name, declaration in wanted.items():
        if name not in present:
            conn.execute(f"ALTER TABLE {table} ADD COLUMN {declaration}")
