"""The shape of the asset graph, derived from the entity specs.

Invariant: a synced asset depends on the synced assets of what its records refer to, so that the order of writing is the
order of the graph.
"""

from __future__ import annotations

from dagster import AssetKey

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Direction, Entity, Side

SUMMARY = AssetKey(["synced", "summary"])
OWNERS = ["team:data-engineering"]


def observed() -> list[Entity]:
    """Every entity read from QuickBooks, in the order of writing."""
    return list(ENTITIES.values())


def two_sided() -> list[Entity]:
    """The entities that may be kept in agreement, in the order of writing; which of them a company's contractor system
    has shows when it is opened."""
    return [e for e in ENTITIES.values() if e.direction is not Direction.NONE]


def staging_key(side: Side, entity: Entity) -> AssetKey:
    return AssetKey([side.value, entity.name])


def words(entity: Entity) -> str:
    """The entity's plural as a person writes it."""
    return entity.plural.replace("_", " ")


def synced_key(entity: Entity) -> AssetKey:
    return AssetKey(["synced", entity.name])


def upstream(entity: Entity) -> dict[str, AssetKey]:
    """What a synced asset waits for, by the name of the input: its own staging, and what its records refer to."""
    own = {f"{side.value}_{entity.name}": staging_key(side, entity) for side in Side}
    both = {e.name for e in two_sided()}
    for name in sorted(entity.references):
        referred = ENTITIES[name]
        if name in both:
            own[f"synced_{name}"] = synced_key(referred)
        else:
            own[f"quickbooks_{name}"] = staging_key(Side.QUICKBOOKS, referred)
    return own
