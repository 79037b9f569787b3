"""The job `sync` over the whole asset graph.

Invariant: whoever starts it, it is one company's run: the partition is the company, and so is the run's tag.
"""

from dagster import AssetSelection, PartitionedConfig, define_asset_job, in_process_executor

from qb_pipeline.defs.graph import SUMMARY
from qb_pipeline.defs.partitions import COMPANIES, COMPANY_TAG

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
