"""The planner: what, if anything, must be written for one record; a pure function of the three trees and the rules.

Invariant: equal trees plan nothing; a plan never contains a write into a closed period, onto a frozen record or with a
reference the target doesn't know; what can't be written becomes a named problem or waits visibly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, Removal, Side
from qb_pipeline.entities.values import same
from qb_pipeline.quickbooks.codecs.base import frozen_by_closing
from qb_pipeline.sync import refusals
from qb_pipeline.sync.lines import lines_edited
from qb_pipeline.sync.linkspace import Unlinked, unlinked
from qb_pipeline.sync.merge import Both, Merged, merge
from qb_pipeline.sync.refusals import Problem, system
from qb_pipeline.sync.rules import Rules

Verb = Literal["create", "update", "void", "delete"]
OPEN = "balance"  # in a base: what was still unpaid when a person said that the document goes all the same


@dataclass(frozen=True)
class Node:
    """One side's observation, its references in link space."""

    id: str
    version: str
    updated_at: datetime
    values: Mapping[str, Any]
    label: str
    state: State = State.LIVE
    skip: str | None = None
    frozen: str | None = None


@dataclass(frozen=True)
class Application:
    """What another QuickBooks record settles on a document: "Payment 1042 (80.00)". `agreed` says that both sides
    agreed on it and nothing holds it there; `frozen` why it can't be taken back."""

    name: str
    agreed: bool
    frozen: str | None = None


@dataclass(frozen=True)
class Tree:
    """The three trees of one record; `link_id` None before first contact. `held` says why it must wait for a person,
    `left_over` that we made it ourselves and it lost its counterpart."""

    contractor: Node | None
    quickbooks: Node | None
    link_id: int | None = None
    base: Mapping[str, Any] | None = None
    removed: bool = False
    contractor_edits: Mapping[str, datetime] = field(default_factory=dict)
    quickbooks_edits: Mapping[str, datetime] = field(default_factory=dict)
    held: str | None = None
    left_over: Problem | None = None
    relinked: frozenset[str] = frozenset()  # fields that were agreed to refer to a link that a person took back
    applied: tuple[Application, ...] = ()  # in QuickBooks, to a document that the contractor let go of

    def node(self, side: Side) -> Node | None:
        return self.contractor if side is Side.CONTRACTOR else self.quickbooks

    @property
    def label(self) -> str:
        node = self.quickbooks or self.contractor
        return node.label if node else "?"


@dataclass(frozen=True)
class Operation:
    """One owed write. `values` is the complete desired record in link space, `changed` the fields that differ."""

    target: Side
    verb: Verb
    values: Mapping[str, Any]
    changed: frozenset[str]
    source_id: str | None
    target_id: str | None
    version: str | None
    label: str

    @property
    def removes(self) -> bool:
        """Whether it takes the record out of use: void, delete, or inactivation."""
        inactivates = self.verb == "update" and "active" in self.changed and not self.values.get("active")
        return self.verb in ("void", "delete") or inactivates


class Verdict(StrEnum):
    AGREED = "agreed"
    WRITE = "write"
    PARKED = "parked"
    CONFLICT = "conflict"
    EXCEPTION = "exception"
    SKIPPED = "skipped"
    REVIEW = "review"
    ENDED = "ended"  # gone on both sides, or there is nothing left to agree on


@dataclass
class Plan:
    """The verdict for one record and what it needs."""

    verdict: Verdict
    operations: list[Operation] = field(default_factory=list)
    base: Mapping[str, Any] | None = None
    waits_for: list[Unlinked] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    reason: str = ""


def plan(entity: Entity, tree: Tree, rules: Rules) -> Plan:
    """Decide for one record; see `Verdict`."""
    contractor, quickbooks = tree.contractor, tree.quickbooks
    skip = next((n.skip for n in (contractor, quickbooks) if n and n.skip), None)
    if skip:
        return Plan(Verdict.SKIPPED, reason=skip)
    if tree.left_over is not None and tree.link_id is None:
        return _plan_left_over(tree, tree.left_over)
    if tree.held and tree.link_id is None:
        return Plan(Verdict.REVIEW, reason=tree.held)
    if contractor is not None and quickbooks is not None:
        decided = _plan_linked(entity, tree, contractor, quickbooks, rules)
    else:
        decided = _plan_one_sided(entity, tree, rules)
    if tree.held and decided.verdict not in (Verdict.AGREED, Verdict.ENDED):
        return Plan(Verdict.REVIEW, reason=tree.held)
    return _checked(entity, tree, decided, rules)


def _plan_left_over(tree: Tree, problem: Problem) -> Plan:
    """A copy of our own is never copied back; once it is out of use there is nothing left to say of it."""
    node = tree.quickbooks or tree.contractor
    if node is None or node.state is not State.LIVE or node.values.get("active") is False:
        return Plan(Verdict.ENDED, reason=problem.cause)
    return Plan(Verdict.EXCEPTION, problems=[problem], reason=problem.cause)


def _plan_one_sided(entity: Entity, tree: Tree, rules: Rules) -> Plan:
    side = Side.CONTRACTOR if tree.contractor is not None else Side.QUICKBOOKS
    node = tree.node(side)
    if node is None:
        return Plan(Verdict.ENDED, reason="neither side has it")
    if node.state is not State.LIVE:
        return _gone_before(node, side)
    if not rules.entity_direction(entity).allows(side.other):
        return Plan(Verdict.SKIPPED, reason=_one_way(entity, side, rules))
    if tree.link_id is not None:
        return Plan(Verdict.EXCEPTION, problems=[refusals.counterpart_unread(node.label, side)])
    travels = [f for f in entity.fields if rules.direction(entity, f).allows(side.other)]
    sent = {f.name: _sent(f, node.values.get(f.name)) for f in travels}
    waiting = unlinked(entity, sent)
    if waiting:
        return Plan(Verdict.PARKED, waits_for=waiting)
    fields = frozenset(k for k, v in sent.items() if v not in (None, ()))
    create = Operation(side.other, "create", sent, fields, node.id, None, None, node.label)
    return Plan(Verdict.WRITE, [create], base={})


def _gone_before(node: Node, side: Side) -> Plan:
    if node.state is State.DELETED:
        return Plan(Verdict.ENDED, reason=f"deleted in {system(side)} before it reached the other side")
    return Plan(Verdict.SKIPPED, reason=f"void in {system(side)} before first contact: nothing to agree on")


def _sent(spec: Field, value: Any) -> Any:
    """A creation's lines are all new to the target; each remembers its twin on the source side."""
    if spec.kind is not Kind.LINES or spec.line_key != "id":
        return value
    return tuple({**line, "id": None, "twin": line.get("id")} for line in value or ())


def _plan_linked(entity: Entity, tree: Tree, contractor: Node, quickbooks: Node, rules: Rules) -> Plan:
    if contractor.state is State.LIVE and quickbooks.state is State.LIVE:
        return _plan_live(entity, tree, contractor, quickbooks, rules)
    if contractor.state is not State.LIVE and quickbooks.state is not State.LIVE:
        return Plan(Verdict.ENDED, base=tree.base or {}, reason="void or deleted on both sides")
    return _plan_removal(entity, tree, contractor, quickbooks, rules)


def _plan_live(entity: Entity, tree: Tree, contractor: Node, quickbooks: Node, rules: Rules) -> Plan:
    both = Both(
        contractor.values, quickbooks.values, contractor.updated_at, quickbooks.updated_at,
        tree.contractor_edits, tree.quickbooks_edits, tree.relinked,
    )  # fmt: skip
    merged = merge(entity, both, tree.base, rules)
    operations = [op for side in Side if (op := _update(entity, tree, side, merged)) is not None]
    problems = [refusals.conflict(tree.label, c) for c in merged.conflicts]
    problems += [refusals.fixed_at_creation(entity, tree.label, c) for c in merged.fixed]
    if operations:
        return Plan(Verdict.WRITE, operations, merged.base, problems=problems)
    if problems:
        verdict = Verdict.CONFLICT if merged.conflicts else Verdict.EXCEPTION
        return Plan(verdict, base=merged.base, problems=problems)
    return Plan(Verdict.AGREED, base=merged.base)


def _update(entity: Entity, tree: Tree, side: Side, merged: Merged) -> Operation | None:
    changes, target, source = merged.target(side), tree.node(side), tree.node(side.other)
    if not changes or target is None or source is None:
        return None
    desired = {**target.values, **changes}
    changed = _with_groups(entity, frozenset(changes))
    for name in merged.recompute:
        desired.pop(name, None)
    return Operation(side, "update", desired, changed, source.id, target.id, target.version, target.label)


def _with_groups(entity: Entity, changed: frozenset[str]) -> frozenset[str]:
    """QBO replaces an address as a whole, so one changed part sends all six."""
    groups = {entity[name].group for name in changed} - {None}
    return changed | {f.name for f in entity.fields if f.group in groups}


def _plan_removal(entity: Entity, tree: Tree, contractor: Node, quickbooks: Node, rules: Rules) -> Plan:
    """One side let go of the record: the other follows, unless it was edited meanwhile or is back."""
    gone, left = (contractor, quickbooks) if contractor.state is not State.LIVE else (quickbooks, contractor)
    left_side = Side.QUICKBOOKS if left is quickbooks else Side.CONTRACTOR
    base = tree.base or {}
    if _let_go(entity, left):
        return Plan(Verdict.ENDED, base={**base, "active": False}, reason="gone there, inactive here")
    if not rules.entity_direction(entity).allows(left_side):
        return Plan(Verdict.SKIPPED, reason=_one_way(entity, left_side.other, rules))
    held = _held_back(entity, tree, gone, left, left_side)
    if held is not None:
        verdict = Verdict.EXCEPTION if held.code == refusals.FROZEN.code else Verdict.CONFLICT
        return Plan(verdict, base=tree.base, problems=[held])
    if entity.removal is Removal.INACTIVATE and gone is quickbooks and not tree.removed:
        asked = refusals.name_gone(entity, tree.label, contractor.id, quickbooks.id)
        return Plan(Verdict.CONFLICT, base=tree.base, problems=[asked])
    verb, values, changed = removal_verb(entity, left_side, gone, left)
    operation = Operation(left_side, verb, values, changed, gone.id, left.id, left.version, left.label)
    return Plan(Verdict.WRITE, [operation], tree.base)


def _held_back(entity: Entity, tree: Tree, gone: Node, left: Node, left_side: Side) -> Problem | None:
    """What a removal would destroy: an edit of the surviving record, or what was applied to it there."""
    base = tree.base or {}
    if tree.removed or _edited(entity, left_side, left, base):
        return refusals.removed_but_edited(tree.label, gone.state, left_side)
    frozen = next((a for a in tree.applied if a.frozen), None)
    if frozen is not None:
        return refusals.frozen(tree.label, f"{frozen.name} is applied to it, and {frozen.frozen}", left_side)
    kept = [a.name for a in tree.applied if not a.agreed]
    if not kept or (OPEN in base and same(entity[OPEN], left.values.get(OPEN), base[OPEN])):
        return None
    return refusals.removed_but_applied(tree.label, gone.state, left_side, kept)


def removal_verb(
    entity: Entity, target: Side, gone: Node, left: Node
) -> tuple[Verb, Mapping[str, Any], frozenset[str]]:
    if entity.removal is Removal.INACTIVATE and target is Side.QUICKBOOKS:
        return "update", {**left.values, "active": False}, frozenset({"active"})
    voids = entity.removal is Removal.VOID if target is Side.QUICKBOOKS else gone.state is State.VOIDED
    return "void" if voids else "delete", left.values, frozenset()


def _let_go(entity: Entity, node: Node) -> bool:
    """Inactive is how QuickBooks says deleted, and as much as can be done at the contractor's of a name that QuickBooks
    has merged or put below another."""
    return entity.removal is Removal.INACTIVATE and node.values.get("active") is False


def _edited(entity: Entity, side: Side, node: Node, base: Mapping[str, Any]) -> bool:
    """Whether the surviving side differs from what both last agreed on."""
    for spec in entity.fields:
        if spec.direction is Direction.NONE or spec.name not in base or spec.create_only:
            continue
        value = node.values.get(spec.name)
        if spec.kind is Kind.LINES:
            if lines_edited(spec, side, value or (), base[spec.name] or ()):
                return True
        elif not same(spec, value, base[spec.name]):
            return True
    return False


def _checked(entity: Entity, tree: Tree, decided: Plan, rules: Rules) -> Plan:
    """Withhold operations that must not leave: frozen targets, closed periods, unlinked references."""
    allowed: list[Operation] = []
    for operation in decided.operations:
        waiting = unlinked(entity, operation.values, operation.changed)
        problem = forbidden(tree, operation, rules)
        if waiting:
            decided.waits_for.extend(waiting)
        elif problem is not None:
            decided.problems.append(problem)
        else:
            allowed.append(operation)
    if decided.verdict is Verdict.WRITE and not allowed:
        decided.verdict = Verdict.PARKED if decided.waits_for else Verdict.EXCEPTION
    decided.operations = allowed
    return decided


def forbidden(tree: Tree, operation: Operation, rules: Rules) -> Problem | None:
    """Why an operation must not leave, whatever was planned: its target is frozen, or the books are closed, which is
    the same for a record that is to be changed as for a new one."""
    target = tree.node(operation.target)
    if target is not None and target.frozen and not _by_closing(operation.target, target.frozen, rules):
        return refusals.frozen(operation.label, target.frozen, operation.target)
    dates = [operation.values.get("date"), target.values.get("date") if target else None]
    dated = next((d for d in dates if _closed(d, rules.closed_through)), None)
    if operation.target is Side.QUICKBOOKS and dated is not None:
        return refusals.books_closed(operation.label, dated, rules.closed_through)
    return None


def _by_closing(side: Side, reason: str, rules: Rules) -> bool:
    return side is Side.QUICKBOOKS and rules.closed_through is not None and frozen_by_closing(reason)


def _closed(dated: Any, closed_through: date | None) -> bool:
    return isinstance(dated, date) and closed_through is not None and dated <= closed_through


def _one_way(entity: Entity, side: Side, rules: Rules) -> str:
    word = {
        Direction.TO_CONTRACTOR: "kept in QuickBooks and only copied from there",
        Direction.TO_QUICKBOOKS: "kept in the contractor's system and only copied from there",
        Direction.NONE: "only observed",
    }.get(rules.entity_direction(entity), "kept on both sides")
    return f"{entity.plural.replace('_', ' ')} are {word}; this one was changed in {system(side)}"
