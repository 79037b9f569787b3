"""Three-tree merge of one record, field by field; pure.

Invariant: a value is written to a side only because the other side changed it since the base, or because the field's
direction or policy says so; where both changed differently and the policy is `ask`, neither side is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qb_pipeline.entities.spec import Direction, Entity, Field, Kind, Policy, Side
from qb_pipeline.entities.values import same
from qb_pipeline.sync.lines import LineMerge, merge_lines
from qb_pipeline.sync.rules import Rules


class Missing:
    """The base holds no agreed value for the field."""


MISSING = Missing()


@dataclass(frozen=True)
class Both:
    """The two observed sides of one record, in link space, with the times of their versions."""

    contractor: Mapping[str, Any]
    quickbooks: Mapping[str, Any]
    contractor_at: datetime
    quickbooks_at: datetime
    contractor_edits: Mapping[str, datetime] = field(default_factory=dict)  # field -> first seen to differ
    quickbooks_edits: Mapping[str, datetime] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()  # fields in which a person alone may choose, whatever the policy

    def edited_at(self, side: Side, name: str) -> datetime:
        edits = self.contractor_edits if side is Side.CONTRACTOR else self.quickbooks_edits
        return edits.get(name) or (self.contractor_at if side is Side.CONTRACTOR else self.quickbooks_at)


@dataclass(frozen=True)
class Conflict:
    """Both sides changed one field differently and a person must choose."""

    field: str
    label: str
    contractor: Any
    quickbooks: Any


@dataclass
class Merged:
    """What to write: per side the fields to change and the complete desired values; `base` is what agrees already."""

    base: dict[str, Any] = field(default_factory=dict)
    to_contractor: dict[str, Any] = field(default_factory=dict)
    to_quickbooks: dict[str, Any] = field(default_factory=dict)
    recompute: set[str] = field(default_factory=set)  # derived fields the target works out by itself
    conflicts: list[Conflict] = field(default_factory=list)
    fixed: list[Conflict] = field(default_factory=list)  # alike before, and set at creation only: nobody can write them

    def target(self, side: Side) -> dict[str, Any]:
        return self.to_contractor if side is Side.CONTRACTOR else self.to_quickbooks


def merge(entity: Entity, both: Both, base: Mapping[str, Any] | None, rules: Rules) -> Merged:
    """Merge every field of a linked record; `base` None means first contact."""
    result = Merged()
    derived = [f for f in entity.fields if f.derived]
    for spec in entity.fields:
        if spec.derived or rules.direction(entity, spec) is Direction.NONE:
            continue
        known = MISSING if base is None or spec.name not in base else base[spec.name]
        if spec.create_only:
            _compare_fixed(spec, both, known, result)
        elif spec.kind is Kind.LINES:
            _merge_lines_field(entity, spec, both, known, rules, result)
        else:
            _merge_field(entity, spec, both, known, rules, result)
    for spec in derived:
        _merge_derived(entity, spec, both, base, rules, result)
    return result


def _merge_field(entity: Entity, spec: Field, both: Both, base: Any, rules: Rules, result: Merged) -> None:
    contractor, quickbooks = both.contractor.get(spec.name), both.quickbooks.get(spec.name)
    if same(spec, contractor, quickbooks):
        result.base[spec.name] = quickbooks
        return
    if base is not MISSING:
        result.base[spec.name] = base
    winner = _winner(entity, spec, both, base, rules)
    if winner is None:
        result.conflicts.append(Conflict(spec.name, spec.label, contractor, quickbooks))
        return
    value = contractor if winner is Side.CONTRACTOR else quickbooks
    result.target(winner.other)[spec.name] = value


def _compare_fixed(spec: Field, both: Both, base: Any, result: Merged) -> None:
    """What two records differed in when they were linked is nobody's edit; what was alike once has been changed."""
    contractor, quickbooks = both.contractor.get(spec.name), both.quickbooks.get(spec.name)
    if same(spec, contractor, quickbooks):
        result.base[spec.name] = quickbooks
    elif base is not MISSING:
        result.base[spec.name] = base
        result.fixed.append(Conflict(spec.name, spec.label, contractor, quickbooks))


def _winner(entity: Entity, spec: Field, both: Both, base: Any, rules: Rules) -> Side | None:
    """The side whose differing value stands; None asks a person."""
    direction = rules.direction(entity, spec)
    if spec.name in both.asked:
        return None
    if direction is Direction.TO_QUICKBOOKS:
        return Side.CONTRACTOR
    if direction is Direction.TO_CONTRACTOR:
        return Side.QUICKBOOKS
    changed = [s for s in Side if _changed(spec, both, s, base)]
    if len(changed) == 1:
        return changed[0]
    return _by_policy(rules.policy(entity, spec), spec, both)


def _changed(spec: Field, both: Both, side: Side, base: Any) -> bool:
    value = (both.contractor if side is Side.CONTRACTOR else both.quickbooks).get(spec.name)
    if base is MISSING:  # on first contact an empty field is no statement
        return value is not None
    return not same(spec, value, base)


def _by_policy(policy: Policy, spec: Field, both: Both) -> Side | None:
    if policy is Policy.ASK:
        return None
    if policy is Policy.LATEST_EDIT:
        later = both.edited_at(Side.CONTRACTOR, spec.name) > both.edited_at(Side.QUICKBOOKS, spec.name)
        return Side.CONTRACTOR if later else Side.QUICKBOOKS
    return Side.CONTRACTOR if policy is Policy.CONTRACTOR else Side.QUICKBOOKS


def _merge_lines_field(entity: Entity, spec: Field, both: Both, base: Any, rules: Rules, result: Merged) -> None:
    direction = rules.direction(entity, spec)
    favoured = _favoured(entity, spec, both, rules)
    compared = tuple(f for f in spec.lines if rules.direction(entity, f, parent=spec) is not Direction.NONE)
    lines: LineMerge = merge_lines(
        spec,
        compared,
        both.contractor.get(spec.name) or (),
        both.quickbooks.get(spec.name) or (),
        None if base is MISSING else base,
        favoured=favoured,
        only={Direction.TO_QUICKBOOKS: Side.CONTRACTOR, Direction.TO_CONTRACTOR: Side.QUICKBOOKS}.get(direction),
    )
    result.base[spec.name] = lines.base
    if lines.contested and rules.policy(entity, spec) is Policy.ASK:
        shown = both.contractor.get(spec.name), both.quickbooks.get(spec.name)
        result.conflicts.append(Conflict(spec.name, spec.label, *shown))
        return
    if lines.to_contractor is not None:
        result.to_contractor[spec.name] = lines.to_contractor
    if lines.to_quickbooks is not None:
        result.to_quickbooks[spec.name] = lines.to_quickbooks


def _favoured(entity: Entity, spec: Field, both: Both, rules: Rules) -> Side:
    return _by_policy(rules.policy(entity, spec), spec, both) or Side.QUICKBOOKS


def _merge_derived(
    entity: Entity, spec: Field, both: Both, base: Mapping[str, Any] | None, rules: Rules, result: Merged
) -> None:
    """Tax follows the lines: one-sided edits carry their figure along, two-sided ones let each system work it out."""
    if rules.direction(entity, spec) is Direction.NONE:
        return
    contractor, quickbooks = both.contractor.get(spec.name), both.quickbooks.get(spec.name)
    inputs = {"lines", "tax_code"}
    if inputs & {c.field for c in result.conflicts}:
        if base is not None and spec.name in base:
            result.base[spec.name] = base[spec.name]
        return
    allowed = rules.direction(entity, spec)
    writes_c, writes_q = bool(inputs & result.to_contractor.keys()), bool(inputs & result.to_quickbooks.keys())
    if writes_c and writes_q:
        result.recompute.add(spec.name)
    elif writes_q and allowed.allows(Side.QUICKBOOKS):
        result.to_quickbooks[spec.name] = contractor
    elif writes_c and allowed.allows(Side.CONTRACTOR):
        result.to_contractor[spec.name] = quickbooks
    elif not writes_q and not writes_c:
        known = MISSING if base is None or spec.name not in base else base[spec.name]
        _merge_plain_derived(entity, spec, both, known, rules, result)


def _merge_plain_derived(entity: Entity, spec: Field, both: Both, base: Any, rules: Rules, result: Merged) -> None:
    """Equal lines but different tax: the one who changed it, otherwise QuickBooks, which files the return."""
    contractor, quickbooks = both.contractor.get(spec.name), both.quickbooks.get(spec.name)
    if same(spec, contractor, quickbooks):
        result.base[spec.name] = quickbooks
        return
    if base is not MISSING:
        result.base[spec.name] = base
        if same(spec, quickbooks, base) and rules.direction(entity, spec).allows(Side.QUICKBOOKS):
            result.to_quickbooks[spec.name] = contractor
            return
    if rules.direction(entity, spec).allows(Side.CONTRACTOR):
        result.to_contractor[spec.name] = quickbooks
