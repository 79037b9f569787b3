"""Asset checks: is anything open for an entity's records.

Invariant: what could not be brought into agreement is a failed check, though the run succeeds; a check only reads.
"""

import warnings
from collections.abc import Iterator

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    multi_asset_check,
)
from dagster._utils.warnings import PreviewWarning

from qb_pipeline.defs.graph import SUMMARY, synced_key, two_sided, words
from qb_pipeline.defs.metadata import listing_of, open_problems, table_of
from qb_pipeline.defs.partitions import COMPANIES
from qb_pipeline.defs.store import open_store
from qb_pipeline.entities.spec import Entity
from qb_pipeline.store.exceptions import Reported

NO_EXCEPTIONS = "no_open_exceptions"
NO_CONFLICTS = "no_conflicts"


def open_checks() -> AssetChecksDefinition:
    """Two checks for each synced asset, in one step at the end: a missing reference is known only there."""
    specs = [spec for entity in two_sided() for spec in _specs(entity)]

    @multi_asset_check(name="check_open", specs=specs, can_subset=True)
    def check(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        _, store = open_store()
        wanted = context.selected_asset_check_keys
        with store.connect() as conn:
            found = {e: open_problems(conn, context.partition_key, e) for e in two_sided()}
            listing = listing_of(conn, context.partition_key)
        for entity, (problems, conflicts) in found.items():
            for name, rows in ((NO_EXCEPTIONS, problems), (NO_CONFLICTS, conflicts)):
                if AssetCheckKey(synced_key(entity), name) in wanted:
                    yield _result(entity, name, rows, listing)

    return check


def _specs(entity: Entity) -> list[AssetCheckSpec]:
    what = words(entity)
    with warnings.catch_warnings():
        # Partitioned checks are in preview: without them one company's pass would hide another's failure.
        warnings.simplefilter("ignore", PreviewWarning)
        return [
            AssetCheckSpec(
                NO_EXCEPTIONS,
                asset=synced_key(entity),
                description=f"No {what} rest with an exception that somebody must fix.",
                additional_deps=[SUMMARY],
                partitions_def=COMPANIES,
            ),
            AssetCheckSpec(
                NO_CONFLICTS,
                asset=synced_key(entity),
                description=f"No {what} were changed differently on both sides where the policy is to ask.",
                additional_deps=[SUMMARY],
                partitions_def=COMPANIES,
            ),
        ]


def _result(entity: Entity, name: str, problems: list[Reported], listing: str) -> AssetCheckResult:
    return AssetCheckResult(
        asset_key=synced_key(entity),
        check_name=name,
        passed=not problems,
        severity=AssetCheckSeverity.WARN,
        metadata={"count": len(problems), **({"open": table_of(problems, listing)} if problems else {})},
    )
