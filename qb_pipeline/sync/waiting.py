"""Everything that waits, since when and why, in one listing.

Invariant: whatever is owed and not written is in it: passing faults before their next attempt or at rest, writes whose
outcome is not known, records that need a person, records that wait for others, and what is left alone on request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import candidates, exceptions, journal, staging
from qb_pipeline.store.exceptions import ExceptionState, Reported
from qb_pipeline.store.journal import Phase, Write
from qb_pipeline.sync import problems, refusals
from qb_pipeline.sync.blockers import some
from qb_pipeline.sync.context import label
from qb_pipeline.sync.owing import many

KINDS = ("retrying", "dead", "unanswered", "open", "parked", "review", "ignored")
_KIND_OF_STATE = {
    ExceptionState.OPEN: "open",
    ExceptionState.RETRYING: "retrying",
    ExceptionState.DEAD: "dead",
    ExceptionState.IGNORED: "ignored",
}


@dataclass(frozen=True)
class Waiting:
    """One thing that waits. `since` and `next_attempt_at` are timezone-aware; `number` is the exception's, if any,
    and `fix` what `who` can do about it."""

    kind: str
    entity: str
    side: Side
    record: str
    since: datetime | None
    why: str
    next_attempt_at: datetime | None = None
    attempts: int | None = None
    number: int | None = None
    fix: str | None = None
    who: str | None = None

    def document(self) -> dict[str, Any]:
        return {**vars(self), "side": self.side.value}


def waiting(conn: Connection, company: str) -> list[Waiting]:
    """What waits of a company, by kind, the longest waiting first."""
    listed = exceptions.listing(conn, company)
    open_rows = [r for r in journal.open_rows(conn, company) if r.phase is not Phase.PLANNED]
    found = [_unanswered(conn, company, r, listed) for r in open_rows]
    answered = {_key(r) for r in open_rows}
    found += [_excepted(e) for e in listed if not (e.retry_safe and (e.entity, e.side, e.record_id) in answered)]
    found += [w for e in listed for w in _parked(e)]
    found += [_review(conn, company, c) for c in candidates.listing(conn, company)]
    return sorted(found, key=lambda w: (KINDS.index(w.kind), str(w.since or "")))


def held_back(one: Reported) -> str:
    """How many records an exception holds back, and the first of them; empty where its cause names them all."""
    names = [str(name) for name in one.blocks]
    if all(name in one.cause for name in names):
        return ""
    return f"{many(len(names), 'record')} {'waits' if len(names) == 1 else 'wait'} for it: {some(names)}."


def _key(row: Write) -> tuple[str, Side, str]:
    return (row.entity, *problems.key_of_row(row))


def _excepted(one: Reported) -> Waiting:
    return Waiting(
        _KIND_OF_STATE[one.state], one.entity, one.side, one.record_label or one.record_id, one.first_seen, one.cause,
        one.next_attempt_at, one.attempts, one.id, one.fix, one.who,
    )  # fmt: skip


def _unanswered(conn: Connection, company: str, row: Write, listed: list[Reported]) -> Waiting:
    entity, side, record_id = _key(row)
    passing = (e for e in listed if e.retry_safe)
    known = next((e for e in passing if (e.entity, e.side, e.record_id) == (entity, side, record_id)), None)
    staged = staging.fetch(conn, company, side, entity, [record_id]).get(record_id)
    name = label(ENTITIES[entity], staged.record.values) if staged else f"{ENTITIES[entity].title} {record_id}"
    what = "was answered unreadably" if row.phase is Phase.ANSWERED else "has no answer yet; it is asked for again"
    why = f"The {row.operation.value} in {refusals.system(row.side)} {what} under the same key."
    if known is None:
        return Waiting("unanswered", entity, row.side, name, row.sent_at or row.planned_at, why)
    return Waiting(
        "unanswered", entity, row.side, name, row.sent_at or row.planned_at, f"{why} {known.cause}",
        known.next_attempt_at, known.attempts, known.id, known.fix, known.who,
    )  # fmt: skip


def _parked(one: Reported) -> list[Waiting]:
    why = f"{one.title}." if one.record_id.startswith("*") else f"Waits for {one.record_label}."
    return [
        Waiting("parked", one.entity, one.side, str(name), one.first_seen, why, number=one.id) for name in one.blocks
    ]


def _review(conn: Connection, company: str, one: candidates.Candidate) -> Waiting:
    entity = ENTITIES[one.entity]
    staged = staging.fetch(conn, company, Side.CONTRACTOR, entity.name, [one.contractor_id]).get(one.contractor_id)
    name = label(entity, staged.record.values) if staged else f"{entity.title} {one.contractor_id}"
    why = (
        f"May be the same as record {one.quickbooks_id} of QuickBooks (score {one.score:.2f}): qb-pipeline review list."
    )
    return Waiting("review", entity.name, Side.CONTRACTOR, name, one.created_at, why)
