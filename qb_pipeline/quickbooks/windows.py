"""Sliding windows over calls of which only sending and answer are seen, never the arrival that the server counts.

Invariant: a call that took longer than its like is taken to have arrived that much later, and one that is still under
way later still: a slow network or a busy server never lets more calls arrive in a window than its limit.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

_REMEMBERED = 20  # answered calls of a kind, of which the fastest shows what an answer takes without any delay


@dataclass(eq=False)
class Slot:
    """One call. `at` is when it is taken to have arrived, in seconds of the throttle's clock; `usual` is what its kind
    takes undelayed."""

    at: float
    usual: float = 0.0
    under_way: bool = False

    def latest(self, now: float) -> float:
        """When it may have arrived, seen from now."""
        return max(self.at, now - self.usual) if self.under_way else self.at


class Window:
    """At most `limit` arrivals within any `seconds`."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._slots: list[Slot] = []

    def wait(self, now: float, ahead: int = 0) -> float:
        """Seconds until another start fits after `ahead` others."""
        ends = self._ends(now)
        leaving = min(len(ends) + ahead + 1 - self._limit, len(ends))
        return ends[leaving - 1] - now if leaving > 0 else 0.0

    def room(self, now: float) -> int:
        """How many starts fit now."""
        return self._limit - len(self._ends(now))

    def add(self, slot: Slot) -> None:
        self._slots.append(slot)

    def _ends(self, now: float) -> list[float]:
        """When each call that counts now will count no more, soonest first."""
        self._slots = [s for s in self._slots if s.under_way or s.at + self._seconds > now]
        return sorted(end for s in self._slots if (end := s.latest(now) + self._seconds) > now)


class Usual:
    """What calls of each kind take when nothing delays them, learned from the latest ones."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))

    def of(self, kind: str) -> float:
        return min(self._seconds[kind], default=0.0)

    def learn(self, kind: str, seconds: float) -> None:
        self._seconds[kind].append(seconds)
