"""One Dagster run is one session of one company.

Invariant: the company's lock and the run's row are taken by the first step that needs them, shared by all, and given
back when the run ends, however it ends: finished, failed or terminated.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from dagster import (
    AssetCheckExecutionContext,
    AssetExecutionContext,
    DagsterExecutionInterruptedError,
    DagsterInstance,
    DagsterRunStatus,
    Failure,
    InitResourceContext,
    MultiPartitionKey,
    OpExecutionContext,
    RetryRequested,
    resource,
)

from qb_pipeline.defs.store import open_store
from qb_pipeline.errors import PipelineError, Reconnect, RetryLater
from qb_pipeline.store.failures import explaining
from qb_pipeline.sync import engine
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.engine import Result
from qb_pipeline.sync.load import Decision
from qb_pipeline.sync.session import session

StepContext = OpExecutionContext | AssetExecutionContext | AssetCheckExecutionContext

_TERMINATED = "The run was terminated before it had ended."
_RETRIES = 3
_WAIT = 20.0  # seconds before a step is tried again, where the error does not say


class CompanyRun:
    """What the steps of one run share. `result` gathers their outcomes; `decisions` passes an entity's diff on to its
    load, which plans anew where there is none."""

    def __init__(self, run_id: str, job: str) -> None:
        self.result = Result()
        self.decisions: dict[str, Sequence[Decision]] = {}
        self._run_id, self._job = run_id, job
        self._session: AbstractContextManager[Context] | None = None
        self._context: Context | None = None
        self._prepared = False
        self._unopened: Exception | None = None
        self._failures: dict[str, BaseException] = {}

    @contextmanager
    def step(self, step: StepContext) -> Iterator[Context]:
        """The session for the length of a step; a failure is kept for the session's end and told to Dagster in words.

        A passing fault has the step tried again; what an earlier try left unanswered is settled first.
        """
        name = str(step.op_execution_context.op_handle)
        try:
            with explaining():
                context = self._opened(step)
                if step.op_execution_context.retry_number:
                    self.decisions.clear()
                    engine.prepare(context)
                yield context
        except PipelineError as error:
            self._failures[name] = error
            raise _told(error) from error
        except DagsterExecutionInterruptedError:
            self._failures[name] = InterruptedError(_TERMINATED)
            raise
        except BaseException as error:
            self._failures[name] = error
            raise
        self._failures.pop(name, None)

    def close(self, *, terminated: bool = False) -> None:
        """End the session, with the failure that ended the run if there was one, or because somebody ended it."""
        if self._session is None:
            return
        failure = _gravest(list(self._failures.values()))
        if failure is None and terminated:  # between two steps, which then know nothing of it
            failure = InterruptedError(_TERMINATED)
        held, self._session = self._session, None
        if failure is None:
            held.__exit__(None, None, None)
        else:
            held.__exit__(type(failure), failure, failure.__traceback__)

    def _opened(self, step: StepContext) -> Context:
        if self._context is None:
            self._context = self._open(company_of(step.partition_key))
        self._context.progress = step.log.info
        if not self._prepared:
            engine.prepare(self._context)
            self._prepared = True
        return self._context

    def _open(self, company: str) -> Context:
        """A session that failed to open has left its row; every later step repeats why, as the row's id is spent."""
        if self._unopened is not None:
            raise self._unopened
        settings, store = open_store()
        held = session(store, settings, company, self._job, run_id=self._run_id)
        try:
            context = held.__enter__()
        except RetryLater:  # the company was busy: nothing was begun
            raise
        except Exception as error:
            self._unopened = error
            raise
        self._session = held
        return context


def last_try(step: StepContext) -> bool:
    """Whether a passing fault that the step meets now ends the run."""
    return step.op_execution_context.retry_number >= _RETRIES


def company_of(partition_key: str) -> str:
    """The company of a run's partition, alone or beside a day."""
    return partition_key.keys_by_dimension["company"] if isinstance(partition_key, MultiPartitionKey) else partition_key


@resource(description="The company a run works on: its lock, its connections and its row in the table of runs.")
def company_run(init: InitResourceContext) -> Iterator[CompanyRun]:
    """One for each run; it opens nothing until a step asks."""
    if init.run is None:
        raise ValueError("a company's run needs a Dagster run")
    run = CompanyRun(init.run.run_id, init.run.job_name)
    try:
        yield run
    finally:
        try:
            terminated = _terminated(init.instance, init.run.run_id)
        except BaseException:
            run.close()  # whatever became of Dagster's own tables, the company is given back
            raise
        run.close(terminated=terminated)


def _terminated(instance: DagsterInstance | None, run_id: str) -> bool:
    record = instance.get_run_by_id(run_id) if instance else None
    return record is not None and record.status in (DagsterRunStatus.CANCELING, DagsterRunStatus.CANCELED)


def _told(error: PipelineError) -> Exception:
    if isinstance(error, RetryLater):
        return RetryRequested(max_retries=_RETRIES, seconds_to_wait=error.after or _WAIT)
    return Failure(
        str(error),
        metadata={"code": error.code, "cause": error.cause, "fix": error.fix, "who can fix it": error.who},
        allow_retries=False,
    )


def _gravest(failures: Sequence[BaseException]) -> BaseException | None:
    """A refused connection explains the rest; otherwise the first failure does."""
    return next((f for f in failures if isinstance(f, Reconnect)), failures[0] if failures else None)
