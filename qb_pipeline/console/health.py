"""How the instance is: for a monitor that asks over HTTP, and for Prometheus.

Invariant: it opens no secret and asks neither system anything; what it says is what the database says at that moment,
judged as the command `health` judges it, and whose webhooks the console has found that it must refuse.

    report(engine) -> {"status": "ok" | "degraded" | "broken" | "unreachable", ...}
    lines(engine) -> metrics of what is stored, and of what is refused
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from qb_pipeline.console.exposition import Labels, family
from qb_pipeline.console.hearing import Unheard, with_unheard
from qb_pipeline.store import companies, inbox, notices, tables
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.notices import UNDELIVERED
from qb_pipeline.sync import health
from qb_pipeline.sync.health import STALE_AFTER, Health, Verdict
from qb_pipeline.sync.health_document import document

Values = Iterable[tuple[Labels, float]]


def report(engine: Engine, stale_after: timedelta = STALE_AFTER, unheard: Sequence[Unheard] = ()) -> dict[str, Any]:
    """Every company's health; `status` is the worst verdict, or `unreachable` when the store does not answer."""
    try:
        with engine.connect() as conn:
            found = [with_unheard(h, unheard) for h in health.everything(conn, stale_after)]
            kept = inbox.counts(conn)
            refused = notices.open_of_kind(conn, UNDELIVERED)
    except SQLAlchemyError as error:
        return {"status": "unreachable", "store": {"reachable": False, "error": type(error).__name__}}
    worst = max([h.verdict for h in found], default=Verdict.OK)
    return {
        "status": str(max(worst, Verdict.DEGRADED) if refused else worst),
        "store": {"reachable": True},
        "companies": [document(h) for h in found],
        "inbox": [{"source": s, "state": state, "events": count} for (s, state), count in sorted(kept.items())],
        "mail": {"refused_attempts": len(refused), "refused_since": refused[0].created_at if refused else None},
    }


def lines(engine: Engine, stale_after: timedelta = STALE_AFTER, unheard: Sequence[Unheard] = ()) -> list[str]:
    """Gauges of companies, inbox, runs, mail and what is refused; raises SQLAlchemy's errors."""
    now = utcnow()
    with engine.connect() as conn:
        found = [with_unheard(h, unheard) for h in health.everything(conn, stale_after, now)]
        known = companies.listing(conn)
        kept, runs, mail = inbox.counts(conn), _runs(conn), _mail(conn)
    states = {(c.name, s.value): float(c.state is s) for c in known for s in CompanyState}
    return [
        *_gauge("qb_company_state", "1 for the state a company is in.", ("company", "state"), states),
        *_of_companies(found, now),
        *_gauge("qb_inbox_events", "Events kept, by state.", ("source", "state"), kept),
        *_gauge("qb_runs", "Runs, by how they ended.", ("company", "status"), runs),
        *_gauge(
            "qb_webhooks_refused",
            "1 for each reason why a company's webhooks are refused as forged.",
            ("company", "source", "why"),
            _refused(unheard),
        ),
        *_gauge("qb_notices_unsent", "Notices nobody was told of yet, by kind.", ("kind",), mail),
    ]


def age(now: datetime, since: datetime) -> float:
    return max(0.0, (now - since).total_seconds())


def _of_companies(found: Sequence[Health], now: datetime) -> list[str]:
    made: list[str] = []
    for name, text, labels, of in _PER_COMPANY:
        values = {(h.company, *rest): value for h in found for rest, value in of(h, now)}
        made += _gauge(f"qb_{name}", text, ("company", *labels), values)
    return made


def _tokens(h: Health, now: datetime) -> Values:
    for name, until in (("access", h.access_until), ("refresh", h.refresh_until)):
        if until is not None:
            yield (name,), (until - now) / timedelta(days=1)


def _waiting(h: Health, now: datetime) -> Values:
    if h.inbox_since is not None:
        yield (), age(now, h.inbox_since)


_Gauge = tuple[str, str, Labels, Callable[[Health, datetime], Values]]
_PER_COMPANY: tuple[_Gauge, ...] = (
    ("connection_up", "1 while the company is connected and its tokens live.", (),
     lambda h, _now: [((), float(h.connected and (h.token_days or 0) > 0))]),
    ("health", "0 ok, 1 degraded, 2 broken.", (), lambda h, _now: [((), float(h.verdict))]),
    ("token_days_left", "Days until a token dies.", ("token",), _tokens),
    ("lag_seconds", "Since a side was last read for an entity.", ("side", "entity"),
     lambda h, _now: [((x.side.value, x.entity), x.behind.total_seconds()) for x in h.lags]),
    ("owed_writes", "Journalled writes whose outcome is not settled.", (),
     lambda h, _now: [((), float(h.open_writes))]),
    ("parked_records", "Records that wait for another one.", (),
     lambda h, _now: [((), float(h.parked))]),
    ("oldest_owed_seconds", "Age of the oldest unsettled write or waiting exception.", (),
     lambda h, _now: [((), h.oldest_owed.total_seconds())]),
    ("exceptions", "Exceptions nobody has resolved yet.", ("state",),
     lambda h, _now: [((state.value,), float(count)) for state, count in h.exceptions.items()]),
    ("api_calls_month", "Calls to QuickBooks in this calendar month (UTC).", ("kind",),
     lambda h, _now: [((kind,), float(count)) for kind, count in h.quota.calls.items()]),
    ("api_reads_month_of_app", "Metered reads this month of all companies of the same QuickBooks app.", (),
     lambda h, _now: [((), float(h.quota.app_metered))]),
    ("last_success_timestamp_seconds", "When a run last succeeded, by what started it.", ("job",),
     lambda h, _now: [((job,), at.timestamp()) for job, at in h.last_success.items()]),
    ("gaps_owed", "Times out of touch that no backfill has filled.", (), lambda h, _now: [((), float(h.gaps_owed))]),
    ("inbox_waiting", "Events no run has taken yet.", (), lambda h, _now: [((), float(h.inbox_waiting))]),
    ("inbox_oldest_seconds", "Age of the oldest event that waits.", (), _waiting),
)  # fmt: skip


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> list[str]:
    return family(name, "gauge", text, labels, values)


def _runs(conn: Connection) -> dict[Labels, float]:
    run = tables.run
    statement = select(run.c.company, run.c.status, func.count()).group_by(run.c.company, run.c.status)
    return {(company, status): count for company, status, count in conn.execute(statement)}


def _refused(unheard: Sequence[Unheard]) -> dict[Labels, float]:
    return {(each.company or "", each.side.value if each.side else "", each.why): 1.0 for each in unheard}


def _mail(conn: Connection) -> dict[Labels, float]:
    counts: dict[Labels, float] = {}
    for notice in notices.unsent(conn):
        if notice.cleared_at is None:
            counts[notice.kind,] = counts.get((notice.kind,), 0) + 1
    return counts
