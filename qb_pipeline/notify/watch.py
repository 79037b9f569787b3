"""Looking at every company's health, and raising or clearing the notices that follow from it.

Invariant: a threshold is told once when it is passed, and may be told again only after it was left behind.

    watch(engine, settings) -> [Health, ...]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from qb_pipeline.notify import wording
from qb_pipeline.settings import Settings
from qb_pipeline.store import companies, notices
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.engine import utcnow
from qb_pipeline.store.notices import ALARM, EVERY, QUOTA, TOKEN
from qb_pipeline.sync import contact, health
from qb_pipeline.sync.health import TOKEN_STAGES, Health

_TOKEN_TOPICS = (0, *sorted(TOKEN_STAGES))


def watch(engine: Engine, settings: Settings, now: datetime | None = None) -> list[Health]:
    """Every company's health, after its notices were brought in line with it."""
    at = now or utcnow()
    with engine.begin() as conn:
        found = health.everything(conn, timedelta(hours=settings.stale_hours), at)
        for each in found:
            _connection(conn, each, at)
            _token(conn, each, at)
        _quota(conn, found, at)
    return found


def _connection(conn: Connection, h: Health, now: datetime) -> None:
    """The run that lost contact has raised the alarm already; this is for a state that came about in another way."""
    if h.state is CompanyState.RECONNECT:
        title = f"{h.company}: no contact with QuickBooks or the contractor's system"
        finding = next(f for f in h.findings if f.code == "reconnect")
        notices.raise_(conn, h.company, ALARM, contact.TOPIC, title, f"{finding.reason} {finding.fix}", now)


def _token(conn: Connection, h: Health, now: datetime) -> None:
    """While contact is lost what was told of the tokens stands: told anew with it back, it would be told twice."""
    if h.state is CompanyState.RECONNECT:
        return
    stage = health.stage_of_token(h.token_days) if h.connected and h.token_days is not None else None
    for other in _TOKEN_TOPICS:
        if stage is None or other < stage:
            notices.clear(conn, h.company, TOKEN, _topic(other), now)
    finding = next((f for f in h.findings if f.code in {"token_dying", "token_dead"}), None)
    if stage is not None and finding is not None:
        text = wording.token(h, finding)
        notices.raise_(conn, h.company, TOKEN, _topic(stage), text.title, text.body, now)


def _topic(stage: int) -> str:
    return f"{stage} days"


def _quota(conn: Connection, found: Sequence[Health], now: datetime) -> None:
    """One notice for all companies of an app: Intuit meters them together."""
    passed: set[str] = set()
    for app, sharing in _apps(conn, found).items():
        stage = health.stage_of_quota(sharing[0].quota.share)
        if stage is None:
            continue
        topics = {s: f"{now:%Y-%m} {s} % {app}" for s in (80, 95)}
        passed |= {topic for s, topic in topics.items() if s <= stage}
        text = wording.quota(sharing[0].quota, stage, [h.company for h in sharing], now)
        notices.raise_(conn, EVERY, QUOTA, topics[stage], text.title, text.body, now)
    for notice in notices.open_of_kind(conn, QUOTA):
        if notice.topic not in passed:
            notices.clear(conn, EVERY, QUOTA, notice.topic, now)


def _apps(conn: Connection, found: Sequence[Health]) -> Mapping[str, list[Health]]:
    client_ids = {c.name: c.client_id for c in companies.listing(conn)}
    apps: defaultdict[str, list[Health]] = defaultdict(list)
    for each in found:
        apps[client_ids[each.company] or "of the settings"].append(each)
    return apps
