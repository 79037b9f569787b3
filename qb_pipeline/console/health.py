"""How the instance is: for a monitor that asks over HTTP, and for Prometheus.

Invariant: it opens no secret and asks neither system anything; what it says is what the database says at that moment.

    report(engine) -> {"status": "ok" | "attention" | "unreachable", ...}
    lines(engine) -> metrics of what is stored
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from qb_pipeline.console.exposition import Labels, family
from qb_pipeline.store import companies, exceptions, inbox, tables
from qb_pipeline.store.companies import Company, CompanyState
from qb_pipeline.store.engine import utcnow


def report(engine: Engine) -> dict[str, Any]:
    """`attention` when a company has to be connected again; `unreachable` when the store does not answer."""
    try:
        with engine.connect() as conn:
            found, waiting = companies.listing(conn), inbox.waiting(conn)
            kept = inbox.counts(conn)
    except SQLAlchemyError as error:
        return {"status": "unreachable", "store": {"reachable": False, "error": type(error).__name__}}
    broken = any(company.state is CompanyState.RECONNECT for company in found)
    return {
        "status": "attention" if broken else "ok",
        "store": {"reachable": True},
        "companies": [_company(company, waiting.get(company.name)) for company in found],
        "inbox": [{"source": s, "state": state, "events": count} for (s, state), count in sorted(kept.items())],
    }


def lines(engine: Engine) -> list[str]:
    """Gauges of companies, inbox, runs and exceptions; raises SQLAlchemy's errors."""
    now = utcnow()
    with engine.connect() as conn:
        found, waiting = companies.listing(conn), inbox.waiting(conn)
        return [
            *_gauge("qb_company_state", "1 for the state a company is in.", ("company", "state"), _states(found)),
            *_gauge("qb_inbox_waiting", "Events no run has taken yet.", ("company",),
                    {(name,): w.count for name, w in waiting.items()}),
            *_gauge("qb_inbox_oldest_seconds", "Age of the oldest event that waits.", ("company",),
                    {(name,): age(now, w.since) for name, w in waiting.items()}),
            *_gauge("qb_inbox_events", "Events kept, by state.", ("source", "state"), inbox.counts(conn)),
            *_gauge("qb_runs", "Runs, by how they ended.", ("company", "status"), _runs(conn)),
            *_gauge("qb_exceptions", "Exceptions nobody has resolved yet.", ("company", "state"),
                    _exceptions(conn, found)),
        ]  # fmt: skip


def age(now: datetime, since: datetime) -> float:
    return max(0.0, (now - since).total_seconds())


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Any) -> list[str]:
    return family(name, "gauge", text, labels, values)


def _company(company: Company, waiting: inbox.Waiting | None) -> dict[str, Any]:
    return {
        "company": company.name,
        "state": company.state.value,
        "reason": company.state_reason,
        "connected_at": company.connected_at,
        "disconnected_at": company.disconnected_at,
        "inbox_waiting": waiting.count if waiting else 0,
        "inbox_since": waiting.since if waiting else None,
    }


def _states(found: list[Company]) -> dict[Labels, float]:
    return {(company.name, state.value): float(company.state is state) for company in found for state in CompanyState}


def _runs(conn: Connection) -> dict[Labels, float]:
    run = tables.run
    statement = select(run.c.company, run.c.status, func.count()).group_by(run.c.company, run.c.status)
    return {(company, status): count for company, status, count in conn.execute(statement)}


def _exceptions(conn: Connection, found: list[Company]) -> dict[Labels, float]:
    return {
        (company.name, state.value): count
        for company in found
        for state, count in exceptions.counts(conn, company.name).items()
    }
