"""Two systems in memory and a base between them: enough to run the planner until nothing is left to write.

Every line carries a birth mark that neither side's planner sees; copies inherit it, so that a test can tell which
lines anybody ever added or deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from qb_pipeline.entities.spec import Direction, Entity, Kind, Side
from qb_pipeline.entities.values import comparable, from_json, to_json
from qb_pipeline.sync.lines import twins_after_write, with_pairs
from qb_pipeline.sync.merge import Both, merge
from qb_pipeline.sync.plan import Node, Operation, Plan, Tree, plan
from qb_pipeline.sync.rules import Rules
from qb_pipeline_tests.sync.builders import NOON

MARK = "birth"


@dataclass
class Half:
    """One side's record."""

    side: Side
    values: dict[str, Any]
    version: int = 0
    changed_at: int = 0  # minutes after noon
    lines_made: int = 0
    deleted_marks: set[str] = field(default_factory=set)

    def node(self) -> Node:
        at = NOON + timedelta(minutes=self.changed_at)
        return Node(self.side.value, str(self.version), at, self.values, "Record")

    def new_line(self, values: Mapping[str, Any]) -> dict[str, Any]:
        self.lines_made += 1
        line_id = f"{self.side.value[0]}{self.lines_made}"
        return {MARK: line_id, **{k: v for k, v in values.items() if k != "twin"}, "id": line_id}


@dataclass
class Pair:
    """A linked record: both halves and what they agreed on, which travels through JSON as in the store."""

    entity: Entity
    contractor: Half
    quickbooks: Half
    rules: Rules = field(default_factory=Rules)
    stored_base: dict[str, Any] = field(default_factory=dict)
    clock: int = 0

    def half(self, side: Side) -> Half:
        return self.contractor if side is Side.CONTRACTOR else self.quickbooks

    def touch(self, side: Side) -> None:
        self.clock += 1
        half = self.half(side)
        half.changed_at, half.version = self.clock, half.version + 1

    def base(self) -> dict[str, Any]:
        return dict(from_json(self.entity, self.stored_base))

    def plan(self) -> Plan:
        tree = Tree(self.contractor.node(), self.quickbooks.node(), link_id=1, base=self.base())
        return plan(self.entity, tree, self.rules)

    def settle(self, rounds: int = 10) -> int:
        """Plan and write until nothing is owed; returns how many rounds wrote something."""
        for number in range(rounds):
            decided = self.plan()
            for operation in decided.operations:
                self.write(operation)
            if not decided.operations:
                self.stored_base = to_json(self.entity, decided.base or {})
                return number
        raise AssertionError(f"still writing after {rounds} rounds: {self.plan()}")

    def write(self, operation: Operation) -> None:
        """Do what the target system would, then bind the answer."""
        half = self.half(operation.target)
        before = deepcopy(half.values)
        for name in operation.changed:
            value = operation.values.get(name)
            is_lines = self.entity[name].kind is Kind.LINES
            half.values[name] = self._lines(half, name, value) if is_lines else value
        assert half.values != before, f"a write that changes nothing: {operation}"
        self.touch(operation.target)
        self._bind(operation, half)

    def _lines(self, half: Half, name: str, sent: Any) -> tuple[dict[str, Any], ...]:
        here = {x["id"] for x in half.values[name]}
        kept = [x for x in sent if x["id"] is not None]
        assert {x["id"] for x in kept} <= here, "a line id the target never gave"
        lines = [{k: v for k, v in x.items() if k != "twin"} for x in kept]
        return tuple(lines + [half.new_line(x) for x in sent if x["id"] is None])

    def _bind(self, operation: Operation, half: Half) -> None:
        base = self.base()
        for spec in self.entity.fields:
            if spec.kind is not Kind.LINES or spec.line_key != "id" or spec.name not in operation.changed:
                continue
            twins = twins_after_write(operation.values[spec.name], half.values[spec.name])
            pairs = twins if operation.target is Side.QUICKBOOKS else [(mine, theirs) for theirs, mine in twins]
            base[spec.name] = with_pairs(base.get(spec.name) or (), pairs)
        left, right = self.contractor.node(), self.quickbooks.node()
        both = Both(left.values, right.values, left.updated_at, right.updated_at)
        self.stored_base = to_json(self.entity, merge(self.entity, both, base, self.rules).base)

    def content(self, side: Side) -> dict[str, Any]:
        """What a person would compare: every field that travels, lines without their ids and in no order."""
        half = self.half(side)
        shown: dict[str, Any] = {}
        for spec in self.entity.fields:
            if self.rules.direction(self.entity, spec) is Direction.NONE or spec.create_only:
                continue
            value = half.values.get(spec.name)
            if spec.kind is Kind.LINES:
                rows = [tuple(repr(comparable(f, x.get(f.name))) for f in spec.lines) for x in value or ()]
                shown[spec.name] = sorted(rows)
            else:
                shown[spec.name] = comparable(spec, value)
        return shown

    def marks(self, side: Side, name: str = "lines") -> list[str]:
        return sorted(str(x[MARK]) for x in self.half(side).values[name])
