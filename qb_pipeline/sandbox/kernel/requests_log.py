"""What clients asked and what they were answered, for tests and operators.

Invariant: `n` counts every request once, without gaps, even after old entries have left the bounded log, and memory
does not follow the number of requests: all but the newest few are in a temporary file that ends with the process.

    log.record(method, path, status, realm=, key=, items=, at=None) -> n
    log.since(n)  -> {"requests": [{"n", "method", "path", "status", "realm", "key", "items", "at"}], "next": N}

`status` is 0 where the connection was closed without an answer (drop_before, drop_after). `items` is the number of
records written. Ask with the `next` of the previous answer to get only what is new; a restart begins again at 0.
"""

import sqlite3
from typing import Any

from qb_pipeline.sandbox.kernel.clock import Clock, iso

CAPACITY = 200_000
IN_MEMORY = 500
FIELDS = ("n", "method", "path", "status", "realm", "key", "items", "at")
Entry = tuple[int, str, str, int, str | None, str | None, int, str]


class RequestLog:
    """The newest `capacity` requests."""

    def __init__(self, clock: Clock, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._fresh: list[Entry] = []
        self._count = 0
        # An empty name is SQLite's private temporary file, of which it keeps only the page cache in memory.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA cache_size=-1024")
        self._file.execute("PRAGMA temp_store=FILE")
        self._file.execute(
            "CREATE TABLE log (n INTEGER PRIMARY KEY, method TEXT, path TEXT, status INTEGER, realm TEXT, key TEXT,"
            " items INTEGER, at TEXT)"
        )

    def record(
        self,
        method: str,
        path: str,
        status: int,
        *,
        realm: str | None,
        key: str | None,
        items: int,
        at: str | None = None,
    ) -> int:
        """Add one request; `at` defaults to now. Returns its number (from 1)."""
        self._count += 1
        moment = at or iso(self._clock.now())
        self._fresh.append((self._count, method, path, status, realm, key, items, moment))
        if len(self._fresh) >= IN_MEMORY:
            self._spill()
        return self._count

    def _spill(self) -> None:
        """Move what is in memory to the file and forget what is beyond the capacity."""
        self._file.execute("BEGIN")
        self._file.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._fresh)
        self._file.execute("DELETE FROM log WHERE n <= ?", (self._count - self._capacity,))
        self._file.execute("COMMIT")
        self._fresh.clear()

    def since(self, n: int) -> dict[str, Any]:
        """The requests numbered above `n` that are still kept, oldest first."""
        self._spill()
        found = self._file.execute("SELECT * FROM log WHERE n > ? ORDER BY n", (n,))
        return {"requests": [dict(zip(FIELDS, entry, strict=True)) for entry in found], "next": self._count}
