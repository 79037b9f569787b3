"""Backfills: the gap of a company that was out of touch, by itself; any day, by hand.

Invariant: a gap is closed only by a run that read both sides over all of it and then brought them into agreement.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dagster import (
    DailyPartitionsDefinition,
    DefaultSensorStatus,
    In,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    op,
    sensor,
)

from qb_pipeline.defs.company_run import CompanyRun
from qb_pipeline.defs.partitions import COMPANIES, COMPANY_TAG, register_companies
from qb_pipeline.defs.readings import job, read_step
from qb_pipeline.defs.store import open_store
from qb_pipeline.defs.timing import reason_to_wait
from qb_pipeline.store import gaps
from qb_pipeline.store.companies import CompanyState
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import window

FIRST_DAY = "2020-01-01"
DAYS = MultiPartitionsDefinition({"company": COMPANIES, "day": DailyPartitionsDefinition(FIRST_DAY, end_offset=1)})


@op(
    description="Reads both sides over the time in which the company was out of touch.",
    out=Out(Nothing),
    required_resource_keys={"company_run"},
)
def read_gaps(context: OpExecutionContext) -> Output[None]:
    """Every gap that is owed; the op after it closes them."""
    return read_step(context, _read_gaps)


@op(
    description="Reads both sides over one day.",
    out=Out(Nothing),
    required_resource_keys={"company_run"},
)
def read_day(context: OpExecutionContext) -> Output[None]:
    """The day of the partition, in UTC."""
    day = date.fromisoformat(_key(context).keys_by_dimension["day"])
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return read_step(context, lambda ctx: {"records read": window.read_between(ctx, since, since + timedelta(days=1))})


@op(
    description="Notes that the gaps are filled.",
    ins={"agreed": In(Nothing)},
    out=Out(Nothing),
    required_resource_keys={"company_run"},
)
def close_gaps(context: OpExecutionContext) -> Output[None]:
    """Close what `read_gaps` read: gaps that ended before this run began."""
    run: CompanyRun = context.resources.company_run
    with run.step(context) as ctx, ctx.begin() as conn:
        read = [g for g in gaps.owed(conn, ctx.company) if g.ended_at is not None and g.ended_at <= ctx.started_at]
        closed = sum(gaps.filled(conn, ctx.company, gap.id, ctx.run_id, ctx.now()) for gap in read)
    return Output(None, metadata={"gaps filled": closed})


def _read_gaps(ctx: Context) -> Mapping[str, Any]:
    with ctx.begin() as conn:
        owed = gaps.owed(conn, ctx.company)
    return {
        "gaps": len(owed),
        "from": min((g.began_at for g in owed), default=ctx.started_at).isoformat(),
        "to": max((g.ended_at for g in owed if g.ended_at), default=ctx.started_at).isoformat(),
        "records read": window.fill(ctx, owed),
    }


def _key(context: OpExecutionContext) -> MultiPartitionKey:
    key = context.partition_key
    if not isinstance(key, MultiPartitionKey):
        raise TypeError(f"the partition {key!r} names no company and day")
    return key


backfill = job(
    "backfill",
    [read_day],
    "Reads one day again on both sides and brings what changed then into agreement; choose days and companies in the "
    "UI. A company that was out of touch is filled by backfill_gap by itself.",
    partitions=DAYS,
    company=lambda key: key.rpartition("|")[0],
)
backfill_gap = job(
    "backfill_gap",
    [read_gaps],
    "Reads both sides over the time in which a company was out of touch, and brings into agreement what happened then.",
    after=[close_gaps],
)


@sensor(
    job=backfill_gap,
    minimum_interval_seconds=15,
    default_status=DefaultSensorStatus.RUNNING,
    description="Starts the backfill of a company whose contact is back.",
)
def reconnected_backfill(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    """One request per company with a gap that ended and is not filled yet."""
    _, store = open_store()
    requests, reasons = [], []
    for company in register_companies(context.instance, store):
        with store.connect() as conn:
            owed = gaps.owed(conn, company.name)
        if not owed or company.state is not CompanyState.CONNECTED:
            continue
        reason = reason_to_wait(context.instance, company, backfill_gap.name)
        if reason is not None:
            reasons.append(reason)
            continue
        # A run that failed is followed by another one when the gap is looked at in a new quarter of an hour.
        quarter = int(datetime.now(UTC).timestamp()) // 900
        key = f"{company.name}:{','.join(str(gap.id) for gap in owed)}:{quarter}"
        requests.append(RunRequest(run_key=key, partition_key=company.name, tags={COMPANY_TAG: company.name}))
    if not requests:
        return SkipReason(" ".join(reasons) or "No gap is owed a backfill.")
    return SensorResult(run_requests=requests)
