"""The staging assets: one step for each side reads everything that changed there.

Invariant: a side is read in one step, several entities at once, because its position is one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from dagster import AssetExecutionContext, AssetsDefinition, AssetSpec, MaterializeResult, multi_asset

from qb_pipeline.defs import metadata
from qb_pipeline.defs.company_run import CompanyRun
from qb_pipeline.defs.graph import OWNERS, observed, staging_key, two_sided, words
from qb_pipeline.defs.partitions import COMPANIES
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.reading import contractor, quickbooks

_WHOSE = {Side.CONTRACTOR: "the contractor's system", Side.QUICKBOOKS: "QuickBooks"}
_KINDS = {Side.CONTRACTOR: {"postgres"}, Side.QUICKBOOKS: {"quickbooks", "postgres"}}


def staging_assets() -> list[AssetsDefinition]:
    """One multi-asset for each side."""
    return [
        _reading(Side.CONTRACTOR, two_sided(), contractor.extract),
        _reading(Side.QUICKBOOKS, observed(), quickbooks.extract),
    ]


def _reading(
    side: Side, entities: Sequence[Entity], extract: Callable[[Context], Mapping[str, int]]
) -> AssetsDefinition:
    @multi_asset(
        name=f"extract_{side.value}",
        specs=[_spec(side, entity) for entity in entities],
        partitions_def=COMPANIES,
        can_subset=True,
        required_resource_keys={"company_run"},
        description=f"Reads what changed in {_WHOSE[side]} since the last run, or everything the first time.",
    )
    def read(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
        run: CompanyRun = context.resources.company_run
        with run.step(context) as ctx:
            before = metadata.calls(ctx)
            extract(ctx)
            cost = metadata.since(before, metadata.calls(ctx))
            with ctx.begin() as conn:
                found = {e: metadata.of_staging(ctx, conn, side, e) for e in entities}
        for entity, told in found.items():
            key = staging_key(side, entity)
            if key in context.selected_asset_keys:
                yield MaterializeResult(
                    asset_key=key, metadata={**told, "API calls of the whole step": sum(cost.values())}
                )

    return read


def _spec(side: Side, entity: Entity) -> AssetSpec:
    return AssetSpec(
        staging_key(side, entity),
        group_name=side.value,
        description=f"{words(entity).capitalize()} as {_WHOSE[side]} shows them now.",
        kinds=_KINDS[side],
        owners=OWNERS,
    )
