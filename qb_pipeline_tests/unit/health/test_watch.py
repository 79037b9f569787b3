"""Thresholds of tokens and quota: told once each, and again only after they were left behind."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from qb_pipeline.errors import Reconnect
from qb_pipeline.notify.watch import watch
from qb_pipeline.settings import Settings, settings
from qb_pipeline.store import companies
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.notices import ALARM, QUOTA, TOKEN
from qb_pipeline.sync import contact
from qb_pipeline.sync.health import METERED_READS
from qb_pipeline_tests.unit.health.stored import ACME, CLIENT_SECRET, NOON, REFRESH_TOKEN, connect, kept, ran, tokens

DAY = timedelta(days=1)


@pytest.fixture
def current(tmp_path: Path) -> Settings:
    return settings(_env_file=None, home=tmp_path)


def titles(engine: Engine, kind: str) -> list[str]:
    return [n.title for n in kept(engine, kind)]


def open_topics(engine: Engine, kind: str) -> list[str]:
    return [n.topic for n in kept(engine, kind) if n.cleared_at is None]


def test_a_token_that_dies_is_told_at_14_7_and_2_days_and_when_dead_once_each(
    engine: Engine, current: Settings
) -> None:
    connect(engine)
    tokens(engine, NOON + 20 * DAY)
    for hour in range(0, 22 * 24, 8):
        watch(engine, current, NOON + timedelta(hours=hour))
    assert titles(engine, TOKEN) == [
        "Acme: the connection to QuickBooks ends in 14 days",
        "Acme: the connection to QuickBooks ends in 7 days",
        "Acme: the connection to QuickBooks ends in 2 days",
        "Acme: the connection to QuickBooks has run out",
    ]


def test_a_renewed_token_takes_its_notices_back_and_may_be_told_of_again(engine: Engine, current: Settings) -> None:
    connect(engine)
    tokens(engine, NOON + 5 * DAY)
    watch(engine, current, NOON)
    assert open_topics(engine, TOKEN) == ["7 days"], "only the nearest threshold, not each that lies behind"
    tokens(engine, NOON + 100 * DAY)
    watch(engine, current, NOON)
    assert open_topics(engine, TOKEN) == []
    watch(engine, current, NOON + 99 * DAY)
    assert open_topics(engine, TOKEN) == ["2 days"]


def test_a_token_that_dies_is_told_once_although_contact_is_lost_and_found_meanwhile(
    engine: Engine, current: Settings
) -> None:
    connect(engine)
    tokens(engine, NOON + 6 * DAY)
    watch(engine, current, NOON)
    with engine.begin() as conn:
        contact.lost(conn, ACME, Reconnect("It refuses us.", code="refused", fix="Connect.", who="owner"), NOON)
    watch(engine, current, NOON)
    with engine.begin() as conn:
        contact.regained(conn, ACME, NOON + DAY)
    watch(engine, current, NOON + DAY)
    assert titles(engine, TOKEN) == ["Acme: the connection to QuickBooks ends in 6 days"]
    assert open_topics(engine, TOKEN) == ["7 days"]


def test_a_disconnected_company_is_not_told_of_its_token(engine: Engine, current: Settings) -> None:
    connect(engine)
    tokens(engine, NOON + DAY)
    with engine.begin() as conn:
        companies.set_state(conn, ACME, CompanyState.DISCONNECTED, "by command", NOON)
    watch(engine, current, NOON)
    assert kept(engine) == []


def test_a_refused_connection_has_one_alarm_however_often_one_looks(engine: Engine, current: Settings) -> None:
    connect(engine)
    with engine.begin() as conn:
        companies.set_state(conn, ACME, CompanyState.RECONNECT, "Intuit refuses us.", NOON)
    for hour in range(10):
        watch(engine, current, NOON + timedelta(hours=hour))
    [alarm] = kept(engine, ALARM)
    assert "Intuit refuses us." in alarm.body


def test_quota_is_told_at_80_and_95_per_cent_once_a_month_for_all_companies_of_an_app(
    engine: Engine, current: Settings
) -> None:
    for n, name in enumerate(("Acme", "Brick")):
        connect(engine, name, str(n), client_id="one app")
    for step in range(10):
        for name in ("Acme", "Brick"):
            ran(engine, {"query": METERED_READS // 20, "write": 10**6}, NOON, name)
        watch(engine, current, NOON + timedelta(minutes=step))
    assert titles(engine, QUOTA) == [
        "QuickBooks reads: 80 % of this month's allowance are used",
        "QuickBooks reads: 95 % of this month's allowance are used",
    ]
    assert "Acme, Brick" in kept(engine, QUOTA)[0].body
    watch(engine, current, datetime(2026, 4, 1, 0, 1, tzinfo=NOON.tzinfo))
    assert open_topics(engine, QUOTA) == [], "a new month begins with nothing used"


def test_calls_of_another_app_or_of_last_month_do_not_count(engine: Engine, current: Settings) -> None:
    connect(engine, "Acme", "1", client_id="one app")
    connect(engine, "Brick", "2", client_id="another app")
    ran(engine, {"query": METERED_READS}, NOON - 31 * DAY)
    ran(engine, {"query": METERED_READS // 2}, NOON, "Acme")
    ran(engine, {"query": METERED_READS // 2}, NOON, "Brick")
    found = watch(engine, current, NOON)
    assert [h.quota.share for h in found] == [0.5, 0.5]
    assert kept(engine, QUOTA) == []


def test_no_notice_holds_a_secret(engine: Engine, current: Settings) -> None:
    connect(engine)
    tokens(engine, NOON + DAY)
    ran(engine, {"query": METERED_READS})
    watch(engine, current, NOON)
    text = " ".join(n.title + n.body + n.topic for n in kept(engine))
    assert text
    assert REFRESH_TOKEN not in text
    assert CLIENT_SECRET not in text
