"""The job that sends notices, and its schedule.

Invariant: a run is started only when a mail is due, so that an instance in good health shows no runs of this job.
"""

from collections.abc import Iterator

from dagster import (
    DefaultScheduleStatus,
    Failure,
    Nothing,
    OpExecutionContext,
    Out,
    Output,
    RunRequest,
    ScheduleEvaluationContext,
    SkipReason,
    in_process_executor,
    job,
    op,
    schedule,
)

from qb_pipeline.defs.store import open_store
from qb_pipeline.errors import PipelineError
from qb_pipeline.notify import sending


@op(description="Sends the alarms, all-clears and digests that are due, in as few mails as possible.", out=Out(Nothing))
def send(context: OpExecutionContext) -> Output[None]:
    """A mail server that refuses fails the run; what it refused stays due."""
    settings, store = open_store()
    try:
        outcome = sending.send_due(store, settings)
    except PipelineError as error:
        metadata = {"code": error.code, "cause": error.cause, "fix": error.fix}
        raise Failure(str(error), metadata=metadata, allow_retries=False) from error
    context.log.info(outcome.note or f"{outcome.mails} mails were sent.")
    return Output(None, metadata={"mails": outcome.mails, "notices": outcome.notices})


@job(
    name="send_notices",
    description="Mails what people are to be told: alarms at once, new exceptions as digests. It needs QB_SMTP_HOST.",
    executor_def=in_process_executor,
    tags={"qb/job": "send_notices"},
)
def send_notices() -> None:
    send()


@schedule(
    name="notices",
    job=send_notices,
    cron_schedule="*/5 * * * *",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Has notices sent where some are due; what the mail server refused is tried ever more seldom.",
)
def notices(_context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
    """One request while a mail is due."""
    settings, store = open_store()
    try:
        due = sending.prepare(store, settings)
    except PipelineError as error:  # half a setting: told at every tick, instead of a schedule that fails
        yield SkipReason(str(error))
        return
    if due:
        yield RunRequest()
        return
    unset = "No mail server is set (QB_SMTP_HOST)." if settings.smtp_host is None else "No mail is due."
    yield SkipReason(unset)
