"""Staying inside Intuit's limits for one realm, so that a 429 is an accident and not the way of working.

Invariant: in no sliding window do more calls start than the limit allows, however many threads share the throttle.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal, Self

from qb_pipeline.quickbooks.clock import Clock, SystemClock

Lane = Literal["request", "batch"]

PENALTY = 60.0  # seconds Intuit asks for after a 429 without Retry-After
_MARGIN = 1.02  # windows are this much longer here than there, for clocks that don't run alike


@dataclass(frozen=True)
class Limits:
    """Calls allowed per realm; None lifts a limit. `scale` makes time pass that much faster (a scaled sandbox).

    `jitter` is how many seconds (never scaled) a call may arrive later than the next ones and still be counted right: a
    429 costs a minute, a tenth of a second in each window costs nothing that the limit of the minute would allow.
    """

    per_minute: int | None = 500
    per_second: int | None = 10
    batches_per_minute: int | None = 40
    scale: float = 1.0
    jitter: float = 0.1

    @classmethod
    def unlimited(cls, scale: float = 1.0) -> Self:
        return cls(None, None, None, scale)


class _Window:
    """At most `limit` starts within any `seconds`."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.seconds = seconds
        self._starts: deque[float] = deque(maxlen=limit)

    def wait(self, now: float) -> float:
        """Seconds until another start fits."""
        if len(self._starts) < (self._starts.maxlen or 0):
            return 0.0
        return max(0.0, self._starts[0] + self.seconds - now)

    def start(self, now: float) -> None:
        self._starts.append(now)  # a full deque drops its oldest start, which has left the window by then


class Throttle:
    """The limits of one realm, shared by all threads of a process.

    A batch counts as one request and once more as a batch.
    """

    def __init__(self, limits: Limits | None = None, clock: Clock | None = None) -> None:
        self.limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._closed_until = float("-inf")
        shared = [*self._window(self.limits.per_minute, 60), *self._window(self.limits.per_second, 1)]
        self._lanes: dict[Lane, list[_Window]] = {
            "request": shared,
            "batch": [*shared, *self._window(self.limits.batches_per_minute, 60)],
        }

    def _window(self, limit: int | None, seconds: float) -> list[_Window]:
        return [] if limit is None else [_Window(limit, seconds * _MARGIN / self.limits.scale + self.limits.jitter)]

    def try_acquire(self, lane: Lane = "request") -> bool:
        """Take a slot if one is free now; never waits."""
        return self._take_or_wait(lane) == 0.0

    def acquire(self, lane: Lane = "request") -> None:
        """Take a slot, sleeping until one is free."""
        while (wait := self._take_or_wait(lane)) > 0.0:
            self._clock.sleep(wait)

    def penalise(self, seconds: float | None = None) -> None:
        """Close both lanes for `seconds` (what Retry-After said), or for Intuit's minute in scaled time."""
        pause = PENALTY / self.limits.scale if seconds is None else seconds
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock.monotonic() + pause)

    def _take_or_wait(self, lane: Lane) -> float:
        """0.0 when the slot was taken, otherwise the seconds until trying again makes sense."""
        with self._lock:
            now = self._clock.monotonic()
            windows = self._lanes[lane]
            wait = max([self._closed_until - now, *(each.wait(now) for each in windows)])
            if wait > 0.0:
                return wait
            for each in windows:
                each.start(now)
            return 0.0
