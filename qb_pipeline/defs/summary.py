"""The run's end: what records wait for, what stands open, what it cost.

Invariant: records that wait are counted over all entities, also when a run loaded only some of them.
"""

from dataclasses import replace

from dagster import AssetExecutionContext, AssetsDefinition, MaterializeResult, asset

from qb_pipeline.defs import metadata
from qb_pipeline.defs.company_run import CompanyRun
from qb_pipeline.defs.graph import OWNERS, SUMMARY, synced_key, two_sided
from qb_pipeline.defs.partitions import COMPANIES
from qb_pipeline.defs.store import open_store
from qb_pipeline.sync import engine
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.load import diff
from qb_pipeline.sync.plan import Verdict
from qb_pipeline.sync.trees import Owed


def summary_asset() -> AssetsDefinition:
    """`synced/summary`, after all synced assets."""

    @asset(
        key=SUMMARY,
        deps=[synced_key(e) for e in two_sided()],
        partitions_def=COMPANIES,
        group_name="synced",
        description="Ends a run: names what records wait for, and counts what was written and what stands open.",
        kinds={"postgres"},
        owners=OWNERS,
        op_tags={"qb/step": "finish"},
        required_resource_keys={"company_run"},
    )
    def finish(context: AssetExecutionContext) -> MaterializeResult[None]:
        run: CompanyRun = context.resources.company_run
        with run.step(context) as ctx:
            waiting = run.result.parked + _parked_elsewhere(ctx, run.loaded)
            engine.finish(ctx, replace(run.result, parked=waiting))
            settings, _ = open_store()
            return MaterializeResult(metadata=metadata.of_run(ctx, settings, run.result.writes))

    return finish


def _parked_elsewhere(ctx: Context, loaded: set[str]) -> list[Owed]:
    """Without these, a run of a part would take the other parts' missing references for settled."""
    others = [e for e in engine.entities(ctx) if e.name not in loaded]
    return [d.owed for e in others for d in diff(ctx, e) if d.plan.verdict is Verdict.PARKED]
