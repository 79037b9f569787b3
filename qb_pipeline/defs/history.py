"""The job `tidy_history`: Dagster's own finished runs, with their events and logs, go when they are past their time.

Invariant: a run that has not ended never goes, nor one that something still looks at: the last success of each job for
each company (what an asset shows as its last state, and whether a job that failed has recovered) and the runs of a
backfill that is not through. Of the product's own tables nothing goes here: journal and rows of runs stay.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dagster import (
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultScheduleStatus,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    RunRequest,
    RunsFilter,
    ScheduleEvaluationContext,
    SkipReason,
    in_process_executor,
    job,
    op,
    schedule,
)
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.tags import BACKFILL_ID_TAG, PARTITION_NAME_TAG
from sqlalchemy import delete

from qb_pipeline.defs.partitions import COMPANY_TAG
from qb_pipeline.settings import Settings, settings

_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
_AT_ONCE = 200  # runs between two looks at the clock
_LONGEST = 600.0  # seconds of one night; what is left goes in the next


@dataclass
class _Watched:
    """Which old runs are still looked at; what was asked once is remembered."""

    instance: DagsterInstance
    _successes: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _backfills: dict[str, bool] = field(default_factory=dict)

    def has(self, run: DagsterRun) -> bool:
        backfill = run.tags.get(BACKFILL_ID_TAG)
        if backfill is not None and self._goes_on(backfill):
            return True
        return run.status is DagsterRunStatus.SUCCESS and self._last_success(run) == run.run_id

    def _goes_on(self, backfill_id: str) -> bool:
        if backfill_id not in self._backfills:
            found = self.instance.get_backfill(backfill_id)
            self._backfills[backfill_id] = found is not None and found.status not in BULK_ACTION_TERMINAL_STATUSES
        return self._backfills[backfill_id]

    def _last_success(self, run: DagsterRun) -> str:
        """The newest success of the run's job for its company; a run started from an asset's page names only its
        partition."""
        tag = next((t for t in (COMPANY_TAG, PARTITION_NAME_TAG) if t in run.tags), "")
        key = (run.job_name, tag, run.tags.get(tag, ""))
        if key not in self._successes:
            same = RunsFilter(
                job_name=run.job_name, statuses=[DagsterRunStatus.SUCCESS], tags={tag: key[2]} if tag else {}
            )
            [newest] = self.instance.get_run_records(same, limit=1)
            self._successes[key] = newest.dagster_run.run_id
        return self._successes[key]


def kept_since(current: Settings) -> datetime:
    """The moment before which a run must have ended to go."""
    return datetime.now(UTC) - timedelta(days=current.keep_runs_days)


def past(instance: DagsterInstance, before: datetime) -> Iterator[list[str]]:
    """Ids of the runs that ended before the moment and that nothing looks at, oldest first, some at a time; they may be
    removed as they are given."""
    watched = _Watched(instance)
    page = _page(instance, before, None)
    while page:
        # Read ahead: a run that was removed marks no place any more.
        following = _page(instance, before, page[-1].run_id)
        if going := [run.run_id for run in page if not watched.has(run)]:
            yield going
        page = following


def _page(instance: DagsterInstance, before: datetime, after: str | None) -> list[DagsterRun]:
    old = RunsFilter(statuses=_ENDED, updated_before=before)
    found = instance.get_run_records(old, limit=_AT_ONCE, ascending=True, cursor=after)
    return [record.dagster_run for record in found]


def forget(
    instance: DagsterInstance,
    before: datetime,
    say: Callable[[str], None] = lambda _line: None,
    seconds: float = _LONGEST,
) -> tuple[int, bool]:
    """Remove past runs, oldest first, for as long as there is time; how many went, and whether any were left over.

    The run itself goes last: were anything before to fail, it is still there to be found by the next night.
    """
    until, gone = time.monotonic() + seconds, 0
    for going in past(instance, before):
        if time.monotonic() >= until:
            return gone, True
        _drop_checks(instance, going)
        for run_id in going:
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            instance.delete_run(run_id)
        gone += len(going)
        say(f"{gone:,} runs were removed so far.")
    return gone, False


def _drop_checks(instance: DagsterInstance, run_ids: Sequence[str]) -> None:
    """What the checks of these runs found: Dagster leaves it behind when it removes a run, and offers no way to."""
    events = instance.event_log_storage
    if isinstance(events, SqlEventLogStorage):
        with events.index_connection() as conn:
            conn.execute(delete(AssetCheckExecutionsTable).where(AssetCheckExecutionsTable.c.run_id.in_(run_ids)))


@op(
    description="Removes Dagster's finished runs that are older than QB_KEEP_RUNS_DAYS, oldest first.", out=Out(Nothing)
)
def remove_old_runs(context: OpExecutionContext) -> Output[None]:
    """For ten minutes at most; the next night goes on."""
    gone, more = forget(context.instance, kept_since(settings()), context.log.info)
    context.log.info(f"{gone:,} runs were removed; " + ("the next night goes on." if more else "no more are past."))
    return Output(None, metadata={"runs removed": gone, "more are left": more})


@job(
    name="tidy_history",
    description="Removes Dagster's own finished runs with their events and logs when they are past QB_KEEP_RUNS_DAYS. "
    "Journal, links and the pipeline's own rows of runs stay.",
    executor_def=in_process_executor,
    tags={"qb/job": "tidy_history"},
)
def tidy_history() -> None:
    remove_old_runs()


@schedule(
    name="history_nightly",
    job=tidy_history,
    cron_schedule="15 4 * * *",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Has Dagster's old runs removed every night; nothing is started while none is old enough.",
)
def history_nightly(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """One request when there is a run to remove."""
    current = settings()
    if next(past(context.instance, kept_since(current)), None) is None:
        yield SkipReason(f"No run that may go is older than {current.keep_runs_days:g} days.")
        return
    yield RunRequest()
