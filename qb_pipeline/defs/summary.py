"""The run's end: what records wait for, what stands open, what it cost.

Invariant: records that wait are counted over all entities, also when a run loaded only some of them.
"""

from dagster import AssetExecutionContext, AssetsDefinition, MaterializeResult, asset

from qb_pipeline.defs import metadata
from qb_pipeline.defs.company_run import CompanyRun
from qb_pipeline.defs.graph import OWNERS, SUMMARY, synced_key, two_sided
from qb_pipeline.defs.partitions import COMPANIES
from qb_pipeline.defs.store import open_store
from qb_pipeline.sync import engine


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
            engine.finish(ctx, run.result)
            settings, _ = open_store()
            return MaterializeResult(metadata=metadata.of_run(ctx, settings, run.result.writes))

    return finish
