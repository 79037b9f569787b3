"""Two lanes of writes to QuickBooks, batches and single requests, that take their work from one queue.

Invariant: a write is taken once, by one lane; how it travels is journalled in the commit that says it leaves, before
the request; a batch that left before leaves again with the same items, bIds and key.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from qb_pipeline.errors import PipelineError, Reconnect, RetryLater
from qb_pipeline.quickbooks.throttle import Throttle
from qb_pipeline.quickbooks.windows import Slot
from qb_pipeline.sync.ports import Answered, Listener, Sendable

BATCH = 30
# Requests under way at once: with one more QuickBooks' old limit of ten at a time would be full.
BATCHES_AT_ONCE = 4
SINGLES_AT_ONCE = 5
_NOTED_TOGETHER = 10  # single requests for one commit: one for each would be slower than Intuit's limits
_SILENCES = 3  # unanswered requests in a row after which the server counts as down

Group = Sequence[Sendable]


class Exchange(Protocol):
    """Sends one batch, or one write alone, in the throttle's slot if it is taken already."""

    def __call__(self, group: Group, slot: Slot | None = None) -> list[Answered]: ...


class Queue:
    """Work for both lanes: `fresh` writes, which either may take, and those that `left` before, which stay in theirs.

    A batch is handed out only with a claim to a slot of the batch limit. Singles are handed out only of what the batch
    limit can't carry now: a run that fits into it is a handful of batches, and both lanes of a long one end together.
    """

    def __init__(self, throttle: Throttle, fresh: Group = (), left: Group = ()) -> None:
        self._throttle = throttle
        self._fresh = deque(fresh)
        self._batches = deque(_batches_in(left))
        self._singles = deque(item for item in left if item.batch_key is None)
        self._changed = threading.Condition()
        self._stopped = False

    def workers(self) -> tuple[int, int]:
        """How many threads can be busy with batches, and how many with singles."""
        batches = len(self._batches) + math.ceil(len(self._fresh) / BATCH)
        singles = len(self._singles) + (len(self._fresh) if self._beyond_batches() else 0)
        return min(batches, BATCHES_AT_ONCE), min(singles, SINGLES_AT_ONCE)

    def next_batch(self) -> Group:
        """Items of one batch with their slots, and the claim taken; waits for it. Empty when there is no more."""
        with self._changed:
            while (self._batches or self._fresh) and not self._stopped:
                if taken := self.batch_now():
                    return taken
                self._changed.wait(self._throttle.until_room("batch"))
        return ()

    def next_singles(self) -> Group:
        """A few items that travel alone; waits while all that is left is for batches. Empty when there is no more."""
        with self._changed:
            while (self._singles or self._fresh) and not self._stopped:
                if taken := self.singles_now():
                    return taken
                self._changed.wait()  # only somebody else's taking changes that
        return ()

    def batch_now(self) -> Group:
        """As `next_batch`, but empty where it would have to wait."""
        with self._changed:
            if not (self._batches or self._fresh) or not self._throttle.claim("batch"):
                return ()
            self._changed.notify_all()
            return self._batches.popleft() if self._batches else together(_some(self._fresh, BATCH))

    def singles_now(self) -> Group:
        """As `next_singles`, but empty where it would have to wait."""
        with self._changed:
            if not self._singles and not self._beyond_batches():
                return ()
            self._changed.notify_all()
            return _some(self._singles or self._fresh, _NOTED_TOGETHER)

    def stop(self) -> None:
        """Hand out nothing any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _beyond_batches(self) -> bool:
        return len(self._fresh) > BATCH * self._throttle.room("batch")


class Lanes:
    """Empties one queue. Its threads share the knowledge that the server is down, or that nobody may write any more."""

    def __init__(self, queue: Queue, throttle: Throttle, exchange: Exchange, listener: Listener) -> None:
        self._queue = queue
        self._throttle = throttle
        self._exchange = exchange
        self._listener = listener
        self._lock = threading.Lock()
        self._silences = 0
        self._fatal: PipelineError | None = None

    def run(self) -> None:
        """Send everything; raises what makes all further sending pointless, and whatever the listener raised."""
        batches, singles = self._queue.workers()
        lanes: list[Callable[[], None]] = [self._batches] * batches + [self._singles] * singles
        if not lanes:
            return
        with ThreadPoolExecutor(len(lanes), thread_name_prefix="quickbooks") as pool:
            ends = [pool.submit(self._until_stopped, lane) for lane in lanes]
        for end in ends:
            end.result()
        if self._fatal is not None:
            raise self._fatal

    def _until_stopped(self, lane: Callable[[], None]) -> None:
        try:
            lane()
        except BaseException:
            self._queue.stop()
            raise

    def _batches(self) -> None:
        while group := self._queue.next_batch():
            if group[0].batch_key is None:  # a batch of one is none
                self._throttle.unclaim("batch")
                self._alone(group)
            else:
                self._leave_claimed(group)
                self._listener.answered(self._one(group, self._throttle.acquire("batch", claimed=True)))

    def _leave_claimed(self, group: Group) -> None:
        try:
            self._listener.leaving(group)
        except BaseException:
            self._throttle.unclaim("batch")
            raise

    def _singles(self) -> None:
        while some := self._queue.next_singles():
            self._alone(some)

    def _alone(self, some: Group) -> None:
        self._listener.leaving(some)
        self._listener.answered([answer for item in some for answer in self._one([item])])

    def _one(self, group: Group, slot: Slot | None = None) -> list[Answered]:
        try:
            self._listener.may_leave()
            answers = self._exchange(group, slot)
        except PipelineError as error:
            self._note(error)
            return [Answered(item, error=error) for item in group]
        with self._lock:
            self._silences = 0
        return answers

    def _note(self, error: PipelineError) -> None:
        with self._lock:
            self._silences += isinstance(error, RetryLater)
            if isinstance(error, Reconnect) or self._silences >= _SILENCES:
                self._fatal = error
                self._queue.stop()


def together(items: Group) -> Group:
    """The items as one batch: its key follows from theirs, their bIds are their places. One item travels alone."""
    if len(items) == 1:
        return items
    key = hashlib.blake2b("|".join(item.key for item in items).encode(), digest_size=15).hexdigest()
    return [replace(item, batch_key=key, bid=str(n)) for n, item in enumerate(items)]


def _batches_in(items: Group) -> list[Group]:
    found: dict[str, list[Sendable]] = {}
    for item in items:
        if item.batch_key is not None:
            found.setdefault(item.batch_key, []).append(item)
    return list(found.values())


def _some(items: deque[Sendable], most: int) -> list[Sendable]:
    return [items.popleft() for _ in range(min(most, len(items)))]
