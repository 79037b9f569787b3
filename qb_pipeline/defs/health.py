"""Health in Dagster: freshness checks of the summary, and the sensors that raise and clear notices.

Invariant: a sensor here writes notices and nothing else; however often a job fails for a company, one notice says so
until a run of it has succeeded.
"""

import warnings
from collections.abc import Sequence
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetSelection,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    MetadataValue,
    RunFailureSensorContext,
    RunRequest,
    RunsFilter,
    ScheduleDefinition,
    SensorEvaluationContext,
    SkipReason,
    asset_check,
    build_last_update_freshness_checks,
    define_asset_job,
    in_process_executor,
    run_failure_sensor,
    sensor,
)
from dagster._core.storage.tags import WILL_RETRY_TAG
from dagster._utils.warnings import SupersessionWarning
from sqlalchemy import Engine

from qb_pipeline.defs.graph import SUMMARY
from qb_pipeline.defs.notices import send_notices
from qb_pipeline.defs.partitions import COMPANY_TAG
from qb_pipeline.defs.store import open_store
from qb_pipeline.errors import PipelineError
from qb_pipeline.notify import sending, wording
from qb_pipeline.notify.watch import watch
from qb_pipeline.settings import settings
from qb_pipeline.store import companies, notices, runs
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.store.notices import FAILURE
from qb_pipeline.sync import health as judging
from qb_pipeline.sync.health import Health

EVERY_COMPANY = "every_company_is_fresh"


def freshness_checks() -> list[AssetChecksDefinition]:
    """Dagster's own check of the summary's last materialization, and ours that no company hides behind another."""
    limit = timedelta(hours=settings().stale_hours)
    with warnings.catch_warnings():
        # A freshness policy, its successor, shows a state of the asset but is no check that can be run or fail a job.
        warnings.simplefilter("ignore", SupersessionWarning)
        own = build_last_update_freshness_checks(assets=[SUMMARY], lower_bound_delta=limit)
    return [*own, _every_company_is_fresh()]


def _every_company_is_fresh() -> AssetChecksDefinition:
    @asset_check(
        asset=SUMMARY,
        name=EVERY_COMPANY,
        description="For each connected company some run has succeeded within QB_STALE_HOURS.",
    )
    def check() -> AssetCheckResult:
        current, store = open_store()
        with store.connect() as conn:
            found = judging.everything(conn, timedelta(hours=current.stale_hours))
        stale = [h for h in found if any(f.code == "stale" for f in h.findings)]
        return AssetCheckResult(
            passed=not stale,
            severity=AssetCheckSeverity.WARN,
            metadata={"companies": len(found), "stale": MetadataValue.md(_table(stale))},
        )

    return check


def _table(stale: Sequence[Health]) -> str:
    if not stale:
        return "none"
    lines = [f"| {h.company} | {f.reason} | {f.fix} |" for h in stale for f in h.findings if f.code == "stale"]
    return "\n".join(["| company | what | what to do |", "|---|---|---|", *lines])


freshness = define_asset_job(
    "freshness",
    selection=AssetSelection.checks_for_assets(SUMMARY),
    description="Checks whether every company was brought into agreement lately.",
    executor_def=in_process_executor,
    tags={"qb/job": "freshness"},
)
freshness_hourly = ScheduleDefinition(
    name="freshness_hourly",
    job=freshness,
    cron_schedule="50 * * * *",
    default_status=DefaultScheduleStatus.RUNNING,
    description="The freshness checks, every hour: a sync that never ran can't check itself.",
)


@sensor(
    job=send_notices,
    minimum_interval_seconds=60,
    default_status=DefaultSensorStatus.RUNNING,
    description="Looks at every company's connection, tokens and quota, raises and clears notices, and has alarms sent "
    "at once.",
)
def connection_health(context: SensorEvaluationContext) -> RunRequest | SkipReason:
    """A request for the newest alarm nobody was told of; what the mail server refused is left to the schedule."""
    current, store = open_store()
    found = watch(store, current)
    clear_recovered(context.instance, store)
    try:
        newest = sending.newest_alarm(store, current)
    except PipelineError as error:
        return SkipReason(str(error))
    if newest is not None:
        return RunRequest(run_key=f"notice:{newest}")
    return SkipReason("; ".join(f"{h.company}: {h.verdict}" for h in found) or "No company is connected yet.")


@run_failure_sensor(
    name="failure_notification",
    minimum_interval_seconds=30,
    default_status=DefaultSensorStatus.RUNNING,
    description="One notice per company and job that failed, until a run of it succeeds.",
)
def failure_notification(context: RunFailureSensorContext) -> None:
    """Leaves out runs that Dagster starts again by itself, and companies whose connection is known to be refused."""
    _, store = open_store()
    note_failure(store, context.dagster_run)


def note_failure(store: Engine, run: DagsterRun) -> bool:
    """Raise the notice of a failed run; whether it is a new one."""
    company = run.tags.get(COMPANY_TAG)
    if company is None or run.tags.get(WILL_RETRY_TAG) == "true":
        return False
    with store.begin() as conn:
        known = {c.name: c for c in companies.listing(conn)}.get(company)
        # One alarm has said it already, or somebody has ended the connection.
        if known is None or known.state in (CompanyState.RECONNECT, CompanyState.DISCONNECTED):
            return False
        row = runs.get(conn, company, run.run_id)
        text = wording.failure(company, run.job_name, row.error if row else None, run.run_id)
        return notices.raise_(conn, company, FAILURE, run.job_name, text.title, text.body)


def clear_recovered(instance: DagsterInstance, store: Engine) -> int:
    """Clear the notices of failed jobs of which a run has succeeded since; returns how many."""
    with store.connect() as conn:
        failed = notices.open_of_kind(conn, FAILURE)
    cleared = 0
    for notice in failed:
        since = RunsFilter(
            job_name=notice.topic,
            statuses=[DagsterRunStatus.SUCCESS],
            tags={COMPANY_TAG: notice.company},
            updated_after=notice.created_at,
        )
        if instance.get_runs_count(since):
            with store.begin() as conn:
                cleared += notices.clear(conn, notice.company, FAILURE, notice.topic)
    return cleared
