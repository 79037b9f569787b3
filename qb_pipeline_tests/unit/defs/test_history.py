"""Dagster's own history on a real instance: what is past its time goes whole, what something looks at stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    OpExecutionContext,
    RunRequest,
    SkipReason,
    asset,
    asset_check,
    build_schedule_context,
    job,
    materialize,
    op,
)
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.storage.tags import BACKFILL_ID_TAG, PARTITION_NAME_TAG
from dagster._core.test_utils import create_run_for_test
from sqlalchemy import Engine

from qb_pipeline.defs import history
from qb_pipeline.defs.history import forget, history_nightly, tidy_history
from qb_pipeline.defs.partitions import COMPANY_TAG
from qb_pipeline.defs.running import _origin as origin
from qb_pipeline.errors import Misconfigured
from qb_pipeline.settings import settings
from qb_pipeline.store import runs
from qb_pipeline_tests.unit.defs.test_schedule import instance, store

__all__ = ["instance", "store"]  # the fixtures

_TAGS = {"company": COMPANY_TAG, "partition": PARTITION_NAME_TAG, "backfill": BACKFILL_ID_TAG}
SUCCESS, FAILURE = DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE


@op
def speak(context: OpExecutionContext) -> None:
    print("aloud")  # noqa: T201 # what Dagster keeps as a log of the run
    context.log_event(AssetMaterialization("spoken", partition="acme"))


@job
def talk() -> None:
    speak()


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_AT_ONCE", 2)


def ended(instance: DagsterInstance, status: DagsterRunStatus, job_name: str = "cdc_sweep", **tags: str) -> str:
    named = {_TAGS[name]: value for name, value in tags.items()}
    made: DagsterRun = create_run_for_test(instance, job_name, status=status, tags=named, remote_job_origin=origin())
    return made.run_id


def left(instance: DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


def now() -> datetime:
    return datetime.now(UTC)


def test_a_run_goes_with_its_events_and_its_logs(instance: DagsterInstance, own_environment: Path) -> None:
    first, last = (talk.execute_in_process(instance=instance) for _ in range(2))
    kept = own_environment / "dagster" / "storage"
    assert (kept / first.run_id).is_dir()
    assert forget(instance, now()) == (1, False)
    assert left(instance) == {last.run_id}
    assert instance.all_logs(first.run_id) == []
    assert len(instance.all_logs(last.run_id)) > 5
    assert [p.name for p in kept.iterdir() if p.name in (first.run_id, last.run_id)] == [last.run_id]


def test_an_asset_still_shows_its_last_state_when_everything_is_past(instance: DagsterInstance) -> None:
    for _ in range(3):
        last = talk.execute_in_process(instance=instance)
    forget(instance, now())
    found = instance.get_latest_materialization_event(AssetKey("spoken"))
    assert found is not None
    assert found.run_id == last.run_id


def test_what_a_check_found_goes_with_its_run_and_the_last_stays(instance: DagsterInstance) -> None:
    @asset
    def house() -> None: ...

    @asset_check(asset=house)
    def stands() -> AssetCheckResult:
        return AssetCheckResult(passed=True)

    for _ in range(2):
        last = materialize([house, stands], instance=instance)
    assert forget(instance, now()) == (1, False)
    key = AssetCheckKey(AssetKey("house"), "stands")
    found = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    assert [one.run_id for one in found] == [last.run_id]


def test_only_what_ended_before_the_moment_goes(instance: DagsterInstance) -> None:
    old = [ended(instance, status, company="acme") for status in (FAILURE, SUCCESS, DagsterRunStatus.CANCELED)]
    moment = now()
    young = [ended(instance, status, company="acme") for status in (FAILURE, SUCCESS)]
    said: list[str] = []
    assert forget(instance, moment, said.append) == (3, False)
    assert left(instance) == set(young)
    assert left(instance).isdisjoint(old)
    assert said == ["2 runs were removed so far.", "3 runs were removed so far."]


def test_a_run_that_has_not_ended_never_goes(instance: DagsterInstance) -> None:
    waiting = [s for s in DagsterRunStatus if s not in (SUCCESS, FAILURE, DagsterRunStatus.CANCELED)]
    kept = {ended(instance, status, company="acme") for status in waiting}
    gone = ended(instance, FAILURE, company="acme")
    assert forget(instance, now()) == (1, False)
    assert (left(instance), gone in left(instance)) == (kept, False)


def test_the_last_success_of_each_job_for_each_company_stays(instance: DagsterInstance) -> None:
    gone = [ended(instance, SUCCESS, company="acme"), ended(instance, SUCCESS, "sync", partition="acme")]
    kept = {
        ended(instance, SUCCESS, company="acme"), ended(instance, SUCCESS, company="brick"),
        ended(instance, SUCCESS, "sync", partition="acme"), ended(instance, SUCCESS, "freshness"),
    }  # fmt: skip
    gone.append(ended(instance, FAILURE, company="acme"))
    assert forget(instance, now()) == (len(gone), False)
    assert left(instance) == kept
    assert forget(instance, now()) == (0, False)


def test_the_runs_of_a_backfill_stay_until_it_is_through(instance: DagsterInstance) -> None:
    def enter(name: str, status: BulkActionStatus) -> None:
        instance.add_backfill(
            PartitionBackfill(
                name, status, from_failure=False, tags={}, backfill_timestamp=now().timestamp(), partition_names=[]
            )
        )

    enter("going", BulkActionStatus.REQUESTED)
    enter("through", BulkActionStatus.COMPLETED_SUCCESS)
    kept = {ended(instance, FAILURE, "backfill", backfill="going", company="acme") for _ in range(2)}
    for name in ("through", "nobody knows it any more"):
        ended(instance, FAILURE, "backfill", backfill=name, company="acme")
    assert forget(instance, now()) == (2, False)
    assert left(instance) == kept


def test_a_night_ends_in_time_and_the_next_goes_on(instance: DagsterInstance) -> None:
    for _ in range(5):
        ended(instance, FAILURE)
    assert forget(instance, now(), seconds=0) == (0, True)
    assert len(left(instance)) == 5
    assert forget(instance, now()) == (5, False)


@pytest.fixture
def a_month_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What there is by now is 31 days old for whoever asks how long runs are kept."""
    real = history.kept_since
    monkeypatch.setattr(history, "kept_since", lambda current: real(current) + timedelta(days=31))
    yield


def asked(instance: DagsterInstance) -> RunRequest | SkipReason:
    schedule: Any = history_nightly  # the decorator's type says nothing of a generator
    answers: list[RunRequest | SkipReason] = list(schedule(build_schedule_context(instance=instance)))
    [answer] = answers
    return answer


def test_nothing_is_started_while_no_run_is_old_enough(instance: DagsterInstance) -> None:
    ended(instance, FAILURE)
    answer = asked(instance)
    assert isinstance(answer, SkipReason)
    assert "older than 30 days" in str(answer.skip_message)


@pytest.mark.usefixtures("a_month_on")
def test_the_job_removes_what_is_past_and_leaves_the_products_own_rows(
    store: Engine, instance: DagsterInstance
) -> None:
    old = ended(instance, FAILURE, company="acme")
    with store.begin() as conn:
        runs.start(conn, "acme", "cdc_sweep", old, now() - timedelta(days=31))
    assert isinstance(asked(instance), RunRequest)
    done = tidy_history.execute_in_process(instance=instance)
    assert done.success
    assert old not in left(instance)
    with store.connect() as conn:
        assert [r.id for r in runs.recent(conn, "acme")] == [old]
    assert isinstance(asked(instance), SkipReason)  # the job's own run is its last success


def test_less_than_a_day_is_refused(own_environment: Path) -> None:
    with pytest.raises(Misconfigured, match="QB_KEEP_RUNS_DAYS"):
        settings(home=own_environment, keep_runs_days=0.5)
