"""The launcher of warm workers where no worker answers: nothing counts as running that nobody runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.launcher import WorkerStatus
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from qb_pipeline.defs import warm_launcher
from qb_pipeline.defs.instance import prepare
from qb_pipeline.defs.warm_launcher import WarmRunLauncher
from qb_pipeline.settings import settings

TASK = {DAGSTER_CELERY_TASK_ID_TAG: "9e1f"}


@pytest.fixture
def instance(own_environment: Path, database_url: str) -> Iterator[DagsterInstance]:
    prepare(settings(home=own_environment, database_url=database_url))
    with DagsterInstance.get() as made:
        yield made


@pytest.fixture
def launcher(instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> WarmRunLauncher:
    """On a broker in this process's memory, at which nobody listens."""
    monkeypatch.setattr(warm_launcher, "_ANSWER_SECONDS", 0.1)
    made = WarmRunLauncher("dagster", broker="memory://", backend="cache+memory://")
    made.register_instance(instance)
    return made


def run_of(instance: DagsterInstance, status: DagsterRunStatus, tags: dict[str, str]) -> DagsterRun:
    return instance.add_run(DagsterRun("sync", status=status, tags=tags))


def test_a_run_that_no_worker_has_counts_as_failed(instance: DagsterInstance, launcher: WarmRunLauncher) -> None:
    found = launcher.check_run_worker_health(run_of(instance, DagsterRunStatus.STARTED, TASK))
    assert found.status is WorkerStatus.FAILED
    assert found.msg == "No worker has the run any more."


def test_a_run_whose_task_is_not_noted_yet_is_given_time(instance: DagsterInstance, launcher: WarmRunLauncher) -> None:
    found = launcher.check_run_worker_health(run_of(instance, DagsterRunStatus.STARTED, {}))
    assert found.status is WorkerStatus.RUNNING


def test_a_run_that_is_to_end_is_shown_as_ending_at_once(instance: DagsterInstance, launcher: WarmRunLauncher) -> None:
    run = run_of(instance, DagsterRunStatus.STARTED, TASK)
    assert launcher.terminate(run.run_id)
    ending = instance.get_run_by_id(run.run_id)
    assert ending is not None
    assert ending.status is DagsterRunStatus.CANCELING


def test_what_has_ended_or_never_was_is_not_ended_again(instance: DagsterInstance, launcher: WarmRunLauncher) -> None:
    done = run_of(instance, DagsterRunStatus.SUCCESS, TASK)
    assert not launcher.terminate(done.run_id)
    assert not launcher.terminate("5b1cbd5e-0000-4000-8000-000000000000")


def test_a_run_is_started_again_and_never_taken_up_in_its_middle(launcher: WarmRunLauncher) -> None:
    assert not launcher.supports_resume_run
