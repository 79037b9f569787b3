"""When jobs start: schedules and the sensor of the webhook inbox.

Invariant: at most one unfinished run of a job per company waits or runs because of a schedule or a sensor, and a
company that is not connected is left out with a reason.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    JobDefinition,
    RunRequest,
    RunsFilter,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    schedule,
    sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from sqlalchemy import Engine

from qb_pipeline.defs.jobs import sync
from qb_pipeline.defs.partitions import COMPANY_TAG, register_companies
from qb_pipeline.defs.readings import cdc_sweep, nightly_reconciliation, read_hinted, webhook_changes
from qb_pipeline.defs.store import open_store
from qb_pipeline.store import inbox
from qb_pipeline.store.companies import Company, CompanyState
from qb_pipeline.store.inbox import Waiting
from qb_pipeline.sync.reading import echoes

AnyJob = JobDefinition | UnresolvedAssetJobDefinition
# A refused connection is tried again: the failed run is there to be seen, and one that goes through heals the state.
_TRIED = (CompanyState.CONNECTED, CompanyState.RECONNECT)
_UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
WATCH_SECONDS = 4.5  # of the five that a turn of Dagster's sensors takes
_PAUSE_SECONDS = 0.25  # between two looks; a look at an empty inbox is one query of an index with nothing in it
_PAUSES_FOR_A_LOOK = 4.0  # times as long as a look took: watching costs a fifth of a core at most
_AGAIN = timedelta(minutes=1)  # before events that a run gave back are handed to another one


def _every(name: str, cron: str, job: AnyJob, description: str) -> ScheduleDefinition:
    @schedule(
        name=name, job=job, cron_schedule=cron, default_status=DefaultScheduleStatus.RUNNING, description=description
    )
    def due(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        """One request per connected company, or one reason why there is none."""
        _, store = open_store()
        reasons = []
        requested = 0
        for company in register_companies(context.instance, store):
            reason = reason_to_wait(context.instance, company, job.name)
            if reason is None:
                requested += 1
                yield RunRequest(partition_key=company.name, tags={COMPANY_TAG: company.name})
            else:
                context.log.info(reason)
                reasons.append(reason)
        if not requested:
            yield SkipReason(" ".join(reasons) or "No company is connected yet; qb-pipeline connect does it.")

    return due


hourly_sync = _every(
    "hourly_sync",
    "0 * * * *",
    sync,
    "A sync of every connected company, every hour; a company whose last one has not ended is left out.",
)
# Beside the full hour, which belongs to the sync.
cdc_every_15_minutes = _every(
    "cdc_every_15_minutes",
    "10,25,40,55 * * * *",
    cdc_sweep,
    "What webhooks did not tell is found within a quarter of an hour.",
)
nightly = _every(
    "nightly",
    "30 2 * * *",
    nightly_reconciliation,
    "Everything on both sides is compared with what is known, every night.",
)


@sensor(
    job=webhook_changes,
    # Dagster turns to its sensors every five seconds; with just that as the shortest interval, every second turn would
    # come a moment too early and be left out.
    minimum_interval_seconds=1,
    default_status=DefaultSensorStatus.RUNNING,
    description="Hands webhook events to runs: one run a company, however many events and whatever they name.",
)
def webhook_inbox(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    """One request per company with waiting events; the cursor holds which ranges were handed over, and when.

    A tick does not only look once: it watches until the next one is near, so that an event is handed over within a
    moment of its coming. What runs hold that are not alive waits as well: a killed one could give nothing back.
    """
    _, store = open_store()
    with store.begin() as conn:
        abandoned = inbox.release_dead(conn)
    if abandoned:
        context.log.info(f"{abandoned} webhook events of runs that ended without a word wait again.")
    until = time.monotonic() + WATCH_SECONDS
    found, took = _timed_look(context, store)
    while isinstance(found, SkipReason) and (left := until - time.monotonic()) > 0:
        # Very many events that must wait make a look dear: watching them must not cost more than handling them.
        time.sleep(min(max(_PAUSE_SECONDS, _PAUSES_FOR_A_LOOK * took), left))
        found, took = _timed_look(context, store)
    return found


def _timed_look(context: SensorEvaluationContext, store: Engine) -> tuple[SensorResult | SkipReason, float]:
    """What a look found, and the seconds it took."""
    began = time.monotonic()
    return _look(context, store), time.monotonic() - began


def _look(context: SensorEvaluationContext, store: Engine) -> SensorResult | SkipReason:
    with store.begin() as conn:
        echoes.let_go(conn)
        waiting = inbox.waiting(conn)
    if not waiting:
        return SkipReason("No webhook event waits.")
    known = {c.name: c for c in register_companies(context.instance, store)}
    handed: dict[str, list[str]] = json.loads(context.cursor or "{}")
    requests, reasons = [], []
    for name, events in sorted(waiting.items()):
        reason = _reason_to_hold(context.instance, known.get(name), events, handed.get(name))
        if reason is not None:
            reasons.append(reason)
            continue
        handed[name] = [f"{events.first}-{events.last}", datetime.now(UTC).isoformat()]
        requests.append(_hand_over(name, events))
    context.update_cursor(json.dumps({n: told for n, told in handed.items() if n in waiting}))
    return SensorResult(run_requests=requests) if requests else SkipReason(" ".join(reasons))


def _hand_over(company: str, events: Waiting) -> RunRequest:
    return RunRequest(
        partition_key=company,
        run_config={"ops": {read_hinted.name: {"config": {"first": events.first, "last": events.last}}}},
        tags={COMPANY_TAG: company, "qb/events": str(events.count)},
    )


def _reason_to_hold(
    instance: DagsterInstance, company: Company | None, events: Waiting, handed: list[str] | None
) -> str | None:
    """Why a company's events are not handed to a run now; None when they are."""
    if company is None:
        return "Events wait for a company that is not known any more."
    reason = reason_to_wait(instance, company, webhook_changes.name)
    if reason is not None or handed is None or handed[0] != f"{events.first}-{events.last}":
        return reason
    # Of a clock that was set back nobody knows how long ago that was.
    if timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(handed[1]) < _AGAIN:
        return f"A run gave back the events of {company.name}; they are handed over again in a minute."
    return None


def reason_to_wait(instance: DagsterInstance, company: Company, job: str) -> str | None:
    """Why no run of the job is to be started for the company now; None when one may be."""
    if company.state not in _TRIED:
        return f"{company.name} is not connected ({company.state.value}: {company.state_reason or 'no reason noted'})."
    unfinished = RunsFilter(job_name=job, statuses=_UNFINISHED, tags={COMPANY_TAG: company.name})
    if instance.get_runs_count(unfinished):
        return f"The last {job} of {company.name} has not ended yet."
    return None
