"""Where the time between a webhook and its change on the other side went, by what Dagster and the inbox noted.

Invariant: the parts of a change add up to its latency, because each begins where the one before ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from dagster import DagsterEventType, DagsterInstance
from sqlalchemy import Engine, select

from qb_pipeline.defs.instance import prepare
from qb_pipeline.defs.readings import read_hinted
from qb_pipeline.settings import settings
from qb_pipeline.store import tables
from qb_pipeline.store.embedded import database_url
from qb_pipeline.store.engine import make_engine
from qb_pipeline_tests.benchmarks.latency_changes import Change

TOTAL = "webhook answered to change on the other side"
PARTS = (
    "waiting for the sensor",
    "waiting in the queue",
    "launching the run (process, imports)",
    "opening the session, reading",
    "comparing, writing",
)


class Notes:
    """The inbox and Dagster's event log of one home."""

    def __init__(self, engine: Engine, instance: DagsterInstance) -> None:
        self._engine, self._instance = engine, instance

    def quiet(self) -> bool:
        """Whether every event that came in was looked at."""
        inbox = tables.inbox
        with self._engine.connect() as conn:
            return not conn.execute(select(inbox.c.id).where(inbox.c.state.in_(("new", "taken"))).limit(1)).all()

    def parts(self, change: Change) -> dict[str, float] | None:
        """Seconds by part and in all; None where something other than the webhook's own run brought the change."""
        received, run_id = self._event(change)
        seen = change.seen
        if seen is None or received is None:
            return None
        moments = self._moments(run_id) if run_id else {}
        marks = [received, *(moments.get(name) for name in ("enqueued", "launched", "started", "read")), seen]
        told = [mark for mark in marks if mark is not None]
        total = {TOTAL: (seen - received).total_seconds()}
        if len(told) < len(marks) or told != sorted(told):
            return total
        spans = zip(PARTS, told, told[1:], strict=False)
        return total | {name: (after - before).total_seconds() for name, before, after in spans}

    def all_parts(self, changes: Iterable[Change]) -> list[dict[str, float]]:
        """As `parts`, for several."""
        return [found for change in changes if (found := self.parts(change))]

    def runs(self) -> int:
        """How many runs there were."""
        return self._instance.get_runs_count()

    def _event(self, change: Change) -> tuple[datetime | None, str | None]:
        """When the first webhook of a change was stored, and the run that looked at it."""
        inbox = tables.inbox
        statement = (
            select(inbox.c.received_at, inbox.c.run_id)
            .where(
                inbox.c.source == change.side,
                inbox.c.record_id == change.record_id,
                inbox.c.received_at >= change.made,
            )
            .order_by(inbox.c.id)
            .limit(1)
        )
        with self._engine.connect() as conn:
            row = conn.execute(statement).first()
        return (row[0], row[1]) if row else (None, None)

    def _moments(self, run_id: str) -> Mapping[str, datetime]:
        found: dict[str, datetime] = {}
        for entry in self._instance.all_logs(run_id):
            name = _NAMES.get(entry.dagster_event.event_type) if entry.dagster_event else None
            if name == "read" and entry.step_key != read_hinted.name:
                continue
            if name is not None:
                found.setdefault(name, datetime.fromtimestamp(entry.timestamp, UTC))
        return found


_NAMES = {
    DagsterEventType.RUN_ENQUEUED: "enqueued",
    DagsterEventType.RUN_STARTING: "launched",
    DagsterEventType.RUN_START: "started",
    DagsterEventType.STEP_SUCCESS: "read",
}


@contextmanager
def notes(home: Path, environment: Mapping[str, str]) -> Iterator[Notes]:
    """The notes of the stack whose home and environment these are."""
    given = {k.removeprefix("QB_").lower(): v for k, v in environment.items() if k.startswith("QB_")}
    current = settings(**{**given, "home": home})
    engine = make_engine(database_url(current))
    prepare(current)
    try:
        with DagsterInstance.get() as instance:
            yield Notes(engine, instance)
    finally:
        engine.dispose()


def together(found: Sequence[Mapping[str, float]], name: str) -> list[float]:
    """All values of one part."""
    return [each[name] for each in found if name in each]
