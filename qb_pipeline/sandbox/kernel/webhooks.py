"""A durable queue of outgoing webhook events, delivered until they are accepted.

Invariant: an event enqueued in a committed transaction is delivered at least once to every subscription of that
moment, across restarts, unless the mode, a fault on order or the end of a disabled subscription says otherwise; and
what was lost, doubled, delayed or shuffled on order is counted.

    Webhooks(conn, clock, render, formats=("legacy",), max_events=1, time_scale=lambda: 1.0, fate=...)
    render(events, format) -> (body bytes, headers)    signs the body; gets at most `max_events` events
    fate(entity, operation) -> Fate                    draws the webhook faults (faults.py)
    webhooks.enqueue(event, entity=, operation=)       inside the transaction of the change; any JSON object (what the
                                                       faults match on is taken from the event where not given)
    webhooks.subscriptions                             see subscriptions.py
    webhooks.configure(deliver=, aggregate_seconds=, disable_after_seconds=) / .release() / .describe()
    await webhooks.run()                               the delivering task (Kernel.lifespan runs it)
    await webhooks.deliver_due()                       one delivery of what is due, where nobody runs that task

Modes: `normal` delivers at once; `hold` keeps events until `release` (or another mode); `drop` loses them;
`duplicate` sends every request twice; `shuffle` gathers for a moment and sends one event a request in random order.

`aggregate_seconds` (default 0) gathers events that long before they leave together, as Intuit does for up to five
minutes. A receiver that does not answer 2xx within 3 seconds is tried again after 10 s, 20 s, 30 s, 5 min, 20 min, 2 h,
4 h, 6 h and then every 6 h. Gathering (to shuffle, too) and retries are divided by `time_scale()`. A receiver that
accepted nothing for `disable_after_seconds` (default seven days, on the same scale; null: never) is disabled: what
waits for it is given up and counted as `failed`, and later events are not queued for it until somebody subscribes it
again.
"""

import asyncio
import json
import logging
import random
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import requests

from qb_pipeline.sandbox.kernel.clock import Clock
from qb_pipeline.sandbox.kernel.database import get_meta, set_meta, transaction
from qb_pipeline.sandbox.kernel.errors import ControlError
from qb_pipeline.sandbox.kernel.faults import Fate
from qb_pipeline.sandbox.kernel.subscriptions import Subscriptions

MODES = ("normal", "hold", "drop", "duplicate", "shuffle")
RETRY_SECONDS = (10, 20, 30, 300, 1200, 7200, 14_400, 21_600)
# No source says how long Intuit waits before it gives an endpoint up; a week is long enough to be noticed.
DISABLE_AFTER_SECONDS = 7 * 86_400.0
ANSWER_WITHIN_SECONDS = 3.0
SHUFFLE_GATHERS_SECONDS = 0.3
SECONDS_AFTER_A_DEFECT = 1.0
ROUND = 1000
LOG = logging.getLogger(__name__)
MODE_KEY, RELEASED_KEY = "webhook_mode", "webhook_released"
AGGREGATE_KEY, DISABLE_KEY = "webhook_aggregate_seconds", "webhook_disable_after_seconds"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS outgoing (id INTEGER PRIMARY KEY AUTOINCREMENT, subscription INTEGER NOT NULL,"
    " event TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL)",
    "CREATE INDEX IF NOT EXISTS outgoing_due ON outgoing (subscription, due, id)",
)
ON_ORDER = ("lost", "doubled", "delayed", "shuffled")

Render = Callable[[list[dict[str, Any]], str], tuple[bytes, dict[str, str]]]
Row = tuple[int, str, int]


def no_fault(_entity: str | None, _operation: str | None) -> Fate:
    """Nothing happens to the event."""
    return Fate()


class Webhooks:
    """Queue and delivery of one sandbox server."""

    def __init__(
        self,
        conn: sqlite3.Connection,
        clock: Clock,
        render: Render,
        *,
        formats: Sequence[str] = ("legacy",),
        max_events: int = 1,
        time_scale: Callable[[], float] = lambda: 1.0,
        fate: Callable[[str | None, str | None], Fate] = no_fault,
    ) -> None:
        for statement in SCHEMA:
            conn.execute(statement)
        self.subscriptions = Subscriptions(conn, tuple(formats))
        self._conn, self._clock, self._render, self._fate = conn, clock, render, fate
        self._max_events, self._time_scale = max_events, time_scale
        self._mode = get_meta(conn, MODE_KEY) or "normal"
        self._released = int(get_meta(conn, RELEASED_KEY) or 0)
        self._aggregate = float(get_meta(conn, AGGREGATE_KEY) or 0)
        self._disable_after = json.loads(get_meta(conn, DISABLE_KEY) or json.dumps(DISABLE_AFTER_SECONDS))
        self._shuffler = random.Random(0)
        self._wake = asyncio.Event()
        self._workers: dict[int, asyncio.Task[None]] = {}
        self._counts = dict.fromkeys(("delivered", "dropped", "refused", "failed", *ON_ORDER), 0)

    def enqueue(self, event: dict[str, Any], *, entity: str | None = None, operation: str | None = None) -> None:
        """Queue one event for every receiver; call it in the transaction that makes the change."""
        receivers = self.subscriptions.live()
        if self._mode == "drop":
            self._counts["dropped"] += len(receivers)
            return
        if not receivers:
            return
        text = json.dumps(event)
        for receiver in receivers:
            fate = self._fate(entity or event.get("entity"), operation or event.get("operation"))
            for name in ON_ORDER:
                self._counts[name] += int(getattr(fate, name))
            if not fate.lost:
                row = (receiver, text, self._first_due(receiver) + fate.delay)
                self._conn.executemany(
                    "INSERT INTO outgoing (subscription, event, due) VALUES (?, ?, ?)", [row] * (1 + fate.doubled)
                )
        self._wake.set()

    def _first_due(self, receiver: int) -> float:
        """When an event of this moment leaves: now, or with those that are being gathered."""
        now = self._now()
        if not self._aggregate:
            return now
        (gathering,) = self._conn.execute(
            "SELECT min(due) FROM outgoing WHERE subscription = ? AND due > ? AND attempts = 0", (receiver, now)
        ).fetchone()
        latest = now + self._aggregate / self._time_scale()
        return latest if gathering is None else min(float(gathering), latest)

    def configure(self, **wanted: object) -> None:
        """Change `deliver`, `aggregate_seconds`, `disable_after_seconds`; ControlError 400 and no change when wrong."""
        checked = {name: SETTINGS[name](value) for name, value in wanted.items()}
        if "aggregate_seconds" in checked:
            self._aggregate = checked["aggregate_seconds"]
            set_meta(self._conn, AGGREGATE_KEY, repr(self._aggregate))
        if "disable_after_seconds" in checked:
            self._disable_after = checked["disable_after_seconds"]
            set_meta(self._conn, DISABLE_KEY, json.dumps(self._disable_after))
        if checked.get("deliver") is not None:
            self._set_mode(checked["deliver"])
        self._wake.set()

    def _set_mode(self, mode: str) -> None:
        """Change how events are delivered, also those still waiting."""
        self._mode = mode
        set_meta(self._conn, MODE_KEY, mode)
        if mode == "drop":
            self._counts["dropped"] += self._conn.execute("DELETE FROM outgoing").rowcount

    def release(self) -> None:
        """Deliver what is held now; later events are held again while the mode is `hold`."""
        (newest,) = self._conn.execute("SELECT coalesce(max(id), 0) FROM outgoing").fetchone()
        self._released = max(self._released, newest)
        set_meta(self._conn, RELEASED_KEY, str(self._released))
        self._wake.set()

    def counts(self) -> dict[str, int]:
        """Events still waiting; since the start: delivered, dropped, refused at a try, given up, and the faults."""
        (pending,) = self._conn.execute("SELECT count(*) FROM outgoing").fetchone()
        return {"pending": pending, **self._counts}

    def describe(self) -> dict[str, Any]:
        """Mode, settings, counts and subscriptions."""
        return {
            "deliver": self._mode,
            "aggregate_seconds": self._aggregate,
            "disable_after_seconds": self._disable_after,
            **self.counts(),
            "subscriptions": self.subscriptions.all(),
        }

    def wake(self) -> None:
        """Look again at what is due (after the clock was moved)."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled, one worker a receiver, so that a dead one holds up nobody else."""
        try:
            while True:
                self._wake.clear()
                for receiver in self._receivers_due():
                    if receiver not in self._workers:
                        self._workers[receiver] = asyncio.create_task(self._work(receiver))
                await self._sleep_until_due()
        finally:
            for worker in self._workers.values():
                worker.cancel()

    async def _sleep_until_due(self) -> None:
        # A due receiver whose worker is busy must not keep this loop spinning: its worker wakes us when it ends.
        (due,) = self._conn.execute(
            "SELECT min(due) FROM outgoing WHERE id <= ? AND subscription NOT IN (SELECT value FROM json_each(?))",
            (self._limit(), json.dumps(list(self._workers))),
        ).fetchone()
        timeout = None if due is None else max(0.0, due - self._now())
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            return

    def _receivers_due(self) -> list[int]:
        rows = self._conn.execute(
            "SELECT DISTINCT subscription FROM outgoing WHERE due <= ? AND id <= ?", (self._now(), self._limit())
        )
        return [receiver for (receiver,) in rows]

    async def _work(self, receiver: int) -> None:
        session = requests.Session()
        try:
            if self._mode == "shuffle":
                await asyncio.sleep(SHUFFLE_GATHERS_SECONDS / self._time_scale())
            await self._round(session, receiver)
        except Exception:  # a defect of `render` must be seen, yet not end every delivery
            LOG.exception("webhook delivery to subscription %s broke; trying again", receiver)
            await asyncio.sleep(SECONDS_AFTER_A_DEFECT)
        finally:
            session.close()
            del self._workers[receiver]
            self._wake.set()

    async def deliver_due(self) -> None:
        """Deliver once what is due now: for a server inside another program, where nobody runs `run`."""
        with requests.Session() as session:
            for receiver in self._receivers_due():
                await self._round(session, receiver)

    async def _round(self, session: requests.Session, receiver: int) -> None:
        for rows in self._chunks(self._due_rows(receiver)):
            await self._deliver(session, receiver, rows)

    def _due_rows(self, receiver: int) -> list[Row]:
        return self._conn.execute(
            "SELECT id, event, attempts FROM outgoing WHERE subscription = ? AND due <= ? AND id <= ?"
            " ORDER BY due, id LIMIT ?",
            (receiver, self._now(), self._limit(), ROUND),
        ).fetchall()

    def _chunks(self, rows: list[Row]) -> list[list[Row]]:
        if self._mode == "shuffle":
            self._shuffler.shuffle(rows)
            return [[row] for row in rows]
        size = self._max_events
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    async def _deliver(self, session: requests.Session, receiver: int, rows: list[Row]) -> None:
        found = self.subscriptions.find(receiver)
        if found is None:
            return
        body, headers = self._render([json.loads(event) for _, event, _ in rows], found[1])
        times = 2 if self._mode == "duplicate" else 1
        self._counts["doubled"] += len(rows) * (times - 1)
        self._counts["shuffled"] += len(rows) * (self._mode == "shuffle")
        accepted = [await asyncio.to_thread(post, session, found[0], body, headers) for _ in range(times)]
        with transaction(self._conn):
            if any(accepted):
                self._forget(receiver, rows)
            else:
                self._put_off(receiver, rows)

    def _forget(self, receiver: int, rows: list[Row]) -> None:
        self._counts["delivered"] += len(rows)
        self._conn.executemany("DELETE FROM outgoing WHERE id = ?", [(row_id,) for row_id, _, _ in rows])
        self.subscriptions.accepted(receiver)

    def _put_off(self, receiver: int, rows: list[Row]) -> None:
        """Try again later, or give the receiver up when it has accepted nothing for too long."""
        now, scale = self._now(), self._time_scale()
        self._counts["refused"] += len(rows)
        failing = self.subscriptions.refused(receiver, now)
        if self._disable_after is not None and failing >= self._disable_after / scale:
            self._counts["failed"] += self.subscriptions.disable(receiver)
            return
        self._conn.executemany(
            "UPDATE outgoing SET attempts = attempts + 1, due = ? WHERE id = ?",
            [(now + retry_seconds(attempts) / scale, row_id) for row_id, _, attempts in rows],
        )

    def _limit(self) -> int:
        """The newest event that may leave."""
        return self._released if self._mode == "hold" else 2**62

    def _now(self) -> float:
        return self._clock.now().timestamp()


def retry_seconds(attempts: int) -> int:
    """How long to wait after so many failed retries; the last interval goes on for ever."""
    return RETRY_SECONDS[min(attempts, len(RETRY_SECONDS) - 1)]


def known_mode(value: object) -> str | None:
    """One of MODES; None changes nothing."""
    if value is not None and value not in MODES:
        raise ControlError(f"deliver {value!r} is unknown; use one of {', '.join(MODES)}", field="deliver")
    return None if value is None else str(value)


def gathering(value: object) -> float:
    """Seconds from 0 to a day."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86_400:
        raise ControlError(f"aggregate_seconds must be from 0 to 86400, got {value!r}", field="aggregate_seconds")
    return float(value)


def patience(value: object) -> float | None:
    """Seconds above 0, or None for ever."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1e10:
        message = f"disable_after_seconds must be above 0, or null for never, got {value!r}"
        raise ControlError(message, field="disable_after_seconds")
    return float(value)


SETTINGS: dict[str, Callable[[object], Any]] = {
    "deliver": known_mode,
    "aggregate_seconds": gathering,
    "disable_after_seconds": patience,
}


def post(session: requests.Session, url: str, body: bytes, headers: dict[str, str]) -> bool:
    """Whether the receiver answered 2xx in time; no redirect is followed."""
    try:
        answer = session.post(url, data=body, headers=headers, timeout=ANSWER_WITHIN_SECONDS, allow_redirects=False)
    except requests.RequestException:
        return False
    return 200 <= answer.status_code < 300
