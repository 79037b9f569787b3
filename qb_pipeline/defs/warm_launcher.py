"""Dagster's launcher for warm workers: dagster-celery's, with what a run needs that is ended or lost.

Invariant: a run whose worker is gone does not count as running, and a run that is to end is told so inside its process,
so that it gives its company back.
"""

from __future__ import annotations

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

_ANSWER_SECONDS = 4.0
_LOOKS = 2  # a worker that is busy may miss one


class WarmRunLauncher(CeleryRunLauncher):
    """Hands runs to workers that have imported everything already (`qb_pipeline.defs.warm_worker`)."""

    def terminate(self, run_id: str) -> bool:
        """Interrupt the run in its worker, which then ends it as terminated; False where there is nothing to end."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        task = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        if task is None:
            return False
        self.celery.control.revoke(task, terminate=True, signal="SIGINT")
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Running while a worker says it has the run. What a broker noted once says nothing of a worker that died."""
        task = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        if task is None or any(self._held(task) for _ in range(_LOOKS)):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "No worker has the run any more.")

    @property
    def supports_resume_run(self) -> bool:
        """A run is one session: it is not taken up in the middle but started again (run_retries)."""
        return False

    def _held(self, task: str) -> bool:
        answers = self.celery.control.inspect(timeout=_ANSWER_SECONDS).query_task(task) or {}
        return any(task in held for held in answers.values())
