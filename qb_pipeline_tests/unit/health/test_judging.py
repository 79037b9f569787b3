"""Health as a pure function of what the store says and of the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.entities.spec import Side
from qb_pipeline.store.companies import Company, CompanyState
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline.store.gaps import Gap
from qb_pipeline.store.inbox import Waiting
from qb_pipeline.store.journal import Operation
from qb_pipeline.store.measures import Lifetimes, Measures, OpenWrite, Resting
from qb_pipeline.store.runs import Run, RunStatus
from qb_pipeline.sync.health import (
    METERED_READS,
    Health,
    Verdict,
    consent_until,
    judge,
    stage_of_quota,
    stage_of_token,
)
from qb_pipeline.sync.reading.positions import Position

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def company(state: CompanyState = CompanyState.CONNECTED, **more: Any) -> Company:
    row: dict[str, Any] = {
        "name": "Acme", "realm_id": "1", "contractor_system": "reference", "contractor_url": None,
        "quickbooks_api": None, "quickbooks_discovery": None, "client_id": None, "state": state, "state_reason": None,
        "connected_at": NOON - 30 * DAY, "disconnected_at": None, "created_at": NOON - 30 * DAY,
    }  # fmt: skip
    return Company(**(row | more))


def run(status: RunStatus = RunStatus.SUCCEEDED, error: str | None = None, **counts: Any) -> Run:
    return Run("r1", "Acme", "sync", NOON - HOUR, NOON - HOUR, status, counts, {}, error)


def well(**changed: Any) -> Measures:
    """A company in good health."""
    measures: dict[str, Any] = {
        "company": company(),
        "tokens": Lifetimes(NOON + HOUR, NOON + 100 * DAY),
        "last_run": run(),
        "successes": {"sync": NOON - HOUR},
    }
    return Measures(**(measures | changed))


def codes(health: Health) -> set[str]:
    return {f.code for f in health.findings}


def resting(
    state: ExceptionState = ExceptionState.OPEN, since: datetime = NOON - DAY, label: str | None = "Ann"
) -> Resting:
    return Resting("customer", label, state, "c", "The name is taken.", "Choose another.", "office", 2, since)


def test_a_company_in_good_health_has_nothing_to_be_told() -> None:
    found = judge(well(), NOON)
    assert (found.verdict, found.findings) == (Verdict.OK, ())


def test_a_refused_connection_is_broken_and_says_why_and_what_to_do() -> None:
    refused = company(CompanyState.RECONNECT, state_reason="Intuit refuses us.", disconnected_at=NOON - HOUR)
    found = judge(well(company=refused), NOON)
    assert found.verdict is Verdict.BROKEN
    assert found.since == NOON - HOUR
    [finding] = found.findings
    assert "Intuit refuses us." in finding.reason
    assert "qb-pipeline connect --company 'Acme'" in finding.fix


def test_a_company_disconnected_by_command_is_no_trouble() -> None:
    found = judge(well(company=company(CompanyState.DISCONNECTED), tokens=None, successes={}), NOON)
    assert (found.verdict, codes(found)) == (Verdict.OK, {"disconnected"})


@pytest.mark.parametrize(
    ("days", "stage"), [(100, None), (14.01, None), (14, 14), (7.5, 14), (7, 7), (2, 2), (0.1, 2), (0, 0), (-3, 0)]
)
def test_the_nearest_threshold_of_a_dying_token_counts(days: float, stage: int | None) -> None:
    assert stage_of_token(days) == stage


@given(st.floats(min_value=-10, max_value=200))
def test_the_threshold_never_recedes_while_the_token_dies(days: float) -> None:
    before, after = stage_of_token(days), stage_of_token(days - 0.5)
    assert before is None or (after is not None and after <= before)


def test_a_dying_token_degrades_and_a_dead_one_breaks() -> None:
    dying = judge(well(tokens=Lifetimes(NOON, NOON + 5 * DAY)), NOON)
    assert (dying.verdict, codes(dying)) == (Verdict.DEGRADED, {"token_dying"})
    assert "in 5 days" in dying.findings[0].reason
    dead = judge(well(tokens=Lifetimes(NOON, NOON - HOUR)), NOON)
    assert (dead.verdict, codes(dead)) == (Verdict.BROKEN, {"token_dead"})


@pytest.mark.parametrize(("share", "stage"), [(0.79, None), (0.8, 80), (0.949, 80), (0.95, 95), (1.2, 95)])
def test_quota_is_told_at_80_and_at_95_per_cent(share: float, stage: int | None) -> None:
    assert stage_of_quota(share) == stage


def test_only_reads_are_metered_and_all_companies_of_an_app_count_together() -> None:
    calls = {"query": 10, "read": 5, "cdc": 3, "batch": 1000, "write": 2000}
    found = judge(well(calls=calls, app_calls={"query": METERED_READS * 9 // 10, "write": 10**9}), NOON)
    assert (found.quota.metered, found.quota.share) == (18, 0.9)
    assert (found.verdict, codes(found)) == (Verdict.DEGRADED, {"quota"})
    used_up = judge(well(app_calls={"cdc": METERED_READS}), NOON)
    assert (used_up.verdict, codes(used_up)) == (Verdict.BROKEN, {"quota_used_up"})


def test_a_success_that_is_too_old_is_told_with_its_age() -> None:
    found = judge(well(successes={"sync": NOON - 5 * HOUR, "cdc_sweep": NOON - 9 * HOUR}), NOON, 3 * HOUR)
    assert (found.verdict, codes(found)) == (Verdict.DEGRADED, {"stale"})
    assert "for 5 hours" in found.findings[0].reason
    assert judge(well(successes={"cdc_sweep": NOON - HOUR, "sync": NOON - DAY}), NOON, 3 * HOUR).findings == ()


def test_a_company_just_connected_is_not_stale_before_its_first_run_had_time() -> None:
    fresh = well(company=company(connected_at=NOON - HOUR), successes={}, last_run=None)
    assert judge(fresh, NOON, 3 * HOUR).findings == ()
    assert codes(judge(fresh, NOON + 3 * HOUR, 3 * HOUR)) == {"stale"}


def test_a_failed_run_is_told_with_its_error() -> None:
    found = judge(well(last_run=run(RunStatus.FAILED, "Nobody answers.")), NOON)
    assert codes(found) == {"run_failed"}
    assert "Nobody answers." in found.findings[0].reason


def test_records_that_wait_for_a_person_are_told_and_do_not_degrade_but_dead_ones_do() -> None:
    waiting = judge(well(exceptions={ExceptionState.OPEN: 30}), NOON)
    assert (waiting.verdict, codes(waiting)) == (Verdict.OK, {"exceptions"})
    assert waiting.findings[0].reason.startswith("30 records")
    dead = judge(well(exceptions={ExceptionState.DEAD: 1}), NOON)
    assert (dead.verdict, codes(dead)) == (Verdict.DEGRADED, {"dead"})


def test_what_is_owed_is_told_oldest_first_with_name_since_and_why() -> None:
    values = {"number": "1042", "total": "10.00"}
    write = OpenWrite(Side.QUICKBOOKS, "invoice", Operation.CREATE, "sent", NOON - 2 * HOUR, values)
    measures = well(open_writes=1, oldest_writes=[write], oldest_exceptions=[resting(ExceptionState.RETRYING)])
    found = judge(measures, NOON)
    assert [(o.kind, o.what, o.since) for o in found.owed] == [
        ("retrying", "Ann", NOON - DAY),
        ("write", "Create of Invoice 1042 in QuickBooks", NOON - 2 * HOUR),
    ]
    assert found.owed[0].why == "The name is taken. (2 of 5 attempts)"
    assert found.oldest_owed == DAY
    assert codes(found) == {"unsettled_writes"}


def test_a_write_that_a_disconnected_company_owes_is_settled_once_it_is_connected() -> None:
    write = OpenWrite(Side.QUICKBOOKS, "customer", Operation.CREATE, "sent", NOON - DAY, {"name": "A"})
    left = judge(well(company=company(CompanyState.DISCONNECTED), open_writes=1, oldest_writes=[write]), NOON)
    [found] = [f for f in left.findings if f.code == "unsettled_writes"]
    assert found.fix == "The first run once connected settles it."


def test_what_is_owed_since_a_time_to_come_is_owed_for_no_time() -> None:
    write = OpenWrite(Side.QUICKBOOKS, "customer", Operation.CREATE, "sent", NOON + DAY, {"name": "A"})
    assert judge(well(open_writes=1, oldest_writes=[write]), NOON).oldest_owed == timedelta(0)


def test_a_write_of_a_run_under_way_is_no_trouble() -> None:
    write = OpenWrite(Side.QUICKBOOKS, "customer", Operation.CREATE, "sent", NOON - timedelta(minutes=2), {"name": "A"})
    assert judge(well(open_writes=1, oldest_writes=[write]), NOON).findings == ()


def test_an_exception_without_a_name_is_called_by_its_kind_and_never_by_an_id() -> None:
    [owed] = judge(well(oldest_exceptions=[resting(label=None)]), NOON).owed
    assert owed.what == "Customer"


def test_lag_counts_from_the_last_reading_of_each_side() -> None:
    old = Position(NOON - 40 * DAY).to_json()  # the contractor's newest record is old; it was looked for just now
    cursors = {
        (Side.CONTRACTOR, "customer"): (old, NOON - timedelta(minutes=5)),
        (Side.QUICKBOOKS, "changes"): (Position(NOON - 2 * HOUR).to_json(), NOON),
        (Side.QUICKBOOKS, "objects"): (["Customer"], NOON),
    }
    lags = {(x.side, x.entity): x.behind for x in judge(well(cursors=cursors), NOON).lags}
    assert lags[Side.CONTRACTOR, "customer"] == timedelta(minutes=5)
    assert lags[Side.QUICKBOOKS, "customer"] == lags[Side.QUICKBOOKS, "invoice"] == 2 * HOUR
    assert (Side.CONTRACTOR, "invoice") not in lags


def test_events_and_gaps_that_wait_too_long_degrade() -> None:
    inbox = Waiting(1, 3, 3, NOON - HOUR)
    gap = Gap(1, "Acme", NOON - DAY, NOON - HOUR, "refused", None, None)
    found = judge(well(inbox=inbox, owed_gaps=[gap]), NOON)
    assert (found.verdict, codes(found)) == (Verdict.DEGRADED, {"inbox", "gap"})
    assert judge(well(inbox=Waiting(1, 3, 3, NOON)), NOON).findings == ()


def test_events_of_a_company_nothing_is_synchronised_for_are_no_fault_of_the_sensor() -> None:
    waiting = Waiting(1, 1, 1, NOON - DAY)
    left = judge(well(company=company(CompanyState.DISCONNECTED), inbox=waiting), NOON)
    assert left.verdict is Verdict.OK
    assert left.inbox_waiting == 1
    [found] = [f for f in judge(well(inbox=waiting), NOON).findings if f.code == "inbox"]
    assert found.reason == "1 webhook event waits for 24 hours."


def test_what_waits_is_what_is_stored_whatever_the_last_run_counted() -> None:
    assert judge(well(parked=5, last_run=run(RunStatus.FAILED, "x")), NOON).parked == 5
    assert judge(well(parked=0, last_run=run(customer={"parked": 2})), NOON).parked == 0


def test_a_failed_run_says_how_much_it_left_for_the_next() -> None:
    [failed] = judge(well(unplanned=3, last_run=run(RunStatus.FAILED, "The disk is full.")), NOON).findings
    assert failed.reason == "The last run failed: The disk is full. 3 records that changed wait for the next."


def test_whatever_is_not_well_says_what_to_do() -> None:
    ill = well(
        tokens=Lifetimes(NOON, NOON + DAY), last_run=run(RunStatus.FAILED, "x"), successes={},
        app_calls={"query": METERED_READS}, exceptions={ExceptionState.DEAD: 1, ExceptionState.OPEN: 1},
        inbox=Waiting(1, 1, 1, NOON - DAY), owed_gaps=[Gap(1, "Acme", NOON, NOON, "x", None, None)],
    )  # fmt: skip
    found = judge(ill, NOON)
    assert len(found.findings) == 8
    assert all(f.reason and f.fix for f in found.findings)


# Five years after the consent nothing renews its tokens any more.


@pytest.mark.parametrize(("left", "stage"), [(15, None), (13, 14), (6, 7), (1, 2)])
@pytest.mark.parametrize("given_on", [datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 5, 6, tzinfo=UTC)])
def test_the_end_of_a_consent_is_told_although_its_token_is_fresh(
    given_on: datetime, left: int, stage: int | None
) -> None:
    ends = max(given_on, datetime(2023, 10, 1, tzinfo=UTC)).replace(year=2028 if given_on.year < 2023 else 2029)
    now = ends - left * DAY
    found = judge(well(company=company(connected_at=given_on), tokens=Lifetimes(now, now + 100 * DAY)), now)
    assert (found.refresh_until, stage_of_token(found.token_days or 0)) == (ends, stage)
    dying = [f for f in found.findings if f.code == "token_dying"]
    assert len(dying) == (0 if stage is None else 1)
    assert all("consent to QuickBooks ends on" in f.reason for f in dying)
    assert all("nothing renews it: run qb-pipeline connect" in f.fix for f in dying)


def test_a_consent_of_the_29th_of_february_ends_a_day_before() -> None:
    assert consent_until(datetime(2028, 2, 29, 8, tzinfo=UTC)) == datetime(2033, 2, 28, 8, tzinfo=UTC)
    assert consent_until(None) is None
