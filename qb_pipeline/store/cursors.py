"""Reading positions per company, side and stream.

Invariant: a cursor is moved in the same transaction that stores what was read up to it, or later, never earlier.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import tables
from qb_pipeline.store.engine import utcnow

_cursor = tables.cursor
_KEY = ("company", "side", "stream")
# Asked of every stream in every run: making a statement costs more than its answer.
_GET = select(_cursor.c.value).where(*(_cursor.c[name] == bindparam(name) for name in _KEY))
_NEW = insert(_cursor)
_PUT = _NEW.on_conflict_do_update(
    index_elements=_KEY, set_={"value": _NEW.excluded.value, "updated_at": _NEW.excluded.updated_at}
)


def get(conn: Connection, company: str, side: Side, stream: str) -> Any:
    """The stored JSON value, or None where the stream was never read."""
    return conn.scalar(_GET, {"company": company, "side": side.value, "stream": stream})


def put(conn: Connection, company: str, side: Side, stream: str, value: Any, now: datetime | None = None) -> None:
    """Store a JSON value (times as ISO strings)."""
    row = {"company": company, "side": side.value, "stream": stream, "value": value, "updated_at": now or utcnow()}
    conn.execute(_PUT, row)


def everything(conn: Connection, company: str) -> dict[tuple[Side, str], Any]:
    """Every cursor of a company by (side, stream)."""
    rows = conn.execute(select(_cursor.c.side, _cursor.c.stream, _cursor.c.value).where(_cursor.c.company == company))
    return {(Side(side), stream): value for side, stream, value in rows}


def clear(conn: Connection, company: str) -> None:
    """Forget every reading position, so that the next run reads everything again."""
    conn.execute(_cursor.delete().where(_cursor.c.company == company))
