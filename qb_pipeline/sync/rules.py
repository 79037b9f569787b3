"""Which way each field travels and who wins, for one company: the specs' defaults under the company's own file.

Invariant: the planner asks only here; a field a company's QuickBooks cannot hold is out of the comparison altogether.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from qb_pipeline.entities.spec import Direction, Entity, Field, Policy


@dataclass(frozen=True)
class Override:
    """What a company's file says of an entity or one of its fields; None leaves the spec's word."""

    direction: Direction | None = None
    policy: Policy | None = None


@dataclass(frozen=True)
class Limit:
    """The brake stops and asks from `fewest` records on, where they are more than `percent` of those linked."""

    percent: int
    fewest: int


@dataclass(frozen=True)
class Brake:
    """How much of a kind of record may be removed on a side within a day, and overwritten by one run."""

    remove: Limit = Limit(25, 25)
    overwrite: Limit = Limit(50, 50)


@dataclass(frozen=True)
class Rules:
    """Effective rules. Keys of `overrides` are "invoice" or "invoice.memo" or "invoice.lines.division"."""

    overrides: Mapping[str, Override] = field(default_factory=dict)
    closed_through: date | None = None  # QBO's BookCloseDate: nothing dated on or before it is written
    brake: Brake = Brake()

    def direction(self, entity: Entity, spec: Field, *, parent: Field | None = None) -> Direction:
        key = f"{entity.name}.{parent.name}.{spec.name}" if parent else f"{entity.name}.{spec.name}"
        own = self.overrides.get(key, Override()).direction
        return narrower(self.entity_direction(entity), own or spec.direction)

    def entity_direction(self, entity: Entity) -> Direction:
        return self.overrides.get(entity.name, Override()).direction or entity.direction

    def policy(self, entity: Entity, spec: Field) -> Policy:
        own = self.overrides.get(f"{entity.name}.{spec.name}", Override()).policy
        return own or self.overrides.get(entity.name, Override()).policy or spec.policy


def narrower(outer: Direction, inner: Direction) -> Direction:
    """What both allow."""
    if outer is Direction.BOTH or outer is inner:
        return inner
    if inner is Direction.BOTH:
        return outer
    return Direction.NONE
