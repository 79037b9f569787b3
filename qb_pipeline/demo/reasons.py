"""Why the pipeline left a record as it is, in its own words: exceptions, candidates, the sync log.

Invariant: a reason is something the pipeline told a person; a record without one counts as unexplained.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection

from qb_pipeline.entities.spec import Side as Where
from qb_pipeline.store import exceptions, sync_log
from qb_pipeline.store.exceptions import Reported

_WAITING = ("skipped", "parked", "review")
_EVERYTHING = 1_000_000
_REVIEW = "Decide whether they are the same: qb-pipeline review list, then link or reject."


@dataclass(frozen=True)
class Reason:
    """`kind` is exception, parked, review or skipped; `fix` is empty where nothing needs to be done."""

    kind: str
    cause: str
    fix: str = ""


class Reasons:
    """The reasons of one company, by entity, side and native id."""

    def __init__(self, conn: Connection, company: str) -> None:
        self.exceptions: list[Reported] = exceptions.listing(conn, company)
        self._of: defaultdict[tuple[str, Where, str], list[Reason]] = defaultdict(list)
        for found in self.exceptions:
            self._of[found.entity, found.side, found.record_id].append(Reason("exception", found.cause, found.fix))
        for entry in sync_log.recent(conn, company, limit=_EVERYTHING):
            if entry.action in _WAITING and entry.record_id is not None:
                why = str(entry.detail.get("why", entry.action))
                fix = _REVIEW if entry.action == "review" else ""
                self._of[entry.entity, entry.side, entry.record_id].append(Reason(entry.action, why, fix))

    def of(self, entity: str, contractor_id: str | None, quickbooks_id: str | None) -> Reason | None:
        """The best reason for a record under either of its ids: an exception before a line of the log."""
        found = [
            reason
            for where, native in ((Where.QUICKBOOKS, quickbooks_id), (Where.CONTRACTOR, contractor_id))
            if native is not None
            for reason in self._of.get((entity, where, native), [])
        ]
        return min(found, key=lambda reason: reason.kind != "exception", default=None)

    def all(self, entity: str, native: str) -> list[Reason]:
        """Every reason under one native id of either side."""
        return [r for where in Where for r in self._of.get((entity, where, native), [])]
