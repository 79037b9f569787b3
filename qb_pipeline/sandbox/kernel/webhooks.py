"""Durable webhook subscriptions and a durable queue of outgoing events.

Invariant: an event enqueued in a committed transaction is delivered at least once to every subscription of that
moment, across restarts, unless the mode says otherwise or the receiver refused it to the end of the retries.

    Webhooks(conn, clock, render, formats=("legacy",), max_events=1, time_scale=lambda: 1.0)
    render(events, format) -> (body bytes, headers)    signs the body; gets at most `max_events` events
    webhooks.enqueue(event)                            inside the transaction of the change; any JSON object
    webhooks.subscribe(url, format) / .unsubscribe(url) / .subscriptions()
    webhooks.set_mode(mode) / .release() / .describe()
    await webhooks.run()                               the delivering task (Kernel.lifespan runs it)

Modes: `normal` delivers at once; `hold` keeps events until `release` (or another mode); `drop` loses them;
`duplicate` sends every request twice; `shuffle` gathers for a moment and sends one event a request in random order.
A receiver that does not answer 2xx within 3 seconds is tried again after 10 s, 20 s, 30 s, 5 min, 20 min, 2 h, 4 h
and 6 h, each divided by `time_scale()`; then the event is given up and counted as `failed`.
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

MODES = ("normal", "hold", "drop", "duplicate", "shuffle")
RETRY_SECONDS = (10, 20, 30, 300, 1200, 7200, 14_400, 21_600)
ANSWER_WITHIN_SECONDS = 3.0
SHUFFLE_GATHERS_SECONDS = 0.3
SECONDS_AFTER_A_DEFECT = 1.0
ROUND = 1000
LOG = logging.getLogger(__name__)
MODE_KEY, RELEASED_KEY = "webhook_mode", "webhook_released"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS subscription (id INTEGER PRIMARY KEY, url TEXT UNIQUE NOT NULL, format TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS outgoing (id INTEGER PRIMARY KEY AUTOINCREMENT, subscription INTEGER NOT NULL,"
    " event TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL)",
    "CREATE INDEX IF NOT EXISTS outgoing_due ON outgoing (subscription, due, id)",
)

Render = Callable[[list[dict[str, Any]], str], tuple[bytes, dict[str, str]]]
Row = tuple[int, str, int]


class Webhooks:
    """Subscriptions, queue and delivery of one sandbox server."""

    def __init__(
        self,
        conn: sqlite3.Connection,
        clock: Clock,
        render: Render,
        *,
        formats: Sequence[str] = ("legacy",),
        max_events: int = 1,
        time_scale: Callable[[], float] = lambda: 1.0,
    ) -> None:
        for statement in SCHEMA:
            conn.execute(statement)
        self._conn, self._clock, self._render = conn, clock, render
        self._formats, self._max_events, self._time_scale = tuple(formats), max_events, time_scale
        self._mode = get_meta(conn, MODE_KEY) or "normal"
        self._released = int(get_meta(conn, RELEASED_KEY) or 0)
        self._shuffler = random.Random(0)
        self._wake = asyncio.Event()
        self._workers: dict[int, asyncio.Task[None]] = {}
        self._counts = {"delivered": 0, "dropped": 0, "failed": 0}

    def subscribe(self, url: object, wanted: object = None) -> dict[str, str]:
        """Add a receiver, or change the format of a known one. ControlError 400 for a bad url or format."""
        chosen = self._formats[0] if wanted is None else wanted
        if chosen not in self._formats:
            known = ", ".join(self._formats)
            raise ControlError(f"format {wanted!r} is not spoken here; use one of {known}", field="format")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise ControlError(f"url must be an http(s) address, got {url!r}", field="url")
        self._conn.execute(
            "INSERT INTO subscription (url, format) VALUES (?, ?)"
            " ON CONFLICT (url) DO UPDATE SET format = excluded.format",
            (url, chosen),
        )
        return {"url": url, "format": str(chosen)}

    def unsubscribe(self, url: str) -> None:
        """Remove a receiver and what waits for it. ControlError 404 when it is unknown."""
        row = self._conn.execute("SELECT id FROM subscription WHERE url = ?", (url,)).fetchone()
        if row is None:
            raise ControlError(f"no subscription for {url}", field="url", status=404, code="not_found")
        with transaction(self._conn):
            self._conn.execute("DELETE FROM outgoing WHERE subscription = ?", row)
            self._conn.execute("DELETE FROM subscription WHERE id = ?", row)

    def subscriptions(self) -> list[dict[str, str]]:
        """Every receiver as {"url", "format"}."""
        rows = self._conn.execute("SELECT url, format FROM subscription ORDER BY id")
        return [{"url": url, "format": form} for url, form in rows]

    def enqueue(self, event: dict[str, Any]) -> None:
        """Queue one event for every receiver; call it in the transaction that makes the change."""
        receivers = self._conn.execute("SELECT id FROM subscription").fetchall()
        if self._mode == "drop":
            self._counts["dropped"] += len(receivers)
            return
        if not receivers:
            return
        text, due = json.dumps(event), self._now()
        self._conn.executemany(
            "INSERT INTO outgoing (subscription, event, due) VALUES (?, ?, ?)",
            [(receiver, text, due) for (receiver,) in receivers],
        )
        self._wake.set()

    def set_mode(self, mode: object) -> None:
        """Change how events are delivered, also those still waiting. ControlError 400 for an unknown mode."""
        if mode not in MODES:
            raise ControlError(f"deliver {mode!r} is unknown; use one of {', '.join(MODES)}", field="deliver")
        self._mode = str(mode)
        set_meta(self._conn, MODE_KEY, self._mode)
        if self._mode == "drop":
            self._counts["dropped"] += self._conn.execute("DELETE FROM outgoing").rowcount
        self._wake.set()

    def release(self) -> None:
        """Deliver what is held now; later events are held again while the mode is `hold`."""
        (newest,) = self._conn.execute("SELECT coalesce(max(id), 0) FROM outgoing").fetchone()
        self._released = max(self._released, newest)
        set_meta(self._conn, RELEASED_KEY, str(self._released))
        self._wake.set()

    def describe(self) -> dict[str, Any]:
        """{"deliver", "pending", "delivered", "dropped", "failed", "subscriptions"}; counts since the start."""
        (pending,) = self._conn.execute("SELECT count(*) FROM outgoing").fetchone()
        return {
            "deliver": self._mode,
            "pending": pending,
            **self._counts,
            "subscriptions": self.subscriptions(),
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
                await asyncio.sleep(SHUFFLE_GATHERS_SECONDS)
            for rows in self._chunks(self._due_rows(receiver)):
                await self._deliver(session, receiver, rows)
        except Exception:  # a defect of `render` must be seen, yet not end every delivery
            LOG.exception("webhook delivery to subscription %s broke; trying again", receiver)
            await asyncio.sleep(SECONDS_AFTER_A_DEFECT)
        finally:
            session.close()
            del self._workers[receiver]
            self._wake.set()

    def _due_rows(self, receiver: int) -> list[Row]:
        return self._conn.execute(
            "SELECT id, event, attempts FROM outgoing WHERE subscription = ? AND due <= ? AND id <= ?"
            " ORDER BY id LIMIT ?",
            (receiver, self._now(), self._limit(), ROUND),
        ).fetchall()

    def _chunks(self, rows: list[Row]) -> list[list[Row]]:
        if self._mode == "shuffle":
            self._shuffler.shuffle(rows)
            return [[row] for row in rows]
        size = self._max_events
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    async def _deliver(self, session: requests.Session, receiver: int, rows: list[Row]) -> None:
        found = self._conn.execute("SELECT url, format FROM subscription WHERE id = ?", (receiver,)).fetchone()
        if found is None:
            return
        body, headers = self._render([json.loads(event) for _, event, _ in rows], found[1])
        times = 2 if self._mode == "duplicate" else 1
        accepted = [await asyncio.to_thread(post, session, found[0], body, headers) for _ in range(times)]
        self._settle(rows, accepted=any(accepted))

    def _settle(self, rows: list[Row], *, accepted: bool) -> None:
        """Forget what was delivered or is past its last retry; put off the rest."""
        now = self._now()
        with transaction(self._conn):
            for row_id, _, attempts in rows:
                if accepted or attempts >= len(RETRY_SECONDS):
                    self._counts["delivered" if accepted else "failed"] += 1
                    self._conn.execute("DELETE FROM outgoing WHERE id = ?", (row_id,))
                else:
                    due = now + RETRY_SECONDS[attempts] / self._time_scale()
                    self._conn.execute(
                        "UPDATE outgoing SET attempts = ?, due = ? WHERE id = ?", (attempts + 1, due, row_id)
                    )

    def _limit(self) -> int:
        """The newest event that may leave."""
        return self._released if self._mode == "hold" else 2**62

    def _now(self) -> float:
        return self._clock.now().timestamp()


def post(session: requests.Session, url: str, body: bytes, headers: dict[str, str]) -> bool:
    """Whether the receiver answered 2xx in time; no redirect is followed."""
    try:
        answer = session.post(url, data=body, headers=headers, timeout=ANSWER_WITHIN_SECONDS, allow_redirects=False)
    except requests.RequestException:
        return False
    return 200 <= answer.status_code < 300
