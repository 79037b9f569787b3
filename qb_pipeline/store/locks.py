"""Locks per company, held by the server for as long as our session lives.

Invariant: work on one company is serialised across processes and machines; a process that dies frees its locks, and one
that lost its lock learns it before it commits or writes anything more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select, select, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from qb_pipeline.errors import PipelineError, RetryLater
from qb_pipeline.store import tables
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.situations import NOT_CONNECTED

_state = tables.company.c.state
_ALIVE = select(1)  # asked before every commit; making the statement costs more than its answer


class Hold:
    """A company's lock that was got, on the connection it lives and ends with; any thread may ask for it."""

    def __init__(self, conn: Connection, company: str) -> None:
        self._conn, self._company, self._what = conn, company, f"company {company!r}"
        self._one_at_a_time = threading.Lock()
        self._lost = False

    def check(self) -> None:
        """Ask the session that holds the lock whether it lives; raises `PipelineError` (code `lock_lost`) if not.

        Once lost it stays lost: SQLAlchemy would connect anew, and that session holds nothing.
        """
        self._ask(_ALIVE)

    def check_connected(self) -> None:
        """As `check`, and by the same query `Reconnect` (code `not_connected`) once the company was disconnected."""
        state = self._ask(select(_state).where(tables.company.c.name == self._company))
        if state == CompanyState.DISCONNECTED.value:
            raise NOT_CONNECTED.error(company=self._company)

    def _ask(self, question: Select[Any]) -> Any:
        with self._one_at_a_time:
            if self._lost:
                raise self._told()
            try:
                return self._conn.scalar(question)
            except SQLAlchemyError as error:
                self._lost = True
                raise self._told() from error

    def _told(self) -> PipelineError:
        return PipelineError(
            f"The database ended the session that held the lock of {self._what}; nothing was written after that.",
            code="lock_lost",
            fix="See that PostgreSQL runs, then start it again, unless the schedule does: it goes on where it was.",
        )


@contextmanager
def company_lock(engine: Engine, company: str, wait: float = 0, fix: str | None = None) -> Iterator[Hold]:
    """Hold the company's run lock; waits at most `wait` seconds, then raises `RetryLater` (code `company_busy`), with
    another `fix` where nobody retries by itself."""
    busy = RetryLater(
        f"Another run is working on company {company!r}.",
        code="company_busy",
        fix="It is retried by itself; wait for the other run to end.",
        after=30,
    )
    busy.fix = fix or busy.fix
    with session_lock(engine, f"run:{company}", wait, busy) as conn:
        yield Hold(conn, company)


@contextmanager
def session_lock(engine: Engine, name: str, wait: float, busy: RetryLater) -> Iterator[Connection]:
    """Hold an advisory lock on a connection of its own, in autocommit: no transaction stays open meanwhile."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if not _acquire(conn, name, wait):
            raise busy
        try:
            yield conn
        finally:
            _release(conn, name)


def _acquire(conn: Connection, name: str, wait: float) -> bool:
    if conn.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), {"name": name}):
        return True
    if wait <= 0:
        return False
    conn.execute(text("SELECT set_config('lock_timeout', :ms, false)"), {"ms": f"{int(wait * 1000) or 1}ms"})
    try:
        conn.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": name})
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "55P03":  # lock_not_available: the wait is over
            return False
        raise
    finally:
        conn.execute(text("RESET lock_timeout"))
    return True


def _release(conn: Connection, name: str) -> None:
    try:
        conn.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": name})
    except SQLAlchemyError:
        # The server has dropped the session and the lock with it; the pool must not hand it out again.
        conn.invalidate()


def company_busy(conn: Connection, company: str) -> bool:
    """Whether some process holds the company's run lock at this moment; takes nothing."""
    statement = text(
        "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND (classid::bigint << 32) | objid::bigint = hashtextextended(:name, 0))"
    )
    return bool(conn.scalar(statement, {"name": f"run:{company}"}))
