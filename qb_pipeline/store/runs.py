"""Runs: what was started for a company, how it ended and what it cost.

Invariant: a run that ended says how, with its counts; only a crash leaves one in state running, with its calls as they
were put down last.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from qb_pipeline.store import tables
from qb_pipeline.store.engine import utcnow

_run = tables.run
DRY_RUN = "plan"  # the trigger of runs that wrote nothing


class RunStatus(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class Run:
    """`trigger` is what started it: the job in Dagster, or the command line."""

    id: str
    company: str
    trigger: str
    started_at: datetime
    ended_at: datetime | None
    status: RunStatus
    counts: Mapping[str, Any]
    api_calls: Mapping[str, Any]
    error: str | None


def start(conn: Connection, company: str, trigger: str, run_id: str | None = None, now: datetime | None = None) -> str:
    """Open a run and return its id (a new UUID unless the caller brings one)."""
    run_id = run_id or str(uuid.uuid4())
    row = {"id": run_id, "company": company, "trigger": trigger, "started_at": now or utcnow()}
    conn.execute(insert(_run).values(row))
    return run_id


def note_calls(conn: Connection, company: str, run_id: str, api_calls: Mapping[str, Any]) -> None:
    """Put down what a run has called so far, so that it is known even if the run never ends."""
    mine = (_run.c.company == company, _run.c.id == run_id)
    conn.execute(update(_run).where(*mine).values(api_calls=dict(api_calls)))


def finish(
    conn: Connection,
    company: str,
    run_id: str,
    status: RunStatus,
    *,
    counts: Mapping[str, Any] | None = None,
    api_calls: Mapping[str, Any] | None = None,
    error: str | None = None,
    now: datetime | None = None,
) -> None:
    """Close a run; `error` is one line for a person."""
    conn.execute(
        update(_run)
        .where(_run.c.company == company, _run.c.id == run_id)
        .values(
            status=status.value,
            ended_at=now or utcnow(),
            counts=dict(counts or {}),
            api_calls=dict(api_calls or {}),
            error=error,
        )
    )


def get(conn: Connection, company: str, run_id: str) -> Run | None:
    row = conn.execute(select(_run).where(_run.c.company == company, _run.c.id == run_id)).mappings().first()
    return _read(row) if row else None


def recent(conn: Connection, company: str, limit: int = 20) -> list[Run]:
    """The latest runs, newest first."""
    statement = select(_run).where(_run.c.company == company).order_by(_run.c.started_at.desc()).limit(limit)
    return [_read(row) for row in conn.execute(statement).mappings()]


def ids(conn: Connection, company: str) -> list[str]:
    """Of every run, however long ago, newest first."""
    return list(conn.scalars(select(_run.c.id).where(_run.c.company == company).order_by(_run.c.started_at.desc())))


def _read(row: Mapping[Any, Any]) -> Run:
    return Run(**{**row, "status": RunStatus(row["status"])})
