"""Counting the requests a connector sends.

Invariant: every request that leaves is counted once, from whichever thread it leaves.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock


class CallCounter:
    """A thread-safe count of requests by kind (list, get, create, update, void, delete, find)."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, kind: str) -> None:
        with self._lock:
            self._counts[kind] += 1

    def __getitem__(self, kind: str) -> int:
        with self._lock:
            return self._counts[kind]

    def total(self) -> int:
        with self._lock:
            return self._counts.total()

    def snapshot(self) -> dict[str, int]:
        """A copy of the counts so far."""
        with self._lock:
            return dict(self._counts)
