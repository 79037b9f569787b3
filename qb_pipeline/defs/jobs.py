"""The job `sync` and its hourly schedule.

Invariant: at most one unfinished sync per company waits or runs because of the schedule.
"""

from collections.abc import Iterator

from dagster import (
    AssetSelection,
    DagsterInstance,
    DagsterRunStatus,
    DefaultScheduleStatus,
    PartitionedConfig,
    RunRequest,
    RunsFilter,
    ScheduleEvaluationContext,
    SkipReason,
    define_asset_job,
    in_process_executor,
    schedule,
)

from qb_pipeline.defs.graph import SUMMARY
from qb_pipeline.defs.partitions import COMPANIES, COMPANY_TAG, register_companies
from qb_pipeline.defs.store import open_store
from qb_pipeline.store.companies import Company, CompanyState

# A refused connection is tried again: the failed run is there to be seen, and one that goes through heals the state.
_TRIED = (CompanyState.CONNECTED, CompanyState.RECONNECT)
_UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]

sync = define_asset_job(
    "sync",
    selection=AssetSelection.assets(SUMMARY).upstream(),
    description="Brings one company's contractor system and QuickBooks into agreement: reads what changed on both "
    "sides, then matches, compares and writes entity by entity. A record that can't be brought into agreement does not "
    "fail the run: see the checks of the synced assets.",
    config=PartitionedConfig(
        COMPANIES,
        run_config_for_partition_key_fn=lambda _company: {},
        tags_for_partition_key_fn=lambda company: {COMPANY_TAG: company},
    ),
    tags={"qb/job": "sync"},
    executor_def=in_process_executor,
)


@schedule(
    job=sync,
    cron_schedule="0 * * * *",
    default_status=DefaultScheduleStatus.RUNNING,
    description="A sync of every connected company, every hour; a company whose last one has not ended is left out.",
)
def hourly_sync(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """One request per connected company, or one reason why there is none."""
    _, store = open_store()
    reasons = []
    requested = 0
    for company in register_companies(context.instance, store):
        reason = _reason_to_wait(context.instance, company)
        if reason is None:
            requested += 1
            yield RunRequest(partition_key=company.name, tags={COMPANY_TAG: company.name})
        else:
            context.log.info(reason)
            reasons.append(reason)
    if not requested:
        yield SkipReason(" ".join(reasons) or "No company is connected yet; qb-pipeline connect does it.")


def _reason_to_wait(instance: DagsterInstance, company: Company) -> str | None:
    if company.state not in _TRIED:
        return f"{company.name} is not connected ({company.state.value}: {company.state_reason or 'no reason noted'})."
    unfinished = RunsFilter(job_name=sync.name, statuses=_UNFINISHED, tags={COMPANY_TAG: company.name})
    if instance.get_runs_count(unfinished):
        return f"The last sync of {company.name} has not ended yet."
    return None
