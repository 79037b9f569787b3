"""Staying inside Intuit's limits for one realm, so that a 429 is an accident and not the way of working.

Invariant: in no sliding window do more calls arrive than the limit allows, however many threads share the throttle and
however late a call arrives.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Self

from qb_pipeline.quickbooks.clock import Clock, SystemClock
from qb_pipeline.quickbooks.windows import Slot, Usual, Window

Lane = Literal["request", "batch"]

PENALTY = 60.0  # seconds Intuit asks for after a 429 without Retry-After
_DOUBLINGS = 6  # after which any pause is a minute
_FEELING = 1.0  # seconds of the first pause where nobody knows the server's limits
_MARGIN = 1.005  # windows are this much longer here than there, for clocks that don't run alike


@dataclass(frozen=True)
class Limits:
    """Calls allowed per realm; None lifts a limit. `scale` makes time pass that much faster (a scaled sandbox).

    `jitter` is how many seconds (never scaled) a call may arrive later than the next ones and still be counted right: a
    429 costs a minute, a tenth of a second in each window costs nothing that the limit of the minute would allow.
    `pause` is how many seconds the first 429 without Retry-After closes both lanes; each further one in a row doubles
    that, up to Intuit's minute.
    """

    per_minute: int | None = 500
    per_second: int | None = 10
    batches_per_minute: int | None = 40
    scale: float = 1.0
    jitter: float = 0.1
    pause: float = PENALTY

    @classmethod
    def unlimited(cls, scale: float = 1.0) -> Self:
        """No limits of our own, for a server of unknown ones: how long its 429s last is felt out."""
        return cls(None, None, None, scale, pause=_FEELING)


class Throttle:
    """The limits of one realm, shared by all threads of a process; a second process on the realm has its own windows
    and both would be answered 429.

    A batch counts as one request and once more as a batch. It carries thirty times as much, so a batch that waits only
    for a request's slot goes before the single requests.
    """

    def __init__(self, limits: Limits | None = None, clock: Clock | None = None) -> None:
        self.limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._closed_until = float("-inf")
        self._refusals = 0  # 429s in a row
        self._claims: Counter[Lane] = Counter()
        self._batches_ahead = 0
        self._usual = Usual()
        self._shared = [*self._window(self.limits.per_minute, 60), *self._window(self.limits.per_second, 1)]
        self._own: dict[Lane, list[Window]] = {
            "request": [],
            "batch": self._window(self.limits.batches_per_minute, 60),
        }

    def _window(self, limit: int | None, seconds: float) -> list[Window]:
        return [] if limit is None else [Window(limit, seconds * _MARGIN / self.limits.scale + self.limits.jitter)]

    def try_acquire(self, lane: Lane = "request") -> bool:
        """Take a slot if one is free now; never waits."""
        with self._lock:
            return isinstance(self._take_or_wait(lane), Slot)

    def acquire(self, lane: Lane = "request", *, claimed: bool = False) -> Slot:
        """Take a slot, sleeping until one is free; a claim of it ends in the same moment."""
        ahead = 0
        try:
            while not isinstance(found := self._attempt(lane, claimed=claimed), Slot):
                if lane == "batch" and not ahead:
                    ahead = self._go_ahead(1)
                self._clock.sleep(found)
            return found
        finally:
            self._go_ahead(-ahead)

    @contextmanager
    def under_way(self, slot: Slot, kind: str) -> Iterator[None]:
        """Around the exchange of a call: notes when it may have arrived."""
        with self._lock:
            slot.at, slot.usual, slot.under_way = self._clock.monotonic(), self._usual.of(kind), True
        try:
            yield
        finally:
            with self._lock:
                slot.at, slot.under_way = slot.latest(self._clock.monotonic()), False

    def learn(self, kind: str, seconds: float) -> None:
        """A call of this kind was carried out and took so long."""
        with self._lock:
            self._usual.learn(kind, seconds)

    def claim(self, lane: Lane) -> bool:
        """Set aside a slot of the lane's own limit for a call still to be prepared; False when none is free."""
        with self._lock:
            free = self._room(lane) > 0
            self._claims[lane] += free
            return free

    def unclaim(self, lane: Lane) -> None:
        """Give back a claim that comes to nothing."""
        with self._lock:
            self._claims[lane] -= 1

    def room(self, lane: Lane) -> float:
        """Slots of the lane's own limit that are free now and not claimed; infinite without a limit."""
        with self._lock:
            return self._room(lane)

    def until_room(self, lane: Lane) -> float:
        """Seconds until a slot of the lane's own limit is free, as things stand."""
        with self._lock:
            now = self._clock.monotonic()
            return max((each.wait(now, self._claims[lane]) for each in self._own[lane]), default=0.0)

    def penalise(self, seconds: float | None = None) -> None:
        """Close both lanes for `seconds` (what Retry-After said), or for the limits' pause in scaled time.

        Refusals that arrive while the lanes are closed are of the same moment and don't make the pause grow.
        """
        with self._lock:
            now = self._clock.monotonic()
            self._refusals += now >= self._closed_until
            grown = min(PENALTY, self.limits.pause * 2.0 ** min(self._refusals - 1, _DOUBLINGS)) / self.limits.scale
            self._closed_until = max(self._closed_until, now + (grown if seconds is None else seconds))

    def passed(self) -> None:
        """A call was not refused: the next refusal is the first of its row again."""
        with self._lock:
            if self._clock.monotonic() >= self._closed_until:
                self._refusals = 0

    def _go_ahead(self, change: int) -> int:
        with self._lock:
            self._batches_ahead += change
        return change

    def _attempt(self, lane: Lane, *, claimed: bool) -> Slot | float:
        with self._lock:
            found = self._take_or_wait(lane)
            self._claims[lane] -= claimed and isinstance(found, Slot)
            return found

    def _room(self, lane: Lane) -> float:
        now = self._clock.monotonic()
        return min((each.room(now) for each in self._own[lane]), default=math.inf) - self._claims[lane]

    def _take_or_wait(self, lane: Lane) -> Slot | float:
        """The slot, or the seconds until trying again makes sense."""
        now = self._clock.monotonic()
        ahead = min(self._batches_ahead, self._open_batches(now)) if lane == "request" else 0
        waits = [each.wait(now, ahead) for each in self._shared] + [each.wait(now) for each in self._own[lane]]
        wait = max([self._closed_until - now, *waits])
        if wait > 0.0:
            return wait
        slot = Slot(now)
        for each in (*self._shared, *self._own[lane]):
            each.add(slot)
        return slot

    def _open_batches(self, now: float) -> int:
        """How many of the waiting batches have a free slot of their own limit."""
        return min((each.room(now) for each in self._own["batch"]), default=self._batches_ahead)
