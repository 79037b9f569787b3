"""Events on their way into the inbox, many deliveries in one transaction.

Invariant: whoever waits for `put` is told that it went well only after the commit that holds its events; deliveries
that come while a transaction runs share the next one, so that the time of a commit limits nobody's rate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from itertools import chain

import structlog
from sqlalchemy import Connection, Engine

from qb_pipeline.console.meters import Meters
from qb_pipeline.errors import RetryLater
from qb_pipeline.store import companies, inbox
from qb_pipeline.store.inbox import Event, InboxState

_MOST_WAITING = 1000  # deliveries
_MOST_AT_ONCE = 100
_log = structlog.get_logger(__name__)
_Delivery = tuple[Sequence[Event], "asyncio.Future[None]"]


class Storing:
    """The one writer of a process; `run` is its task, `put` may be called from any other of the same loop."""

    def __init__(self, engine: Engine, executor: Executor, meters: Meters) -> None:
        self._engine, self._executor, self._meters = engine, executor, meters
        self._waiting: asyncio.Queue[_Delivery | None] = asyncio.Queue()

    async def put(self, events: Sequence[Event]) -> None:
        """Store the events of one delivery; `RetryLater` when it is not certain that they are."""
        if not events:
            return
        if self._waiting.qsize() >= _MOST_WAITING:
            raise _later("overloaded", "More webhooks came in than can be stored.")
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((events, stored))
        await stored

    async def run(self) -> None:
        """Store until `stop` was called and everything before it is stored."""
        while (first := await self._waiting.get()) is not None:
            together = [first]
            while len(together) < _MOST_AT_ONCE and not self._waiting.empty():
                following = self._waiting.get_nowait()
                if following is None:
                    self._waiting.put_nowait(None)
                    break
                together.append(following)
            await self._store(together)

    def stop(self) -> None:
        self._waiting.put_nowait(None)

    async def _store(self, deliveries: Sequence[_Delivery]) -> None:
        events = list(chain.from_iterable(events for events, _ in deliveries))
        problem: RetryLater | None = None
        try:
            kept = await asyncio.get_running_loop().run_in_executor(self._executor, store, self._engine, events)
        except Exception as error:  # noqa: BLE001  # the one writer must outlive whatever one delivery does to it
            # The error's own text may quote what was to be stored.
            _log.error("console.not_stored", deliveries=len(deliveries), error=type(error).__name__)
            problem = _later("not_stored", "The database does not take webhooks.")
        else:
            self._count(events, kept)
        for _, stored in deliveries:
            with suppress(asyncio.InvalidStateError):  # whoever waited has given up
                stored.set_exception(problem) if problem else stored.set_result(None)

    def _count(self, events: Sequence[Event], kept: dict[str, tuple[int, int]]) -> None:
        for source, (new, unknown) in kept.items():
            came = sum(event.source == source for event in events)
            self._meters.duplicate.add(source, by=came - new)
            self._meters.unknown.add(source, by=unknown)


def store(engine: Engine, events: Sequence[Event]) -> dict[str, tuple[int, int]]:
    """Keep them in one transaction; per source how many were new, and how many of an unknown realm."""
    kept: dict[str, tuple[int, int]] = {}
    with engine.begin() as conn:
        found = _realms(conn, events)
        for source in sorted({event.source for event in events}):
            of_source = [_placed(event, found) for event in events if event.source == source]
            unknown = sum(event.state is InboxState.UNKNOWN for event in of_source)
            kept[source] = inbox.store(conn, of_source), unknown
    return kept


def _realms(conn: Connection, events: Sequence[Event]) -> dict[str, str]:
    """The companies of realms that were not known when the events were read; always looked up in this order, as two
    transactions that hold realms in different orders would wait for each other."""
    found = {}
    for realm_id in sorted(
        {event.realm_id for event in events if event.state is InboxState.UNKNOWN and event.realm_id}
    ):
        inbox.hold_realm(conn, realm_id)
        company = companies.by_realm(conn, realm_id)
        if company is not None:
            found[realm_id] = company.name
    return found


def _placed(event: Event, found: dict[str, str]) -> Event:
    if event.state is InboxState.UNKNOWN and event.realm_id in found:
        return replace(event, company=found[event.realm_id], state=InboxState.NEW)
    return event


def _later(code: str, cause: str) -> RetryLater:
    return RetryLater(cause, code=code, fix="Deliver it again: it is stored once, however often it comes.")
