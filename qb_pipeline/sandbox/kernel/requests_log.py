"""What clients asked and what they were answered, for tests and operators.

Invariant: `n` counts every request once, without gaps, even after old entries have left the bounded memory.

    log.record(method, path, status, realm=, key=, items=, at=None) -> n
    log.since(n)  -> {"requests": [{"n", "method", "path", "status", "realm", "key", "items", "at"}], "next": N}

`status` is 0 where the connection was closed without an answer (drop_before, drop_after). `items` is the number of
records written. Ask with the `next` of the previous answer to get only what is new; a restart begins again at 0.
"""

from collections import deque
from itertools import islice
from typing import Any

from qb_pipeline.sandbox.kernel.clock import Clock, iso

CAPACITY = 200_000
FIELDS = ("n", "method", "path", "status", "realm", "key", "items", "at")
Entry = tuple[int, str, str, int, str | None, str | None, int, str]


class RequestLog:
    """The newest `capacity` requests, in memory."""

    def __init__(self, clock: Clock, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._count = 0

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
        self._entries.append((self._count, method, path, status, realm, key, items, moment))
        return self._count

    def since(self, n: int) -> dict[str, Any]:
        """The requests numbered above `n` that are still in memory, oldest first."""
        oldest = self._count - len(self._entries)
        wanted = islice(self._entries, max(0, n - oldest), None)
        return {"requests": [dict(zip(FIELDS, entry, strict=True)) for entry in wanted], "next": self._count}
