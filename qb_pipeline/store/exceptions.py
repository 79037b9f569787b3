"""Exceptions: every record that could not be kept in agreement, with its cause, its fix and who can apply it.

Invariant: one unresolved row per (company, entity, side, record, code) however often it fails, and the same failure
with the same inputs is not tried again unchanged once it rests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from random import random
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    Text,
    any_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import tables
from qb_pipeline.store.attempts import asks_anew, next_state, next_wait
from qb_pipeline.store.engine import among, utcnow
from qb_pipeline.store.reported import UNRESOLVED, ExceptionState, Problem, Reported

__all__ = [
    "UNRESOLVED", "ExceptionState", "Problem", "Reported", "counts", "due", "get", "ignore", "listing", "of_records",
    "report", "resolve", "retry",
]  # fmt: skip
_exception = tables.exception
_OWN_ID = re.compile(r"(errors (?:resolve|ignore) )ID\b")


def report(conn: Connection, company: str, problems: Sequence[Problem], now: datetime | None = None) -> list[int]:
    """Open an exception for each problem, or count one more attempt on the unresolved one; returns ids in order.

    A retry-safe problem is tried again with backoff and becomes dead at `MAX_ATTEMPTS`; changed inputs (another
    fingerprint) start the count anew and wake a dead or ignored one, and so does a record that an ignored one blocks
    and nobody was told of. What is ignored stays ignored otherwise. A question about other versions than those asked
    about is a new one, under an id of its own.
    """
    at = now or utcnow()
    latest = {_key(company, vars(problem)): problem for problem in problems}
    if not latest:
        return []
    known = _unresolved(conn, company, problems)
    rows = [_row(company, problem, known.get(key), at) for key, problem in latest.items()]
    _close(conn, company, [e.id for key, e in known.items() if key in latest and asks_anew(latest[key], e)], at)
    statement = insert(_exception)
    upsert = statement.on_conflict_do_update(
        index_elements=_KEY,
        # Written out: where the server plans a statement once for all parameters, it can't tell that the index serves.
        index_where=_exception.c.state != literal_column(f"'{ExceptionState.RESOLVED.value}'"),
        set_={name: statement.excluded[name] for name in rows[0].keys() - {"first_seen", *_KEY}},
    )
    stored = conn.execute(upsert.returning(_exception.c.id, *(_exception.c[name] for name in _KEY)), rows)
    ids = {_key(company, row): row["id"] for row in stored.mappings()}
    return [ids[_key(company, vars(problem))] for problem in problems]


_KEY = ("company", "entity", "side", "record_id", "code")


def _key(company: str, values: Mapping[Any, Any]) -> tuple[str, ...]:
    return tuple({**values, "company": company}[name] for name in _KEY)


def _unresolved(conn: Connection, company: str, problems: Sequence[Problem]) -> dict[tuple[str, ...], Reported]:
    statement = select(_exception).where(
        _exception.c.company == company,
        among(_exception.c.record_id, {problem.record_id for problem in problems}),
        _exception.c.state != ExceptionState.RESOLVED.value,
    )
    rows = conn.execute(statement.with_for_update()).mappings()
    return {_key(company, row): _read(row) for row in rows}


def _row(company: str, problem: Problem, existing: Reported | None, now: datetime) -> dict[str, Any]:
    attempts, state = next_state(problem, existing)
    waits = state is ExceptionState.RETRYING
    return {
        **_stored_form(problem),
        "blocks": list(problem.blocks) or (list(existing.blocks) if existing else []),  # what waits outlasts a new try
        "company": company,
        "record_label": problem.record_label or (existing.record_label if existing else None),
        "attempts": attempts,
        "state": state.value,
        "next_attempt_at": now + next_wait(attempts, random()) if waits else None,
        "first_seen": existing.first_seen if existing else now,
        "last_seen": now,
    }


def _close(conn: Connection, company: str, ids: Sequence[int], at: datetime) -> None:
    if ids:
        mine = update(_exception).where(_exception.c.company == company, among(_exception.c.id, ids))
        conn.execute(mine.values(state=ExceptionState.RESOLVED.value, resolved_at=at, next_attempt_at=None))


def _stored_form(problem: Problem) -> dict[str, Any]:
    return {
        "entity": problem.entity,
        "side": problem.side.value,
        "record_id": problem.record_id,
        "record_label": problem.record_label,
        "code": problem.code,
        "title": problem.title,
        "cause": problem.cause,
        "fix": problem.fix,
        "who": problem.who,
        "retry_safe": problem.retry_safe,
        "blocks": list(problem.blocks),
        "fingerprint": problem.fingerprint,
        "run_id": problem.run_id,
    }


def resolve(
    conn: Connection,
    company: str,
    entity: str,
    side: Side,
    record_ids: Iterable[str],
    codes: Iterable[str] | None = None,
    now: datetime | None = None,
    *,
    but: Iterable[str] = (),
) -> int:
    """Close the unresolved exceptions of records that agree now (only of `codes`, if given, and none of `but`).

    Returns how many.
    """
    wanted = list(record_ids)
    if not wanted:
        return 0
    statement = update(_exception).where(
        _exception.c.company == company,
        _exception.c.entity == entity,
        _exception.c.side == side.value,
        among(_exception.c.record_id, wanted),
        _exception.c.state != ExceptionState.RESOLVED.value,
    )
    if codes is not None:
        statement = statement.where(among(_exception.c.code, codes))
    if left := list(but):
        statement = statement.where(_exception.c.code.not_in(left))
    closed = {"state": ExceptionState.RESOLVED.value, "resolved_at": now or utcnow(), "next_attempt_at": None}
    return conn.execute(statement.values(closed)).rowcount


def retry(
    conn: Connection,
    company: str,
    ids: Iterable[int] | None = None,
    now: datetime | None = None,
    *,
    codes: Iterable[str] | None = None,
) -> int:
    """Have unresolved exceptions (all of the company's when `ids` and `codes` are None) tried in the next run, counted
    from nought.

    The fingerprint is forgotten, so that unchanged inputs are no reason to leave them.
    """
    statement = update(_exception).where(
        _exception.c.company == company, _exception.c.state != ExceptionState.RESOLVED.value
    )
    if ids is not None:
        statement = statement.where(among(_exception.c.id, ids))
    if codes is not None:
        statement = statement.where(among(_exception.c.code, codes))
    again = case(
        (_exception.c.retry_safe, literal(ExceptionState.RETRYING.value)), else_=literal(ExceptionState.OPEN.value)
    )
    due = {"state": again, "attempts": 0, "next_attempt_at": now or utcnow(), "fingerprint": None}
    return conn.execute(statement.values(due)).rowcount


def ignore(conn: Connection, company: str, ids: Iterable[int]) -> int:
    """Leave unresolved exceptions alone until their inputs change or they block more; returns how many."""
    statement = update(_exception).where(
        _exception.c.company == company,
        among(_exception.c.id, ids),
        _exception.c.state != ExceptionState.RESOLVED.value,
    )
    known = _exception.c.told_blocks
    told = case((known.contains(_exception.c.blocks), known), else_=known.concat(_exception.c.blocks))
    left = {"state": ExceptionState.IGNORED.value, "next_attempt_at": None, "told_blocks": told}
    return conn.execute(statement.values(left)).rowcount


def due(conn: Connection, company: str, now: datetime | None = None) -> list[Reported]:
    """Open and retrying exceptions whose time has come, the longest waiting first."""
    statement = select(_exception).where(
        _exception.c.company == company,
        _exception.c.state.in_([ExceptionState.OPEN.value, ExceptionState.RETRYING.value]),
        _exception.c.next_attempt_at <= (now or utcnow()),
    )
    return [_read(r) for r in conn.execute(statement.order_by(_exception.c.next_attempt_at)).mappings()]


def listing(
    conn: Connection,
    company: str,
    *,
    entity: str | None = None,
    states: Iterable[ExceptionState] = UNRESOLVED,
    limit: int | None = None,
    codes: Iterable[str] | None = None,
    who: str | None = None,
) -> list[Reported]:
    """Exceptions of a company, newest first, narrowed by what is given; unresolved ones unless told otherwise."""
    wanted = {"entity": entity, "codes": None if codes is None else list(codes), "who": who}
    narrowing = {name: value for name, value in wanted.items() if value is not None}
    asked = {"company": company, "states": [s.value for s in states], "most": limit, **narrowing}
    return [_read(row) for row in conn.execute(_listing(frozenset(narrowing)), asked).mappings()]


_NARROWING = {
    "entity": _exception.c.entity == bindparam("entity"),
    "codes": _exception.c.code == any_(bindparam("codes", type_=ARRAY(Text))),
    "who": _exception.c.who == bindparam("who"),
}


@cache  # a run asks this many times; making the statement costs more than its answer
def _listing(narrowing: frozenset[str]) -> Select[Any]:
    in_state = _exception.c.state == any_(bindparam("states", type_=ARRAY(Text)))
    narrowed = [_NARROWING[name] for name in sorted(narrowing)]
    statement = select(_exception).where(_exception.c.company == bindparam("company"), in_state, *narrowed)
    newest_first = statement.order_by(_exception.c.last_seen.desc(), _exception.c.id.desc())
    return newest_first.limit(bindparam("most", type_=Integer))


def of_records(
    conn: Connection, company: str, entity: str, side: Side, record_ids: Iterable[str]
) -> dict[str, list[Reported]]:
    """Unresolved exceptions by record id."""
    statement = select(_exception).where(
        _exception.c.company == company,
        _exception.c.entity == entity,
        _exception.c.side == side.value,
        among(_exception.c.record_id, record_ids),
        _exception.c.state != ExceptionState.RESOLVED.value,
    )
    found: dict[str, list[Reported]] = {}
    for row in conn.execute(statement.order_by(_exception.c.id)).mappings():
        found.setdefault(row["record_id"], []).append(_read(row))
    return found


def get(conn: Connection, company: str, exception_id: int) -> Reported | None:
    statement = select(_exception).where(_exception.c.company == company, _exception.c.id == exception_id)
    row = conn.execute(statement).mappings().first()
    return _read(row) if row else None


def counts(conn: Connection, company: str) -> dict[ExceptionState, int]:
    """How many unresolved exceptions stand in each state."""
    statement = (
        select(_exception.c.state, func.count())
        .where(_exception.c.company == company, or_(*(_exception.c.state == s.value for s in UNRESOLVED)))
        .group_by(_exception.c.state)
    )
    return {ExceptionState(state): count for state, count in conn.execute(statement).tuples()}


def _read(row: Mapping[Any, Any]) -> Reported:
    told = {"side": Side(row["side"]), "state": ExceptionState(row["state"]), "fix": _numbered(row["fix"], row["id"])}
    return Reported(**{**row, **told})


def _numbered(fix: str, number: int) -> str:
    """The fix with the exception's own id in its commands: it is not known before the exception is stored."""
    return _OWN_ID.sub(rf"\g<1>{number}", fix)
