"""The synced assets: for each entity match, then diff, then load, after what its records refer to.

Invariant: a record that can't be brought into agreement is told in the metadata and does not fail the step.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from dagster import (
    AssetsDefinition,
    DependencyDefinition,
    GraphDefinition,
    In,
    InputMapping,
    Nothing,
    OpDefinition,
    OpExecutionContext,
    Out,
    Output,
    OutputMapping,
    op,
)

from qb_pipeline.defs import metadata
from qb_pipeline.defs.company_run import CompanyRun
from qb_pipeline.defs.graph import OWNERS, synced_key, two_sided, upstream, words
from qb_pipeline.defs.partitions import COMPANIES
from qb_pipeline.entities.spec import Entity
from qb_pipeline.sync import engine
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.first_contact import match
from qb_pipeline.sync.load import diff

POOL = "quickbooks_writes"
_NOT_HERE = "not kept in agreement for this company: its contractor system has none, or its file says so"


def synced_assets() -> list[AssetsDefinition]:
    """One graph-backed asset for each entity, in the order of writing."""
    return [_synced(entity) for entity in two_sided()]


def _synced(entity: Entity) -> AssetsDefinition:
    inputs = upstream(entity)
    steps = (_match(entity), _diff(entity), _load(entity))
    first, second, third = (step.name for step in steps)
    graph = GraphDefinition(
        name=f"synced_{entity.name}",
        node_defs=steps,
        dependencies={
            second: {"matched": DependencyDefinition(first)},
            third: {"planned": DependencyDefinition(second)},
        },
        input_mappings=[
            InputMapping(graph_input_name=name, mapped_node_name=first, mapped_node_input_name=name) for name in inputs
        ],
        output_mappings=[
            OutputMapping(graph_output_name="result", mapped_node_name=third, mapped_node_output_name="result")
        ],
    )
    return AssetsDefinition.from_graph(
        graph,
        keys_by_input_name=inputs,
        keys_by_output_name={"result": synced_key(entity)},
        partitions_def=COMPANIES,
        group_name="synced",
        descriptions_by_output_name={"result": _description(entity)},
        tags_by_output_name={"result": {"dagster/kind/quickbooks": "", "dagster/kind/postgres": ""}},
        owners_by_output_name={"result": OWNERS},
    )


def _match(entity: Entity) -> OpDefinition:
    @op(
        name=f"match_{entity.name}",
        description=f"Links {words(entity)} that are the same on both sides, and proposes doubtful pairs.",
        ins={name: In(Nothing) for name in upstream(entity)},
        out=Out(Nothing),
        required_resource_keys={"company_run"},
    )
    def step(context: OpExecutionContext) -> Output[None]:
        run: CompanyRun = context.resources.company_run
        with run.step(context) as ctx:
            linked = match(ctx, entity) if _takes_part(ctx, entity) else 0
        return Output(None, metadata={"linked": linked})

    return _as_op(step)


def _diff(entity: Entity) -> OpDefinition:
    @op(
        name=f"diff_{entity.name}",
        description=f"Compares {words(entity)} with what both sides last agreed on; changes nothing.",
        ins={"matched": In(Nothing)},
        out=Out(Nothing),
        required_resource_keys={"company_run"},
    )
    def step(context: OpExecutionContext) -> Output[None]:
        run: CompanyRun = context.resources.company_run
        with run.step(context) as ctx:
            decisions = diff(ctx, entity) if _takes_part(ctx, entity) else []
            run.decisions[entity.name] = decisions
        verdicts = Counter(d.plan.verdict.value for d in decisions)
        return Output(None, metadata={"records that may owe a write": len(decisions), **verdicts})

    return _as_op(step)


def _load(entity: Entity) -> OpDefinition:
    @op(
        name=f"load_{entity.name}",
        description=f"Writes what {words(entity)} owe to either side, and reads it back.",
        ins={"planned": In(Nothing)},
        out={"result": Out(Nothing)},
        required_resource_keys={"company_run"},
        pool=POOL,
    )
    def step(context: OpExecutionContext) -> Output[None]:
        run: CompanyRun = context.resources.company_run
        with run.step(context) as ctx:
            return Output(None, metadata=_loaded(run, ctx, entity))

    return _as_op(step)


def _loaded(run: CompanyRun, ctx: Context, entity: Entity) -> Mapping[str, Any]:
    if not _takes_part(ctx, entity):
        return {"note": _NOT_HERE, "sync run": ctx.run_id}
    before = metadata.calls(ctx)
    decisions = run.decisions.pop(entity.name, None)  # a step tried again, or started by itself, plans for itself
    engine.load_entity(ctx, entity, diff(ctx, entity) if decisions is None else decisions, run.result)
    with ctx.begin() as conn:
        told = metadata.of_synced(ctx, conn, entity)
    return {**told, **metadata.since(before, metadata.calls(ctx)), "sync run": ctx.run_id}


def _takes_part(ctx: Context, entity: Entity) -> bool:
    return entity in engine.entities(ctx)


def _as_op(made: Any) -> OpDefinition:
    if not isinstance(made, OpDefinition):
        raise TypeError("the op decorator answers with an op's definition")
    return made


def _description(entity: Entity) -> str:
    return f"{words(entity).capitalize()} of both systems in agreement, or an exception for each that is not."
