"""Everything Dagster shows, put together from `defs`.

Invariant: loading this opens no connection and takes well under a second beside Dagster's own imports.
"""

from __future__ import annotations

from dagster import Definitions, in_process_executor

from qb_pipeline.defs.backfill import backfill, backfill_gap, reconnected_backfill
from qb_pipeline.defs.checks import open_checks
from qb_pipeline.defs.company_run import company_run
from qb_pipeline.defs.health import (
    connection_health,
    failure_notification,
    freshness,
    freshness_checks,
    freshness_hourly,
)
from qb_pipeline.defs.history import history_nightly, tidy_history
from qb_pipeline.defs.jobs import sync
from qb_pipeline.defs.notices import notices, send_notices
from qb_pipeline.defs.readings import cdc_sweep, nightly_reconciliation, webhook_changes
from qb_pipeline.defs.retry import retry_every_30_minutes, retry_failed
from qb_pipeline.defs.staging_assets import staging_assets
from qb_pipeline.defs.summary import summary_asset
from qb_pipeline.defs.synced_assets import synced_assets
from qb_pipeline.defs.timing import cdc_every_15_minutes, hourly_sync, nightly, webhook_inbox

defs = Definitions(
    assets=[*staging_assets(), *synced_assets(), summary_asset()],
    asset_checks=[open_checks(), *freshness_checks()],
    jobs=[
        sync,
        cdc_sweep,
        webhook_changes,
        nightly_reconciliation,
        backfill,
        backfill_gap,
        freshness,
        send_notices,
        retry_failed,
        tidy_history,
    ],
    schedules=[
        hourly_sync,
        cdc_every_15_minutes,
        nightly,
        freshness_hourly,
        notices,
        retry_every_30_minutes,
        history_nightly,
    ],
    sensors=[webhook_inbox, reconnected_backfill, connection_health, failure_notification],
    resources={"company_run": company_run},
    # Every step in its own process would spend seconds on imports, and could not share the company's session.
    executor=in_process_executor,
)
