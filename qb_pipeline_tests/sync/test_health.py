"""Health from a real store after runs of the engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from qb_pipeline.console.exposition import text_of
from qb_pipeline.console.health import lines, report
from qb_pipeline.entities.spec import Direction, Side
from qb_pipeline.errors import Misconfigured, Reconnect, RetryLater
from qb_pipeline.store import companies, cursors, exceptions, gaps, inbox, runs
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline.store.inbox import Event
from qb_pipeline.store.journal import Operation, PlannedWrite, insert_planned
from qb_pipeline.store.runs import RunStatus
from qb_pipeline.sync import contact, health
from qb_pipeline.sync.health import Health, Verdict
from qb_pipeline.sync.reading.positions import Position
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline_tests.sync.fakes import refusal
from qb_pipeline_tests.sync.world import COMPANY, World, customer
from qb_pipeline_tests.unit.health.stored import CLIENT_SECRET, REFRESH_TOKEN, connect, ran, tokens

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def known(world: World) -> World:
    """The world's company, connected, with tokens and one run."""
    connect(world.engine, COMPANY)
    tokens(world.engine, datetime.now(UTC) + timedelta(days=100), COMPANY)
    ran(world.engine, {"query": 3}, datetime.now(UTC), COMPANY)
    return world


def look(world: World, now: datetime | None = None) -> Health:
    with world.engine.connect() as conn:
        return health.of_company(conn, COMPANY, now=now)


def metrics(world: World) -> dict[str, float]:
    rows = [x.rsplit(" ", 1) for x in text_of(lines(world.engine)).splitlines() if not x.startswith("#")]
    return {name: float(value) for name, value in rows}


def test_records_in_agreement_leave_nothing_owed(known: World) -> None:
    known.contractor.add("customer", **customer("Ann"))
    known.run()
    found = look(known)
    assert (found.verdict, found.owed, found.open_writes, found.exceptions) == (Verdict.OK, [], 0, {})


def test_a_refused_write_is_owed_under_its_name_with_cause_and_fix(known: World) -> None:
    known.contractor.add("customer", **customer("Ann"))
    known.quickbooks.refuses = lambda _item: RetryLater("QuickBooks is busy.", code="busy")
    known.run()
    [owed] = look(known).owed
    assert (owed.kind, owed.what) == ("retrying", "Customer Ann")
    assert "QuickBooks is busy." in owed.why


def test_a_write_without_an_answer_is_owed_since_it_was_planned(known: World) -> None:
    row = PlannedWrite(
        company=COMPANY, side=Side.QUICKBOOKS, entity="customer", operation=Operation.CREATE, request_key="k",
        body=b"{}", source_id="c1", intended={"name": "Ann"},
    )  # fmt: skip
    with known.engine.begin() as conn:
        insert_planned(conn, [row], NOW)
    found = look(known, NOW + timedelta(hours=2))
    assert (found.open_writes, found.oldest_owed) == (1, timedelta(hours=2))
    assert [(o.what, o.since) for o in found.owed] == [("Create of Customer Ann in QuickBooks", NOW)]
    assert "unsettled_writes" in {f.code for f in found.findings}


def test_a_lost_connection_is_broken_and_a_regained_one_owes_a_backfill(known: World) -> None:
    error = Reconnect("Intuit refuses us.", code="revoked", fix="Connect again.")
    with known.engine.begin() as conn:
        contact.lost(conn, COMPANY, error)
    broken = look(known)
    assert (broken.verdict, broken.state_reason) == (Verdict.BROKEN, "Intuit refuses us.")
    assert report(known.engine)["status"] == "broken"
    assert metrics(known)['qb_connection_up{company="acme"}'] == 0
    with known.engine.begin() as conn:
        contact.regained(conn, COMPANY)
    owing = look(known)
    assert (owing.verdict, owing.gaps_owed) == (Verdict.DEGRADED, 1)
    with known.engine.begin() as conn:
        gaps.filled(conn, COMPANY, gaps.owed(conn, COMPANY)[0].id, "r")
    assert look(known).verdict is Verdict.OK


def test_a_run_that_ends_well_leaves_a_disconnection_made_meanwhile_and_its_gap_as_they_are(known: World) -> None:
    with known.engine.begin() as conn:
        contact.left(conn, COMPANY, "disconnected by command")
        contact.proven(conn, COMPANY, both=True)
        assert companies.get(conn, COMPANY).state is companies.CompanyState.DISCONNECTED
        assert gaps.owed(conn, COMPANY) == [], "the gap is still open"


def test_jobs_are_known_by_their_last_success_and_dry_runs_do_not_count(known: World) -> None:
    ran(known.engine, {}, NOW, COMPANY, "cdc_sweep")
    ran(known.engine, {}, NOW + timedelta(hours=1), COMPANY, "cdc_sweep")
    ran(known.engine, {"query": 5}, datetime.now(UTC), COMPANY, runs.DRY_RUN)
    with known.engine.begin() as conn:
        failed = runs.start(conn, COMPANY, "nightly_reconciliation")
        runs.finish(conn, COMPANY, failed, RunStatus.FAILED, error="x")
    found = look(known)
    assert set(found.last_success) == {"sync", "cdc_sweep"}
    assert found.last_success["cdc_sweep"] == NOW + timedelta(hours=1)
    assert found.last_run is RunStatus.FAILED
    assert found.quota.metered == 8, "what a dry run read was read all the same"


def test_every_gauge_tells_what_the_store_says(known: World) -> None:
    now = datetime.now(UTC)
    with known.engine.begin() as conn:
        behind = Position(now - timedelta(hours=2)).to_json()
        cursors.put(conn, COMPANY, Side.QUICKBOOKS, "changes", behind)
        inbox.store(conn, [Event("quickbooks", "Customer", "1", "Update", "d1", company=COMPANY)])
    ran(known.engine, {"cdc": 2, "write": 7}, now, COMPANY)
    found = metrics(known)
    assert found['qb_connection_up{company="acme"}'] == 1
    assert 99 < found['qb_token_days_left{company="acme",token="refresh"}'] < 101
    assert 7190 < found['qb_lag_seconds{company="acme",side="quickbooks",entity="customer"}'] < 7400
    assert found['qb_api_calls_month{company="acme",kind="write"}'] == 7
    assert found['qb_api_reads_month_of_app{company="acme"}'] == 5
    assert found['qb_inbox_waiting{company="acme"}'] == 1
    assert found['qb_owed_writes{company="acme"}'] == found['qb_oldest_owed_seconds{company="acme"}'] == 0
    assert abs(found['qb_last_success_timestamp_seconds{company="acme",job="sync"}'] - now.timestamp()) < 60
    assert found['qb_health{company="acme"}'] == 0


def test_exceptions_are_counted_by_state(known: World) -> None:
    known.contractor.add("customer", **customer("Ann"))
    known.quickbooks.refuses = lambda _item: RetryLater("QuickBooks is busy.", code="busy")
    known.run()
    assert look(known).exceptions == {ExceptionState.RETRYING: 1}
    assert metrics(known)['qb_exceptions{company="acme",state="retrying"}'] == 1


def test_one_companys_troubles_are_not_anothers(known: World) -> None:
    connect(known.engine, "Brick", "2")
    tokens(known.engine, datetime.now(UTC) + timedelta(days=100), "Brick")
    ran(known.engine, {}, datetime.now(UTC), "Brick")
    with known.engine.begin() as conn:
        contact.lost(conn, COMPANY, Reconnect("refused", code="x", fix="y"))
        found = {h.company: h.verdict for h in health.everything(conn)}
    assert found == {COMPANY: Verdict.BROKEN, "Brick": Verdict.OK}


def test_neither_health_nor_metrics_hold_a_secret_or_a_record(known: World) -> None:
    record = known.contractor.add("customer", **customer("Ann"))
    known.quickbooks.refuses = lambda _item: RetryLater("QuickBooks is busy.", code="busy")
    known.run()
    gauges, told = text_of(lines(known.engine)), str(report(known.engine))
    assert "Customer Ann" in told
    for secret in (REFRESH_TOKEN, CLIENT_SECRET, "access-token-of-acme", f"'{record}'"):
        assert secret not in told
        assert secret not in gauges
    assert "Ann" not in gauges


def test_an_unknown_company_is_named(world: World) -> None:
    with world.engine.connect() as conn, pytest.raises(Misconfigured, match="nobody"):
        health.of_company(conn, "nobody")


def failed(world: World, at: datetime | None = None) -> None:
    """A run that told nothing of what it came to."""
    with world.engine.begin() as conn:
        run_id = runs.start(conn, COMPANY, "sync", now=at)
        runs.finish(conn, COMPANY, run_id, RunStatus.FAILED, error="The disk is full.", now=at)


def billed(world: World, payer: str, number: str, job: str | None = None) -> str:
    return world.contractor.add("invoice", number=number, customer=payer, job=job, date=NOW.date(), lines=())


def test_what_waits_is_counted_after_a_failed_run_too(known: World) -> None:
    known.entities = ("customer", "invoice")
    known.quickbooks.refuses = lambda item: refusal() if item.entity == "customer" else None
    payer = known.contractor.add("customer", **customer("Ann"))
    billed(known, payer, "1")
    billed(known, payer, "2")
    known.run()
    failed(known)
    assert look(known).parked == 2
    with known.engine.begin() as conn:
        exceptions.ignore(conn, COMPANY, [e.id for e in known.open_exceptions()])
    assert look(known).parked == 2, "which silences the cause and mends nothing"


def test_a_record_that_waits_for_two_others_is_one(known: World) -> None:
    known.entities = ("customer", "job", "invoice")
    known.quickbooks.refuses = lambda item: refusal() if item.entity == "customer" else None
    ann, bob = (known.contractor.add("customer", **customer(name)) for name in ("Ann", "Bob"))
    job = known.contractor.add("job", name="Roof", number="J1", customer=bob, active=True)
    billed(known, ann, "1", job)
    known.run()
    assert [sorted(e.blocks) for e in known.open_exceptions() if "Bob" in str(e.record_label)] == [
        ["Invoice 1", "Job Roof"]
    ]
    assert look(known).parked == 2


def test_what_a_failed_run_read_and_did_not_compare_is_owed_until_a_run_succeeds(known: World) -> None:
    known.contractor.add("customer", **customer("Ann"))
    known.run()
    ran(known.engine, {}, datetime.now(UTC), COMPANY)
    [twin] = known.quickbooks.live("customer")
    known.quickbooks.edit("customer", twin, notes="new")
    known.contractor.add("customer", **customer("Bob"))
    gone = known.contractor.add("customer", **customer("Gone before"))
    known.contractor.let_go("customer", gone)
    known.run_only_reading()
    failed(known)
    found = look(known)
    assert (found.unplanned, found.parked) == (2, 0)
    assert "2 records that changed wait for the next." in found.findings[0].reason
    known.run()
    ran(known.engine, {}, datetime.now(UTC) + timedelta(seconds=1), COMPANY)
    assert look(known).unplanned == 0


def test_what_has_an_exception_is_told_there_and_not_counted_as_left_by_a_failed_run(known: World) -> None:
    known.contractor.add("customer", **customer("Ann"))
    known.quickbooks.refuses = lambda _item: refusal()
    known.run()
    failed(known)
    assert (look(known).unplanned, sum(look(known).exceptions.values())) == (0, 1)


def test_before_any_run_has_succeeded_all_that_was_read_is_owed(world: World) -> None:
    connect(world.engine, COMPANY)
    world.contractor.add("customer", **customer("Ann"))
    world.run_only_reading()
    failed(world)
    assert look(world).unplanned == 1


def test_what_a_run_that_succeeded_left_alone_is_not_owed_by_a_failed_one_after_it(known: World) -> None:
    known.rules = Rules({"customer": Override(direction=Direction.TO_CONTRACTOR)})
    begun = datetime.now(UTC)
    known.contractor.add("customer", **customer("Ann"))
    known.run()
    with known.engine.begin() as conn:
        runs.finish(conn, COMPANY, runs.start(conn, COMPANY, "sync", now=begun), RunStatus.SUCCEEDED)
    failed(known)
    assert look(known).unplanned == 0
