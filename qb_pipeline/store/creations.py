"""What the journal knows of records that we made ourselves.

Invariant: a creation that was bound tells for ever which record is whose copy, whatever became of their link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import tables
from qb_pipeline.store.engine import among
from qb_pipeline.store.journal import Operation, Phase

_journal = tables.journal


@dataclass(frozen=True)
class Made:
    """`copy_id` on `side` was created from `source_id` of the other side."""

    side: Side
    source_id: str
    copy_id: str


def of_copies(conn: Connection, company: str, entity: str, side: Side, ids: Iterable[str]) -> list[Made]:
    """The creations that made these records of `side`."""
    wanted = list(ids)
    return _made(conn, company, entity, side, among(_journal.c.target_id, wanted)) if wanted else []


def of_sources(conn: Connection, company: str, entity: str, side: Side, ids: Iterable[str]) -> list[Made]:
    """The creations on the other side that were made from these records of `side`."""
    wanted = list(ids)
    return _made(conn, company, entity, side.other, among(_journal.c.source_id, wanted)) if wanted else []


def _made(conn: Connection, company: str, entity: str, side: Side, which: ColumnElement[bool]) -> list[Made]:
    statement = select(_journal.c.source_id, _journal.c.target_id).where(
        _journal.c.company == company,
        _journal.c.side == side.value,
        _journal.c.entity == entity,
        which,
        _journal.c.operation == Operation.CREATE.value,
        _journal.c.phase == Phase.BOUND.value,
        _journal.c.source_id.is_not(None),
        _journal.c.target_id.is_not(None),
    )
    return [Made(side, source, copy) for source, copy in conn.execute(statement.order_by(_journal.c.id)).tuples()]
