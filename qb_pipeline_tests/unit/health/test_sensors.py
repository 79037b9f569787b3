"""Dagster's side of health: checks that fail, notices of failed jobs, runs that send mail only when some is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    SkipReason,
    build_run_status_sensor_context,
    build_schedule_context,
    build_sensor_context,
)
from dagster._core.events import DagsterEvent, JobFailureData
from dagster._core.test_utils import create_run_for_test
from sqlalchemy import Engine

from qb_pipeline.definitions import defs
from qb_pipeline.defs.health import clear_recovered, connection_health, failure_notification, note_failure
from qb_pipeline.defs.instance import prepare
from qb_pipeline.defs.notices import notices as schedule
from qb_pipeline.defs.partitions import COMPANY_TAG
from qb_pipeline.settings import settings
from qb_pipeline.store import companies, runs
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.notices import FAILURE
from qb_pipeline.store.runs import RunStatus
from qb_pipeline_tests.unit.health.postbox import Postbox, postbox
from qb_pipeline_tests.unit.health.stored import ACME, connect, kept, problem, ran, report, tokens


@pytest.fixture
def mailed(own_environment: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postbox]:
    """A Dagster home whose settings send mail to a running server."""
    prepare(settings(home=own_environment, database_url=database_url))
    with postbox(own_environment) as box:
        for name, value in box.environment().items():
            monkeypatch.setenv(name, value)
        yield box


@pytest.fixture
def instance(mailed: Postbox) -> Iterator[DagsterInstance]:
    with DagsterInstance.get() as made:
        yield made


def tick(instance: DagsterInstance) -> RunRequest | SkipReason:
    answer = connection_health(build_sensor_context(instance=instance))
    assert isinstance(answer, RunRequest | SkipReason)
    return answer


def due(instance: DagsterInstance) -> list[Any]:
    return list(schedule(build_schedule_context(instance=instance)))  # type: ignore[arg-type] # as in test_schedule


def refuse(engine: Engine) -> None:
    connect(engine)
    with engine.begin() as conn:
        companies.set_state(conn, ACME, CompanyState.RECONNECT, "Intuit refuses us.")


def failed(
    instance: DagsterInstance, engine: Engine, job: str = "sync", tags: Mapping[str, str] | None = None
) -> DagsterRun:
    run: DagsterRun = create_run_for_test(
        instance,
        job,
        status=DagsterRunStatus.FAILURE,
        tags={COMPANY_TAG: ACME, **(tags or {})},
    )
    with engine.begin() as conn:
        runs.start(conn, ACME, job, run.run_id)
        runs.finish(conn, ACME, run.run_id, RunStatus.FAILED, error="Nobody answers. It is retried by itself.")
    return run


def test_the_sensors_and_schedules_run_without_being_switched_on() -> None:
    sensors = {s.name: s.default_status for s in defs.sensors or ()}
    schedules = {s.name: s.default_status for s in defs.schedules or () if hasattr(s, "default_status")}
    assert sensors["connection_health"] == sensors["failure_notification"] == DefaultSensorStatus.RUNNING
    assert schedules["notices"] == schedules["freshness_hourly"] == DefaultScheduleStatus.RUNNING


def test_companies_in_good_health_start_no_run(engine: Engine, instance: DagsterInstance) -> None:
    connect(engine)
    tokens(engine, datetime.now(UTC) + timedelta(days=100))
    ran(engine, {}, datetime.now(UTC))
    answer = tick(instance)
    assert isinstance(answer, SkipReason)
    assert answer.skip_message == "Acme: ok"
    assert [type(a) for a in due(instance)] == [SkipReason]


def test_a_refused_connection_has_its_alarm_sent_by_one_run(
    engine: Engine, instance: DagsterInstance, mailed: Postbox
) -> None:
    refuse(engine)
    first, again = tick(instance), tick(instance)
    assert isinstance(first, RunRequest)
    assert isinstance(again, RunRequest)
    assert first.run_key == again.run_key, "Dagster starts a run key once"
    assert defs.resolve_job_def("send_notices").execute_in_process(instance=instance).success
    assert mailed.subjects == ["Acme: no contact with QuickBooks or the contractor's system"]
    assert isinstance(tick(instance), SkipReason)


def test_the_schedule_has_a_digest_sent_and_rests_after_a_refusal(
    engine: Engine, instance: DagsterInstance, mailed: Postbox
) -> None:
    connect(engine)
    report(engine, [problem(n) for n in range(30)], datetime.now(UTC))
    assert [type(a) for a in due(instance)] == [RunRequest]
    mailed.refusals.append("451 Come back later")
    job = defs.resolve_job_def("send_notices")
    refused = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not refused.success
    assert "451 Come back later" in str(refused.failure_data_for_node("send"))
    assert [type(a) for a in due(instance)] == [SkipReason]
    assert isinstance(tick(instance), SkipReason)


def test_half_a_mail_setting_is_told_at_every_tick(
    engine: Engine, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(engine)
    monkeypatch.delenv("QB_MAIL_TO")
    for answer in (tick(instance), *due(instance)):
        assert isinstance(answer, SkipReason)
        assert "QB_MAIL_TO" in str(answer.skip_message)


def test_a_job_that_fails_again_and_again_is_one_notice_until_it_succeeds(
    engine: Engine, instance: DagsterInstance
) -> None:
    connect(engine)
    raised = [note_failure(engine, failed(instance, engine)) for _ in range(3)]
    raised.append(note_failure(engine, failed(instance, engine, "cdc_sweep")))
    assert raised == [True, False, False, True]
    assert [n.title for n in kept(engine, FAILURE)] == ["Acme: the job sync failed", "Acme: the job cdc_sweep failed"]
    assert "Nobody answers." in kept(engine, FAILURE)[0].body
    assert clear_recovered(instance, engine) == 0
    create_run_for_test(instance, "sync", status=DagsterRunStatus.SUCCESS, tags={COMPANY_TAG: "Another"})
    assert clear_recovered(instance, engine) == 0, "another company's success proves nothing"
    create_run_for_test(instance, "sync", status=DagsterRunStatus.SUCCESS, tags={COMPANY_TAG: ACME})
    assert clear_recovered(instance, engine) == 1
    assert note_failure(engine, failed(instance, engine)) is True, "what fails after a success is news"


def test_dagsters_failure_sensor_raises_the_notice(engine: Engine, instance: DagsterInstance) -> None:
    connect(engine)
    run = failed(instance, engine)
    event = DagsterEvent("PIPELINE_FAILURE", "sync", event_specific_data=JobFailureData(None, None))
    context = build_run_status_sensor_context(
        "failure_notification", dagster_instance=instance, dagster_run=run, dagster_event=event
    )
    failure_notification(context.for_run_failure())
    assert [n.topic for n in kept(engine, FAILURE)] == ["sync"]


def test_a_success_before_the_failure_clears_nothing(engine: Engine, instance: DagsterInstance) -> None:
    connect(engine)
    create_run_for_test(instance, "sync", status=DagsterRunStatus.SUCCESS, tags={COMPANY_TAG: ACME})
    assert note_failure(engine, failed(instance, engine)) is True
    assert clear_recovered(instance, engine) == 0


@pytest.mark.parametrize("state", [CompanyState.RECONNECT, CompanyState.DISCONNECTED])
def test_a_run_that_dagster_starts_again_or_whose_connection_is_refused_or_ended_is_no_news(
    engine: Engine, instance: DagsterInstance, state: CompanyState
) -> None:
    connect(engine)
    assert note_failure(engine, failed(instance, engine, tags={"dagster/will_retry": "true"})) is False
    with engine.begin() as conn:
        companies.set_state(conn, ACME, state, "refused, or by command")
    assert note_failure(engine, failed(instance, engine)) is False


def test_the_freshness_checks_fail_for_what_was_never_synced_and_pass_after_a_success(
    engine: Engine, instance: DagsterInstance
) -> None:
    connect(engine)
    job = defs.resolve_job_def("freshness")

    def verdicts() -> dict[str, bool]:
        done = job.execute_in_process(instance=instance)
        return {e.check_name: e.passed for e in done.get_asset_check_evaluations()}

    assert verdicts() == {"freshness_check": False, "every_company_is_fresh": False}
    ran(engine, {}, datetime.now(UTC))
    instance.report_runless_asset_event(AssetMaterialization(AssetKey(["synced", "summary"]), partition=ACME))
    assert verdicts() == {"freshness_check": True, "every_company_is_fresh": True}


def test_a_company_that_is_not_synced_does_not_hide_behind_one_that_is(
    engine: Engine, instance: DagsterInstance
) -> None:
    connect(engine)
    connect(engine, "Brick", "2")
    ran(engine, {}, datetime.now(UTC), "Brick")
    done = defs.resolve_job_def("freshness").execute_in_process(instance=instance)
    [found] = [e for e in done.get_asset_check_evaluations() if e.check_name == "every_company_is_fresh"]
    assert found.passed is False
    told = str(found.metadata["stale"].value)
    assert "Acme" in told
    assert "Brick" not in told
