"""Reading positions: how far a stream has been read, and what of it is still owed a second look.

Invariant: a position never passes something that was not stored. Reading starts `OVERLAP` before the position, because
clocks differ and late commits carry early times. After a run that wrote very much itself, the window of its own writes
is not read again at once but put down as a debt, which later runs pay off a few pages at a time: so the cost of a run
does not grow with what the run before it wrote, and still everything is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

OVERLAP = timedelta(minutes=5)
MANY_OWN_WRITES = 500
PAGES_PER_RUN = 2


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
    """Everything changed before `read_to` has been stored, but for the debts."""

    read_to: datetime
    overlap: timedelta = OVERLAP
    debts: tuple[Debt, ...] = ()

    @property
    def since(self) -> datetime:
        """Where the next reading starts."""
        return self.read_to - self.overlap

    def advanced(self, read_to: datetime) -> Position:
        return replace(self, read_to=max(self.read_to, read_to), overlap=OVERLAP)

    def past_own_writes(self, own: list[datetime]) -> Position:
        """Move behind the run's own writes (their times in the written system), owing the window they lie in."""
        if len(own) < MANY_OWN_WRITES:
            return self
        until = max(own)
        debt = Debt(min(self.since, *own), until)
        return Position(until, timedelta(seconds=1), (*self.debts, debt))

    def to_json(self) -> dict[str, Any]:
        return {
            "read_to": self.read_to.isoformat(),
            "overlap_seconds": int(self.overlap.total_seconds()),
            "debts": [d.to_json() for d in self.debts],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Position:
        return cls(
            datetime.fromisoformat(stored["read_to"]),
            timedelta(seconds=stored["overlap_seconds"]),
            tuple(Debt.from_json(d) for d in stored["debts"]),
        )
