"""Reading positions: how far a stream has been read, and what of it is still owed a second look.

Invariant: a position never passes something that was not stored, and so never the moment at which the reading's answer
was given, neither by the system's clock nor by ours; a time of change that lies later is an error and moves nothing. A
position found in the future tells nothing of what was read, and everything is read again. Reading starts `OVERLAP`
before the position, because clocks differ and late commits carry early times. Where very much lies in that overlap (a
first sync's own writes, an import), it is not read again at once but put down as a debt, which later runs pay off a few
pages at a time: so the cost of a run does not grow with what happened just before it, and still everything is read. A
dry run moves no position: the next reading begins where it would have begun without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import cursors
from qb_pipeline.sync.context import Context

OVERLAP = timedelta(minutes=5)
MUCH = 500  # records in the overlap from which on they become a debt
PAGES_PER_RUN = 2


def earlier(ours: datetime, theirs: datetime | None) -> datetime:
    """Of the two clocks' times the earlier one; ours, where the system told none."""
    return ours if theirs is None else min(ours, theirs)


def put_down(ctx: Context, conn: Connection, side: Side, stream: str, position: Position) -> None:
    """Store how far a stream was read; not in a dry run."""
    if not ctx.dry:
        cursors.put(conn, ctx.company, side, stream, position.to_json())


@dataclass(frozen=True)
class Debt:
    """A window still to be read again: from `since` to `until`, the next page being `page`."""

    since: datetime
    until: datetime
    page: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"since": self.since.isoformat(), "until": self.until.isoformat(), "page": self.page}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Debt:
        since, until = datetime.fromisoformat(stored["since"]), datetime.fromisoformat(stored["until"])
        return cls(since, until, stored.get("page"))


@dataclass(frozen=True)
class Position:
    """Everything changed before `read_to` has been stored, but for the debts. What lies before `floor` is stored or a
    debt, so the overlap does not reach behind it."""

    read_to: datetime
    floor: datetime | None = None
    debts: tuple[Debt, ...] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None, now: datetime) -> Position | None:
        """The stored position; None where nothing was read yet, or where it lies further in the future than the overlap
        makes good."""
        position = cls.from_json(stored) if stored else None
        return None if position is None or position.read_to > now + OVERLAP else position

    @property
    def since(self) -> datetime:
        """Where the next reading starts."""
        start = self.read_to - OVERLAP
        return start if self.floor is None else max(start, self.floor)

    def advanced(self, read_to: datetime) -> Position:
        return replace(self, read_to=max(self.read_to, read_to))

    def behind(self, busy: int, until: datetime | None) -> Position:
        """Move behind the overlap when `busy` records lie in it, the newest of them changed at `until`."""
        if busy < MUCH or until is None:
            return self
        debt = Debt(self.since, until)
        return Position(max(self.read_to, until), until, (*self.debts, debt))

    def to_json(self) -> dict[str, Any]:
        return {
            "read_to": self.read_to.isoformat(),
            "floor": self.floor.isoformat() if self.floor else None,
            "debts": [d.to_json() for d in self.debts],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Position:
        floor = stored.get("floor")
        return cls(
            datetime.fromisoformat(stored["read_to"]),
            datetime.fromisoformat(floor) if floor else None,
            tuple(Debt.from_json(d) for d in stored["debts"]),
        )
