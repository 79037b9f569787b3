"""The job `retry_failed`: another attempt for what met a passing fault, when it is due.

Invariant: a schedule starts it for a company only when something is due there; started by hand it tries what is due, or
with `before_their_time` everything that waits for its next attempt.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster import (
    Config,
    DefaultScheduleStatus,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    RunRequest,
    ScheduleEvaluationContext,
    SkipReason,
    op,
    schedule,
)

from qb_pipeline.defs.partitions import COMPANY_TAG, register_companies
from qb_pipeline.defs.readings import job, read_step
from qb_pipeline.defs.store import open_store
from qb_pipeline.defs.timing import reason_to_wait
from qb_pipeline.store import exceptions
from qb_pipeline.sync import retrying
from qb_pipeline.sync.context import Context


class WhatToRetry(Config):
    """Whether to try what is not due yet as well."""

    before_their_time: bool = False


@op(
    description="Looks once more at the records whose next attempt is due.",
    out=Out(Nothing),
    required_resource_keys={"company_run"},
)
def read_due(context: OpExecutionContext, config: WhatToRetry) -> Output[None]:
    """Ask again for writes without an answer and read what is due on both sides."""
    return read_step(context, lambda ctx: _read_due(ctx, everything=config.before_their_time))


def _read_due(ctx: Context, *, everything: bool) -> Mapping[str, Any]:
    ctx.retry_now = everything
    return {"exceptions due": retrying.read_due(ctx)}


retry_failed = job(
    "retry_failed",
    [read_due],
    "Tries again what met a passing fault and is due: refused for the moment, or sent and never answered.",
)


@schedule(
    job=retry_failed,
    cron_schedule="5,35 * * * *",
    default_status=DefaultScheduleStatus.RUNNING,
    description="What met a passing fault gets its next attempt; nothing is started where nothing is due.",
)
def retry_every_30_minutes(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """One request per connected company with something due, or the reason why there is none."""
    _, store = open_store()
    reasons = []
    requested = 0
    for company in register_companies(context.instance, store):
        with store.connect() as conn:
            count = len(exceptions.due(conn, company.name))
        reason = reason_to_wait(context.instance, company, retry_failed.name) if count else None
        if count and reason is None:
            requested += 1
            yield RunRequest(partition_key=company.name, tags={COMPANY_TAG: company.name, "qb/due": str(count)})
        elif reason is not None:
            reasons.append(reason)
    if not requested:
        yield SkipReason(" ".join(reasons) or "Nothing is due for another attempt.")
