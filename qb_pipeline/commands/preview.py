"""What a sync would write, worked out without writing: neither to the two systems nor to what we know of their links.

Invariant: matching and planning run on one transaction that is always rolled back. What was read stays staged, but no
reading position moves, so the next sync reads and does what it would have read and done without any plan.
Records the plan would create are linked within it, so that what depends on them is planned as it would be written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Entity, Field, Kind, Side
from qb_pipeline.store import exceptions, journal, links, staging
from qb_pipeline.sync import engine as steps
from qb_pipeline.sync.brake import CODE as MASS_CHANGE
from qb_pipeline.sync.brake import hold_mass_changes
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.facts import read_preferences, refresh_credits, refresh_facts
from qb_pipeline.sync.first_contact import match
from qb_pipeline.sync.linkspace import Unlinked
from qb_pipeline.sync.load import Decision, diff
from qb_pipeline.sync.offered import completing
from qb_pipeline.sync.plan import Operation, Verdict

_ROUNDS = 4  # as deep as records of one entity may depend on each other
Names = Mapping[tuple[str, int], str]


@dataclass(kw_only=True)
class Preview(Context):
    """A run's context on one connection whose transaction the caller rolls back."""

    conn: Connection = field(repr=False)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with self.conn.begin_nested():
            yield self.conn


@dataclass
class Planned:
    """The plan of one entity."""

    entity: Entity
    linked: int
    decisions: list[Decision]
    held: list[Operation]


def preview(ctx: Context, only: Sequence[str] | None) -> dict[str, Any]:
    """Read both sides, then plan; the document of `qb-pipeline plan` for one company. `ctx` is a dry run's."""
    read_preferences(ctx)
    refresh_facts(ctx)
    refresh_credits(ctx)
    with ctx.begin() as conn:
        unsettled = len(journal.open_rows(conn, ctx.company))
    steps.extract(ctx)
    with ctx.engine.connect() as conn:
        trial = conn.begin()
        try:
            inside = Preview(conn=conn, **{f.name: getattr(ctx, f.name) for f in fields(ctx)})
            planned = [_plan_entity(inside, entity) for entity in steps.entities(inside, None)]
            chosen = [p for p in planned if only is None or p.entity.name in only]
            return _document(inside, chosen) | {"unsettled_writes": unsettled}
        finally:
            trial.rollback()


def _plan_entity(ctx: Preview, entity: Entity) -> Planned:
    """Other entities are planned too where only some are asked for: references hang on them."""
    linked = match(ctx, entity)
    decided: dict[tuple[str | None, str | None], Decision] = {}
    for _ in range(_ROUNDS):
        current = {_records(d): d for d in diff(ctx, entity)}
        created = [r for r, d in current.items() if _creates(d) and not _creates(decided.get(r))]
        decided = current | {r: d for r, d in decided.items() if _creates(d)}
        if not created:
            break
        links.create_many(ctx.conn, [links.NewLink(ctx.company, entity.name, *r) for r in created])
    decisions = list(decided.values())
    owing = [(d.owed, op) for d in decisions for op in d.plan.operations]
    allowed = {id(op) for _, op in hold_mass_changes(ctx, entity, owing)}
    return Planned(entity, linked, decisions, [op for _, op in owing if id(op) not in allowed])


def _records(decision: Decision) -> tuple[str | None, str | None]:
    tree = decision.owed.tree
    return tree.contractor.id if tree.contractor else None, tree.quickbooks.id if tree.quickbooks else None


def _creates(decision: Decision | None) -> bool:
    return decision is not None and any(op.verb == "create" for op in decision.plan.operations)


def _document(ctx: Preview, planned: Sequence[Planned]) -> dict[str, Any]:
    operations = [
        (p.entity, d, op, op in p.held) for p in planned for d in p.decisions for op in d.plan.operations
    ]  # fmt: skip
    offered = completing(ctx.conn)
    names = _names(ctx, [(entity, values) for entity, d, op, _ in operations for values in (op.values, _now(d, op))])
    return {
        "company": ctx.company,
        "entities": {p.entity.name: counts for p in planned if (counts := _counts(p))},
        "operations": [_operation(entity, d, op, names, held=held) for entity, d, op, held in operations],
        "parked": [_parked(p.entity, d) for p in planned for d in p.decisions if d.plan.verdict is Verdict.PARKED],
        "review": [_waiting(p.entity, d) for p in planned for d in p.decisions if d.plan.verdict is Verdict.REVIEW],
        "brakes": _brakes(ctx),
        "problems": [
            _problem(p.entity, d, x, offered(x.fix, ctx.company))
            for p in planned
            for d in p.decisions
            for x in d.plan.problems
        ],
    }


def _brakes(ctx: Preview) -> list[dict[str, Any]]:
    """What a sync would ask for before it goes on."""
    found = exceptions.listing(ctx.conn, ctx.company, codes=[MASS_CHANGE])
    return [
        {"entity": e.entity, "in": e.side.value, "cause": e.cause, "fix": e.fix, "records": list(e.blocks)}
        for e in found
    ]


def _counts(planned: Planned) -> dict[str, int]:
    """To link, to write by deed and side, and what waits; zeros are left out."""
    counts: defaultdict[str, int] = defaultdict(int)
    counts["to_link"] = planned.linked
    for decision in planned.decisions:
        if decision.plan.verdict not in (Verdict.WRITE, Verdict.AGREED, Verdict.ENDED):
            counts[decision.plan.verdict.value] += 1
        for operation in decision.plan.operations:
            counts[f"{operation.verb}_{operation.target.value}"] += 1
    counts["held"] = len(planned.held)
    return {name: count for name, count in counts.items() if count}


def _operation(entity: Entity, decision: Decision, operation: Operation, names: Names, *, held: bool) -> dict[str, Any]:
    """One write in words: what, where, and each field old and new. `held`: the brake on mass changes would hold it."""
    now = _now(decision, operation)
    changes = [
        _change(spec, now.get(spec.name), operation.values.get(spec.name), names)
        for spec in entity.fields
        if spec.name in operation.changed or (operation.verb == "create" and _says(operation.values.get(spec.name)))
    ]
    return {
        "entity": entity.name,
        "do": operation.verb,
        "in": operation.target.value,
        "record": operation.label,
        "source_id": operation.source_id,
        "target_id": operation.target_id,
        "changes": [c for c in changes if c["old"] != c["new"]],
        "held": held,
    }


def _change(spec: Field, old: Any, new: Any, names: Names) -> dict[str, Any]:
    return {"field": spec.name, "name": spec.label, "old": _plain(spec, old, names), "new": _plain(spec, new, names)}


def _plain(spec: Field, value: Any, names: Names) -> Any:
    """A value for JSON and for people: references by name."""
    if value is None:
        return None
    if spec.kind is Kind.LINES:
        return [
            {f.name: _plain(f, row.get(f.name), names) for f in spec.lines if _says(row.get(f.name))} for row in value
        ]
    if isinstance(value, Unlinked):
        return f"{ENTITIES[value.entity].title} {value.native_id}"
    if spec.refers_to is not None and isinstance(value, int):
        return names.get((spec.refers_to, value), f"link {value}")
    return value if isinstance(value, bool | int) else str(value)


def _says(value: Any) -> bool:
    return value is not None and value not in ("", ())


def _now(decision: Decision, operation: Operation) -> Mapping[str, Any]:
    node = decision.owed.tree.node(operation.target)
    return node.values if node is not None else {}


def _names(ctx: Preview, values: Iterable[tuple[Entity, Mapping[str, Any]]]) -> dict[tuple[str, int], str]:
    """What a person calls the record behind each link that the values refer to."""
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for entity, each in values:
        for target, link_id in _link_ids(entity.fields, each):
            wanted[target].add(link_id)
    return {(name, i): text for name, ids in wanted.items() for i, text in _labels(ctx, ENTITIES[name], ids).items()}


def _link_ids(specs: Sequence[Field], values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for spec in specs:
        value = values.get(spec.name)
        if spec.kind is Kind.LINES:
            for row in value or ():
                yield from _link_ids(spec.lines, row)
        elif spec.refers_to is not None and isinstance(value, int):
            yield spec.refers_to, value


def _labels(ctx: Preview, entity: Entity, ids: Iterable[int]) -> dict[int, str]:
    found = links.get_many(ctx.conn, ctx.company, ids)
    labels: dict[int, str] = {}
    for side in Side:
        natives = {native: x.id for x in found.values() if (native := x.id_on(side)) is not None}
        staged = staging.fetch(ctx.conn, ctx.company, side, entity.name, list(natives))
        labels |= {natives[native]: label(entity, s.record.values) for native, s in staged.items()}
    return labels


def _parked(entity: Entity, decision: Decision) -> dict[str, Any]:
    waits = [f"{ENTITIES[w.entity].title} {w.native_id}" for w in dict.fromkeys(decision.plan.waits_for)]
    return {"entity": entity.name, "record": decision.owed.tree.label, "waits_for": waits}


def _waiting(entity: Entity, decision: Decision) -> dict[str, Any]:
    contractor_id, quickbooks_id = _records(decision)
    return {
        "entity": entity.name, "record": decision.owed.tree.label, "contractor_id": contractor_id,
        "quickbooks_id": quickbooks_id, "why": decision.plan.reason,
    }  # fmt: skip


def _problem(entity: Entity, decision: Decision, problem: Any, fix: str) -> dict[str, Any]:
    return {
        "entity": entity.name, "record": decision.owed.tree.label, "code": problem.code, "cause": problem.cause,
        "fix": fix, "who": problem.who,
    }  # fmt: skip
