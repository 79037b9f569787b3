"""Jobs that read in one way or another and then bring both sides into agreement: sweeps, webhooks, the night.

Invariant: whatever was read, what is owed is planned from staging anew, in one op that is the engine's own sync without
its reading; a job that fails leaves what it did not look at for the next one.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from dagster import (
    Config,
    DependencyDefinition,
    GraphDefinition,
    In,
    JobDefinition,
    Nothing,
    OpDefinition,
    OpExecutionContext,
    Out,
    Output,
    PartitionedConfig,
    PartitionsDefinition,
    in_process_executor,
    op,
)

from qb_pipeline.defs import metadata
from qb_pipeline.defs.company_run import CompanyRun, company_run, last_try
from qb_pipeline.defs.partitions import COMPANIES, COMPANY_TAG
from qb_pipeline.defs.store import open_store
from qb_pipeline.defs.synced_assets import POOL
from qb_pipeline.store import inbox
from qb_pipeline.sync import engine, merging
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import hints, sweep


class InboxRange(Config):
    """Ids of the webhook events a run is started for, both included; later ones that wait when it reads are its too."""

    first: int
    last: int


@op(
    description="Reads what changed on both sides since the last reading.",
    out=Out(Nothing),
    required_resource_keys={"company_run"},
)
def read_changes(context: OpExecutionContext) -> Output[None]:
    """Change data capture on one side, listings since the position on the other."""
    return read_step(context, _read_changes)


@op(
    description="Looks at the records that webhooks named.",
    out=Out(Nothing),
    required_resource_keys={"company_run"},
)
def read_hinted(context: OpExecutionContext, config: InboxRange) -> Output[None]:
    """Take the events of the range and what came since, and read what they name."""
    patience = hints.Patience(again=not last_try(context))
    return read_step(context, lambda ctx: _read_hinted(ctx, config.first, config.last, patience))


@op(
    description="Compares ids, counts and hashes of everything on both sides with staging.",
    ins={"changes": In(Nothing)},
    out=Out(Nothing),
    required_resource_keys={"company_run"},
)
def read_everything(context: OpExecutionContext) -> Output[None]:
    """The deep sweep: what changed without a trace is found, what vanished is confirmed."""
    return read_step(context, _sweep)


@op(
    description="Matches, compares and writes entity by entity what either side owes the other.",
    ins={"staged": In(Nothing)},
    out=Out(Nothing),
    required_resource_keys={"company_run"},
    pool=POOL,
)
def bring_into_agreement(context: OpExecutionContext) -> Output[None]:
    """The engine's sync, from matching to the summary."""
    run: CompanyRun = context.resources.company_run
    with run.step(context) as ctx:
        engine.agree(ctx, run.result)
        with ctx.begin() as conn:
            inbox.done(conn, ctx.company, ctx.run_id, ctx.now())
        settings, _ = open_store()
        return Output(None, metadata=metadata.of_run(ctx, settings, run.result.writes))


def job(
    name: str,
    reading: Sequence[OpDefinition],
    description: str,
    *,
    after: Sequence[OpDefinition] = (),
    partitions: PartitionsDefinition[str] = COMPANIES,
    company: Callable[[str], str] = str,
) -> JobDefinition:
    """A partitioned job: these readings in turn, then the agreement of both sides, then what comes after.

    `company` tells the company of a partition's key.
    """
    steps = [*reading, bring_into_agreement, *after]
    dependencies = {
        step.name: {next(iter(step.input_dict)): DependencyDefinition(before.name)} for before, step in pairwise(steps)
    }
    graph = GraphDefinition(name=name, node_defs=steps, dependencies=dependencies)
    return graph.to_job(
        name=name,
        description=description,
        resource_defs={"company_run": company_run},
        config=PartitionedConfig(
            partitions,
            run_config_for_partition_key_fn=lambda _key: {},
            tags_for_partition_key_fn=lambda key: {COMPANY_TAG: company(key)},
        ),
        tags={"qb/job": name},
        executor_def=in_process_executor,
    )


cdc_sweep = job(
    "cdc_sweep",
    [read_changes],
    "Reads what changed on both sides and brings it into agreement: the sweep that catches what webhooks did not tell.",
)
webhook_changes = job(
    "webhook_changes",
    [read_hinted],
    "Looks at the records that webhooks named and brings them into agreement.",
)
nightly_reconciliation = job(
    "nightly_reconciliation",
    [read_changes, read_everything],
    "Reads everything on both sides again, compares it with what is known, and brings into agreement what had changed "
    "or vanished without a trace.",
)


def read_step(context: OpExecutionContext, read: Callable[[Context], Mapping[str, Any]]) -> Output[None]:
    """One reading as an op: what it tells and what it cost become the output's metadata."""
    run: CompanyRun = context.resources.company_run
    with run.step(context) as ctx:
        before = metadata.calls(ctx)
        told = read(ctx)
        cost = metadata.since(before, metadata.calls(ctx))
    return Output(None, metadata={**told, **cost})


def _read_changes(ctx: Context) -> Mapping[str, Any]:
    engine.extract(ctx)
    return {}


def _read_hinted(ctx: Context, first: int, last: int, patience: hints.Patience) -> Mapping[str, Any]:
    with ctx.begin() as conn:
        # Launching a run takes a while. What came meanwhile would otherwise wait for this run's end and for another.
        since = inbox.waiting(conn).get(ctx.company)
        events = inbox.take(conn, ctx.company, first, max(last, since.last if since else last), ctx.run_id)
    merged = merging.note_merges(ctx, events)
    read = hints.read(ctx, hints.hints_of(events), patience)
    told = {"events": len(events), "merges": merged, "records read": read}
    left = [f"{one.subject} {one.record_id} ({one.side.value})" for one in patience.left]
    return {**told, **({"can't be read, left to sweeps": ", ".join(left)} if left else {})}


def _sweep(ctx: Context) -> Mapping[str, Any]:
    found = sweep.sweep(ctx)
    return {f"{one.entity} ({one.side.value})": f"{one.found} of {one.counted}" for one in found if one.found}
