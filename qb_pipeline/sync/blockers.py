"""What stands in many records' way: a reference without a counterpart, or a feature switched off.

Invariant: one cause is one exception, with the names of all it blocks: that of the record in the way where it has one
of its own, else one made for them, which closes by itself when nothing waits any more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from qb_pipeline.entities.spec import Entity, Kind, Side
from qb_pipeline.store import blocks, candidates, exceptions, staging
from qb_pipeline.store.candidates import Candidate
from qb_pipeline.store.exceptions import ExceptionState, Reported
from qb_pipeline.sync import problems, refusals
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.linkspace import Unlinked, unlinked
from qb_pipeline.sync.merge import Conflict
from qb_pipeline.sync.problems import CLASSES_OFF
from qb_pipeline.sync.trees import Owed, entity_of

_SHOWN = 100  # names that an exception lists
Waited = tuple[Side, Unlinked]  # a record without a link that others wait for, and the side it is on


@dataclass
class Asked:
    """What a person is asked about a record of the contractor's, best pair first, and what waits for the answer."""

    pairs: Sequence[Candidate]
    waited: list[Waited] = field(default_factory=list)
    blocked: dict[str, None] = field(default_factory=dict)


def report_waiting(ctx: Context, conn: Connection, parked: Sequence[Owed]) -> int:
    """Tell what waits, once for each record that is waited for: in that record's own exception, in that of the cause
    which holds it back with others, in that of the pair it may be one of, or where nothing is said of it, in one that
    says it is not linked. Returns how many are waited for."""
    blocked = _blocked(parked)
    own = _own_exceptions(ctx, conn, blocked)
    _tell(ctx, conn, {own[waited].id: names for waited, names in blocked.items() if waited in own})
    left = _told_with_a_shared_cause(ctx, conn, {waited: blocked[waited] for waited in blocked if waited not in own})
    asked = _undecided(conn, ctx.company, left)
    found = [_pair(ctx, conn, one) for one in asked]
    told = {waited for one in asked for waited in one.waited}
    found += [_missing_reference(ctx, conn, *waited, names) for waited, names in left.items() if waited not in told]
    exceptions.report(conn, ctx.company, found, ctx.now())
    standing = {(p.entity, p.side, p.record_id, p.code) for p in found}
    for old in exceptions.listing(conn, ctx.company, codes=problems.WAITED_FOR):
        if (old.entity, old.side, old.record_id, old.code) not in standing:
            exceptions.resolve(conn, ctx.company, old.entity, old.side, [old.record_id], [old.code], ctx.now())
    return len(blocked)


def _blocked(parked: Sequence[Owed]) -> dict[Waited, list[str]]:
    """What is waited for in the end, with the names of all that wait for it, directly or behind one another."""
    behind = {
        (side, Unlinked(staged.record.entity, staged.record.id)): waits(owed)
        for owed in parked
        for side in Side
        if (staged := owed.work.on(side)) is not None
    }
    blocked: defaultdict[Waited, list[str]] = defaultdict(list)
    for owed in parked:
        for waited in _roots(waits(owed), behind):
            blocked[waited].append(owed.tree.label)
    return {waited: apart(names) for waited, names in blocked.items()}


def _roots(waited: Sequence[Waited], behind: Mapping[Waited, Sequence[Waited]]) -> list[Waited]:
    """Where what is waited for waits itself, what that waits for; a circle is left as it is."""
    seen: dict[Waited, None] = {}
    ahead = list(waited)
    while ahead:
        one = ahead.pop()
        if one not in seen:
            seen[one] = None
            ahead += behind.get(one, ())
    return [one for one in seen if one not in behind] or list(dict.fromkeys(waited))


def _own_exceptions(ctx: Context, conn: Connection, waited: Iterable[Waited]) -> dict[Waited, Reported]:
    """The exceptions of the records waited for: of several the latest, an ignored one only where there is no other. Of
    ignored ones it is the same in every run, whichever was met last."""
    asked: defaultdict[tuple[str, Side], list[str]] = defaultdict(list)
    for side, reference in waited:
        asked[reference.entity, side].append(reference.native_id)
    found: dict[Waited, Reported] = {}
    for (name, side), ids in asked.items():
        for native_id, listed in exceptions.of_records(conn, ctx.company, name, side, ids).items():
            if own := [e for e in listed if problems.of_itself(e)]:
                found[side, Unlinked(name, native_id)] = max(own, key=_telling)
    return found


def _telling(one: Reported) -> tuple[bool, float, int]:
    heeded = one.state is not ExceptionState.IGNORED
    return heeded, one.last_seen.timestamp() if heeded and one.last_seen else 0.0, one.id


def _tell(ctx: Context, conn: Connection, told: Mapping[int, Sequence[str]]) -> None:
    """Put down what waits for records that have exceptions of their own, and take it back from all the others."""
    before = {e.id: list(e.blocks) for e in exceptions.listing(conn, ctx.company) if problems.of_itself(e)}
    changed = {i: told.get(i, ()) for i, names in before.items() if names != list(told.get(i, ()))}
    blocks.put(conn, ctx.company, changed, ctx.now())


def _told_with_a_shared_cause(
    ctx: Context, conn: Connection, blocked: Mapping[Waited, Sequence[str]]
) -> dict[Waited, Sequence[str]]:
    """Name what waits for records that one cause holds back (closed books, an inactive item) with that cause too;
    returns what is left to tell."""
    listed = exceptions.listing(conn, ctx.company) if blocked else []
    shared = [e for e in listed if not problems.of_itself(e) and e.code not in problems.WAITED_FOR]
    cause_of = {str(name): e for e in shared for name in e.blocks}
    added: defaultdict[int, list[str]] = defaultdict(list)
    left: dict[Waited, Sequence[str]] = {}
    for waited, names in blocked.items():
        if (cause := cause_of.get(_named(ctx, conn, *waited))) is None:
            left[waited] = names
        else:
            added[cause.id] += names
    before = {e.id: list(e.blocks) for e in shared}
    more = {i: list(dict.fromkeys([*before[i], *names])) for i, names in added.items()}
    changed = {i: names for i, names in more.items() if names != before[i]}
    blocks.put(conn, ctx.company, changed, ctx.now())
    return left


def report_untracked_divisions(ctx: Context, conn: Connection) -> None:
    """Divisions need class tracking; where it is off, that is said once, not by silence."""
    division = entity_of("division")
    count = staging.live_count(conn, ctx.company, Side.CONTRACTOR, division.name)
    if not count or ctx.quickbooks.facts.class_tracking != "off":
        exceptions.resolve(conn, ctx.company, division.name, Side.CONTRACTOR, ["*"], [CLASSES_OFF], ctx.now())
        return
    said = refusals.problem(refusals.CLASSES_OFF, Side.CONTRACTOR, count=count)
    problem = problems.shared(ctx, division, Side.CONTRACTOR, "*", said, "Divisions", _divisions(ctx, conn))
    exceptions.report(conn, ctx.company, [problem], ctx.now())


def _divisions(ctx: Context, conn: Connection) -> list[str]:
    """The first of the divisions that stay behind, by name."""
    found = staging.unlinked(conn, ctx.company, Side.CONTRACTOR, "division")
    return [label(entity_of("division"), staged.record.values) for staged in found[:_SHOWN]]


def waits(owed: Owed) -> list[tuple[Side, Unlinked]]:
    """The references of a record that have no link, each with the side it was seen on."""
    staged = owed.work.contractor or owed.work.quickbooks
    if staged is None:
        return []
    entity = entity_of(staged.record.entity)
    nodes = ((Side.CONTRACTOR, owed.tree.contractor), (Side.QUICKBOOKS, owed.tree.quickbooks))
    return [(side, r) for side, node in nodes if node is not None for r in unlinked(entity, node.values)]


def names(ctx: Context, conn: Connection, references: Iterable[tuple[Side, Unlinked]]) -> list[str]:
    """What people call the records referred to."""
    return [_named(ctx, conn, side, reference) for side, reference in dict.fromkeys(references)]


def _named(ctx: Context, conn: Connection, side: Side, reference: Unlinked) -> str:
    target = entity_of(reference.entity)
    staged = staging.fetch(conn, ctx.company, side, target.name, [reference.native_id]).get(reference.native_id)
    return label(target, staged.record.values) if staged else f"{target.title} {reference.native_id}"


def _missing_reference(
    ctx: Context, conn: Connection, side: Side, reference: Unlinked, blocked: Sequence[str]
) -> exceptions.Problem:
    target, named = entity_of(reference.entity), _named(ctx, conn, side, reference)
    said = refusals.missing_reference(target, side, reference.native_id, named, some(blocked))
    return problems.shared(ctx, target, side, reference.native_id, said, named, blocked)


def with_names(
    ctx: Context, conn: Connection, entity: Entity, owed: Owed, problem: refusals.Problem
) -> refusals.Problem:
    """A conflict about a reference, with what people call the two records in the place of their numbers."""
    spec = next((f for f in entity.fields if f.kind is Kind.REF and problem.code == f"conflict_{f.name}"), None)
    contractor, quickbooks = owed.work.contractor, owed.work.quickbooks
    if spec is None or contractor is None or quickbooks is None:
        return problem
    native = {
        Side.CONTRACTOR: contractor.record.values.get(spec.name),
        Side.QUICKBOOKS: quickbooks.record.values.get(spec.name),
    }
    said = {
        side: _named(ctx, conn, side, Unlinked(spec.refers_to or "", str(i))) if i is not None else None
        for side, i in native.items()
    }
    conflict = Conflict(spec.name, spec.label, said[Side.CONTRACTOR], said[Side.QUICKBOOKS])
    return refusals.conflict(owed.tree.label, conflict)


def apart(names: Iterable[str]) -> list[str]:
    """The names of different records, numbered where several are called the same: each is news of its own."""
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(name if seen[name] == 1 else f"{name} (no. {seen[name]})")
    return told


def some(names: Sequence[str], shown: int = 3) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def _undecided(conn: Connection, company: str, blocked: Mapping[Waited, Sequence[str]]) -> list[Asked]:
    """Where records that are waited for may be the same as others: what waits on either side is one question's."""
    listed = {name: candidates.listing(conn, company, entity=name) for name in {one.entity for _, one in blocked}}
    asked: dict[tuple[str, str], Asked] = {}
    for (side, reference), names in blocked.items():
        open_ = listed[reference.entity]
        best = next((c for c in open_ if _own(c, side) == reference.native_id), None)
        if best is not None:
            pairs = [c for c in open_ if c.contractor_id == best.contractor_id]
            one = asked.setdefault((best.entity, best.contractor_id), Asked(pairs))
            one.waited.append((side, reference))
            one.blocked |= dict.fromkeys(names)
    return list(asked.values())


def _pair(ctx: Context, conn: Connection, asked: Asked) -> exceptions.Problem:
    first, blocked = asked.pairs[0], list(asked.blocked)
    target = entity_of(first.entity)
    named = _named(ctx, conn, Side.CONTRACTOR, Unlinked(target.name, first.contractor_id))
    others = [
        f"{_named(ctx, conn, Side.QUICKBOOKS, Unlinked(target.name, c.quickbooks_id))} (score {c.score:.2f})"
        for c in asked.pairs
    ]
    ids = [f"{c.contractor_id} {c.quickbooks_id}" for c in asked.pairs]
    said = refusals.undecided(target, named, others, ids, some(blocked))
    return problems.shared(ctx, target, Side.CONTRACTOR, first.contractor_id, said, named, blocked)


def _own(candidate: Candidate, side: Side) -> str:
    return candidate.contractor_id if side is Side.CONTRACTOR else candidate.quickbooks_id
