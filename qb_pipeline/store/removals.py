"""What the journal knows of removals: which records a side lost by our writes, and which of those a person allowed.

Invariant: this is read from the writes themselves and kept nowhere else, so that it can't drift from what was done. A
write that left counts until it is known to have failed; a record that a later write put back into use counts no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import tables
from qb_pipeline.store.engine import among
from qb_pipeline.store.journal import WORD, Operation, Phase, Word
from qb_pipeline.store.staging_tables import table

_journal = tables.journal
_link = tables.link
_ACTIVE = "active"  # the field whose falsehood is how names are removed
_LEFT = (Phase.SENT.value, Phase.ANSWERED.value, Phase.BOUND.value, Phase.FAILED.value)
_NOT_DONE = (Phase.FAILED.value, Phase.ABANDONED.value)
_ALLOWED = (Word.ALLOWED.value, Word.STILL_ALLOWED.value)
_WORD = _journal.c.intended[WORD].astext.label("word")
_IN_USE = (_journal.c.intended[_ACTIVE].astext == "true").label("in_use")
_VERBS = (Operation.VOID.value, Operation.DELETE.value)
_CONCERNS_USE = or_(
    _journal.c.operation.in_(_VERBS),
    and_(_journal.c.operation == Operation.UPDATE.value, _journal.c.intended.has_key(_ACTIVE)),
)

Removed = dict[Side, dict[str, int | None]]  # by side: id there -> link id


def since(conn: Connection, company: str, entity: str, moment: datetime) -> Removed:
    """What left since `moment` and is still removed, but for what a person allowed or ordered; once a person allowed a
    mass removal of a side, only what came after it."""
    columns = (_journal.c.side, _journal.c.target_id, _journal.c.link_id, _journal.c.phase, _journal.c.operation)
    statement = select(*columns, _WORD, _IN_USE).where(
        _journal.c.company == company,
        _journal.c.side.in_([side.value for side in Side]),
        _journal.c.entity == entity,
        _journal.c.sent_at > moment,
        _journal.c.phase.in_(_LEFT),
        _CONCERNS_USE,
    )
    removed: Removed = {side: {} for side in Side}
    for row in conn.execute(statement.order_by(_journal.c.id)):
        _follow(removed[Side(row.side)], row)
    return removed


def _follow(removed: dict[str, int | None], row: Row[Any]) -> None:
    """One write more, in the order of writing."""
    if row.word == Word.ALLOWED.value:
        removed.clear()  # the person was told of those as well
    elif row.phase == Phase.FAILED.value or row.word is not None:
        return
    elif row.operation != Operation.UPDATE.value or not row.in_use:
        removed[row.target_id] = row.link_id
    elif row.phase == Phase.BOUND.value:  # only what is known to be back is back
        removed.pop(row.target_id, None)


def allowed_in_vain(conn: Connection, company: str, entity: str, side: Side, ids: Iterable[str]) -> dict[str, Word]:
    """Of these records of `side`, those whose last write is a removal that a person allowed and that was not done, with
    the word on which they go now. Where the counterpart has moved since, it is another removal than was allowed."""
    wanted = list(ids)
    if not wanted:
        return {}
    latest = (
        select(_journal.c.target_id, _journal.c.source_id, _journal.c.phase, _journal.c.planned_at, _WORD)
        .distinct(_journal.c.target_id)
        .where(
            _journal.c.company == company,
            _journal.c.side == side.value,
            _journal.c.entity == entity,
            among(_journal.c.target_id, wanted),
        )
        .order_by(_journal.c.target_id, _journal.c.id.desc())
    )
    vain = [r for r in conn.execute(latest) if r.word in _ALLOWED and r.phase in _NOT_DONE]
    seen = _seen(conn, company, entity, side.other, [r.source_id for r in vain if r.source_id])
    return {r.target_id: _word_now(r) for r in vain if seen.get(r.source_id, r.planned_at) <= r.planned_at}


def _word_now(row: Row[Any]) -> Word:
    """The answer to a question is given once: what was refused since goes on it again, but it answers no other."""
    return Word.STILL_ALLOWED if row.phase == Phase.FAILED.value else Word(row.word)


def _seen(conn: Connection, company: str, entity: str, side: Side, ids: Sequence[str]) -> dict[str, datetime]:
    """When these records of `side` were last seen to move."""
    if not ids:
        return {}
    staged = table(side, entity)
    statement = select(staged.c.id, staged.c.seen_at).where(staged.c.company == company, among(staged.c.id, ids))
    return dict(conn.execute(statement).tuples().all())


def linked(conn: Connection, company: str, entity: str, removed: Mapping[Side, Mapping[str, int | None]]) -> int:
    """How many records of a kind are linked, and how many more were before these were removed."""
    gone = [link_id for ids in removed.values() for link_id in ids.values() if link_id is not None]
    mine = and_(_link.c.company == company, _link.c.entity == entity)
    counted = or_(_link.c.state == "live", among(_link.c.id, gone))
    return conn.scalar(select(func.count()).select_from(_link).where(mine, counted)) or 0
