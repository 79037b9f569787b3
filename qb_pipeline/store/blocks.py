"""What waits for the records of exceptions, and what of that somebody was told.

Invariant: a name that nobody was told of opens an ignored exception again, once; what was told before never does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, case, literal, null, select, update

from qb_pipeline.store import tables
from qb_pipeline.store.engine import among, utcnow
from qb_pipeline.store.exceptions import ExceptionState

_exception = tables.exception


def put(conn: Connection, company: str, blocks: Mapping[int, Sequence[str]], now: datetime | None = None) -> None:
    """Say what waits for the records of these exceptions, by exception id; no attempt is counted.

    An ignored one that holds back something untold is open again; a passing fault is tried again at once.
    """
    e, at = _exception, now or utcnow()
    for exception_id, names in blocks.items():
        mine = (e.c.company == company) & (e.c.id == exception_id)
        conn.execute(update(e).where(mine).values(blocks=list(names)))
        untold = (e.c.state == ExceptionState.IGNORED.value) & ~e.c.told_blocks.contains(list(names))
        again = literal(ExceptionState.RETRYING.value), literal(ExceptionState.OPEN.value)
        anew = {
            "state": case((e.c.retry_safe, again[0]), else_=again[1]),
            "next_attempt_at": case((e.c.retry_safe, literal(at)), else_=null()),
            "attempts": 1,
            "last_seen": at,
        }
        conn.execute(update(e).where(mine, untold).values(anew))


def told(conn: Connection, company: str, ids: Iterable[int]) -> dict[int, list[str]]:
    """Note that somebody is told of everything these exceptions block by now; returns by exception id the names that
    nobody was told of before."""
    e = _exception
    mine = (e.c.company == company) & among(e.c.id, ids) & ~e.c.told_blocks.contains(e.c.blocks)
    fresh: dict[int, list[str]] = {}
    for row in conn.execute(select(e.c.id, e.c.blocks, e.c.told_blocks).where(mine)).all():
        fresh[row.id] = list(dict.fromkeys(str(name) for name in row.blocks if name not in set(row.told_blocks)))
        conn.execute(update(e).where(e.c.id == row.id).values(told_blocks=[*row.told_blocks, *fresh[row.id]]))
    return fresh
