"""What a company still owes: how far each reading lags behind, and what has not arrived where it should.

Invariant: whatever waits is told with since when and why, named as people name it, never by an id alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.store.attempts import MAX_ATTEMPTS
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline.store.measures import Measures, OpenWrite, Resting
from qb_pipeline.sync.context import label
from qb_pipeline.sync.reading.positions import Position

_CHANGES = "changes"  # QuickBooks' one stream of all entities
_SYSTEMS = {Side.QUICKBOOKS: "QuickBooks", Side.CONTRACTOR: "the contractor's system"}
_PHASES = {
    "planned": "it was planned and not sent yet",
    "sent": "it was sent and no answer came",
    "answered": "its answer came and is not settled yet",
}


@dataclass(frozen=True)
class Lag:
    """How long ago a side was last read for an entity; `debts` are windows still to be read again."""

    side: Side
    entity: str
    behind: timedelta
    debts: int = 0


@dataclass(frozen=True)
class Owed:
    """One thing that has not arrived; `kind` is write, or the state of an exception."""

    kind: Literal["write", "open", "retrying", "dead"]
    what: str
    since: datetime
    why: str
    fix: str
    who: str


def lags(m: Measures, now: datetime) -> list[Lag]:
    """Per side and entity, in the order of writing; what was never read has none."""
    return [lag for side in Side for entity in ENTITIES.values() for lag in _lag(m, side, entity, now)]


def _lag(m: Measures, side: Side, entity: Entity, now: datetime) -> Iterator[Lag]:
    stream = entity.name if side is Side.CONTRACTOR else _CHANGES
    if side is Side.QUICKBOOKS and not entity.quickbooks_object:
        return
    value, moved = m.cursors.get((side, stream), (None, now))
    if not isinstance(value, dict) or "read_to" not in value:
        return
    position = Position.from_json(value)
    # The contractor's position is the time of its newest record: it was read when the position was put down.
    read = moved if side is Side.CONTRACTOR else position.read_to
    yield Lag(side, entity.name, max(now - read, timedelta(0)), len(position.debts))


def oldest(m: Measures) -> list[Owed]:
    """Unsettled writes and waiting exceptions, the oldest first."""
    found = [_of_write(w) for w in m.oldest_writes] + [_of_exception(e) for e in m.oldest_exceptions]
    return sorted(found, key=lambda owed: owed.since)


def _of_write(write: OpenWrite) -> Owed:
    entity = ENTITIES.get(write.entity)
    named = label(entity, write.values) if entity else write.entity
    what = f"{write.operation.value.capitalize()} of {named} in {_SYSTEMS[write.side]}"
    return Owed("write", what, write.planned_at, _PHASES[write.phase], "The next run settles it.", "nobody")


def _of_exception(resting: Resting) -> Owed:
    entity = ENTITIES.get(resting.entity)
    what = resting.record_label or (entity.title if entity else resting.entity)
    why = resting.cause
    if resting.state is not ExceptionState.OPEN:
        why = f"{why} ({resting.attempts} of {MAX_ATTEMPTS} attempts)"
    kind: Any = resting.state.value
    return Owed(kind, what, resting.first_seen, why, resting.fix, resting.who)


def span(length: timedelta) -> str:
    """A duration for a person: "3 days", "5 hours", "12 minutes"."""
    minutes = max(int(length.total_seconds() // 60), 0)
    days, hours = minutes // 1440, minutes // 60
    if days >= 2:
        return f"{days} days"
    return f"{hours} hours" if hours >= 2 else many(minutes, "minute")


def many(count: int, noun: str) -> str:
    """The count and the noun, in the plural where it is not one."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
