"""Match candidates that a person has to decide.

Invariant: a decision once taken is never reopened by the matcher proposing the same pair again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from qb_pipeline.store import tables
from qb_pipeline.store.engine import utcnow

_candidate = tables.candidate
CERTAIN, IMPOSSIBLE = Decimal(1), Decimal(0)
BY_HAND, UNLINKED = "person", "unlinked"  # classes of pairs that a person decided about, or whose link was taken back


class Decision(StrEnum):
    OPEN = "open"
    LINKED = "linked"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Proposal:
    """A possible pair: `match_class` is exact, strong or weak, `score` in 0…1, `evidence` any JSON."""

    entity: str
    contractor_id: str
    quickbooks_id: str
    match_class: str
    score: Decimal
    evidence: Any = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate(Proposal):
    """A proposal as stored."""

    id: int = 0
    company: str = ""
    decision: Decision = Decision.OPEN
    created_at: datetime | None = None
    decided_at: datetime | None = None


def propose(conn: Connection, company: str, proposals: Sequence[Proposal], now: datetime | None = None) -> int:
    """Store pairs for review; an open pair takes the new score, a decided one stays. Returns how many are open."""
    if not proposals:
        return 0
    rows = [_stored_form(company, p, now or utcnow()) for p in proposals]
    statement = insert(_candidate)
    taken = statement.excluded
    upsert = statement.on_conflict_do_update(
        index_elements=["company", "entity", "contractor_id", "quickbooks_id"],
        set_={"class": taken["class"], "score": taken.score, "evidence": taken.evidence},
        where=_candidate.c.decision == Decision.OPEN.value,
    )
    return len(conn.scalars(upsert.returning(_candidate.c.id), rows).all())


def _stored_form(company: str, proposal: Proposal, now: datetime) -> dict[str, Any]:
    return {
        "company": company,
        "entity": proposal.entity,
        "contractor_id": proposal.contractor_id,
        "quickbooks_id": proposal.quickbooks_id,
        "class": proposal.match_class,
        "score": proposal.score,
        "evidence": proposal.evidence,
        "created_at": now,
    }


def decide(conn: Connection, company: str, candidate_id: int, decision: Decision, now: datetime | None = None) -> bool:
    """Record a person's decision; False where there is no such open candidate."""
    statement = update(_candidate).where(
        _candidate.c.company == company,
        _candidate.c.id == candidate_id,
        _candidate.c.decision == Decision.OPEN.value,
    )
    return conn.execute(statement.values(decision=decision.value, decided_at=now or utcnow())).rowcount == 1


def settle(conn: Connection, company: str, pair: Proposal, decision: Decision, now: datetime | None = None) -> None:
    """Keep a person's decision about a pair, whether it was proposed before or not; a later one takes its place."""
    at = now or utcnow()
    row = {**_stored_form(company, pair, at), "decision": decision.value, "decided_at": at}
    upsert = insert(_candidate).on_conflict_do_update(
        index_elements=["company", "entity", "contractor_id", "quickbooks_id"],
        set_={"decision": decision.value, "decided_at": at, "class": pair.match_class},
    )
    conn.execute(upsert, [row])


def withdraw(conn: Connection, company: str, entity: str, keep: set[tuple[str, str]]) -> int:
    """Forget open pairs of (contractor id, quickbooks id) that are not in `keep`: nobody is to be asked for what has
    settled itself. Decisions stay. Returns how many were withdrawn."""
    stale = [c.id for c in listing(conn, company, entity=entity) if (c.contractor_id, c.quickbooks_id) not in keep]
    return conn.execute(delete(_candidate).where(_candidate.c.id.in_(stale))).rowcount if stale else 0


def listing(
    conn: Connection, company: str, *, entity: str | None = None, decision: Decision | None = Decision.OPEN
) -> list[Candidate]:
    """Candidates, best score first; every decision when `decision` is None."""
    asked = {"company": company, "entity": entity, "decision": decision.value if decision else None}
    rows = conn.execute(_narrowed(frozenset(k for k, v in asked.items() if v is not None)), asked)
    return [_read(row) for row in rows.mappings()]


@cache  # every run asks this of every entity; making the statement costs more than its answer
def _narrowed(given: frozenset[str]) -> Select[Any]:
    mine = [_candidate.c[name] == bindparam(name) for name in sorted(given)]
    return select(_candidate).where(*mine).order_by(_candidate.c.score.desc(), _candidate.c.id)


def rejected_pairs(conn: Connection, company: str, entity: str) -> set[tuple[str, str]]:
    """(contractor id, quickbooks id) of pairs a person has said are different."""
    rejected = listing(conn, company, entity=entity, decision=Decision.REJECTED)
    return {(c.contractor_id, c.quickbooks_id) for c in rejected}


def kept_apart(conn: Connection, company: str, entity: str) -> set[tuple[str, str]]:
    """As `rejected_pairs`, but only those of which a person said in so many words that they are two."""
    rejected = listing(conn, company, entity=entity, decision=Decision.REJECTED)
    return {(c.contractor_id, c.quickbooks_id) for c in rejected if c.match_class == BY_HAND}


def _read(row: Mapping[Any, Any]) -> Candidate:
    values = dict(row)
    match_class = values.pop("class")
    return Candidate(**{**values, "match_class": match_class, "decision": Decision(values["decision"])})
