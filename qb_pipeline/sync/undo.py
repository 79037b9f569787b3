"""Taking back a run: compensating writes from what the journal holds of before and after.

Invariant: a write is taken back only where nobody has changed its record since and nothing else rests on it; it goes
through the journal like any write, and the record is held for a person before it leaves, so that no sync does it again.
Each record is read and judged right before its turn, after what depends on it; a plan walks the same way, unwriting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.spec import Direction, Entity, Kind, Removal, Side
from qb_pipeline.entities.values import from_json, same
from qb_pipeline.errors import NotFound
from qb_pipeline.store import exceptions, journal, links, staging
from qb_pipeline.store.journal import Operation as Deed
from qb_pipeline.store.journal import Phase, Write
from qb_pipeline.sync import applications, marks, naming, problems, refusals
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.linkspace import Reference, references
from qb_pipeline.sync.moved_jobs import stage
from qb_pipeline.sync.plan import Node, Operation, forbidden, removal_verb
from qb_pipeline.sync.reviewing import references_to
from qb_pipeline.sync.trees import Owed, owed_of
from qb_pipeline.sync.writing import sendable, write

Target = tuple[str, Side, str]  # entity, side, native id
Left = dict[tuple[Side, int], frozenset[Reference]]  # side and link of what is taken back -> what it refers to then
_NOT_SETTLED = "a write to it is not settled yet; run qb-pipeline sync, which settles it, and undo again"


@dataclass(frozen=True)
class Item:
    """One record that the run wrote on one side, and how that is taken back: an operation, or why it can't be."""

    entity: Entity
    side: Side
    record_id: str
    name: str
    owed: Owed | None = None
    operation: Operation | None = None
    before: Mapping[str, Any] = field(default_factory=dict)  # what is put back, by field, in link space
    after: Mapping[str, Any] = field(default_factory=dict)
    why_not: str | None = None
    earlier: bool = False  # an earlier undo took it back; nothing is left to do


@dataclass
class Undone:
    """What an undo came to."""

    done: list[Item] = field(default_factory=list)
    refused: list[Item] = field(default_factory=list)  # with the reason in `why_not`
    earlier: list[Item] = field(default_factory=list)  # taken back before, so that a repeated undo goes on after them


def plan_undo(ctx: Context, run_id: str) -> list[Item]:
    """What taking back a run would write, updates first and creations last in reverse order; changes neither system.

    Reads every record concerned once more, so that what is compared is what stands there now.
    """
    return _walk(ctx, run_id, lambda item: item)


def undo(ctx: Context, run_id: str) -> Undone:
    """Take back what can be taken back of a run."""
    ctx.ordered = True  # somebody named this very run and may have seen its plan
    result = Undone()
    for item in _walk(ctx, run_id, lambda item: _taken(ctx, item, run_id)):
        (result.earlier if item.earlier else result.refused if item.why_not else result.done).append(item)
    return result


def _walk(ctx: Context, run_id: str, take: Callable[[Item], Item]) -> list[Item]:
    """Judge each record of the run in order and hand `take` what can be taken back; it answers with what came of it."""
    with ctx.begin() as conn:
        rows = journal.of_run(conn, ctx.company, run_id)
        waiting = [_unsettled(ctx, conn, row) for row in rows if row.phase in (Phase.SENT, Phase.ANSWERED)]
    named = {(i.entity.name, i.side, i.record_id) for i in waiting}
    left: Left = {}
    items = []
    for target, written in _ordered(rows):
        if target in named:
            continue
        item = _item(ctx, target, written, left)
        if item.operation is not None:
            item = take(item)
        left |= _left_by(item)
        items.append(item)
    return [*items, *waiting]


def _ordered(rows: Sequence[Write]) -> list[tuple[Target, list[Write]]]:
    """What was written, by record: values first, in the order of writing; then what was created, dependents first."""
    by_target: dict[Target, list[Write]] = {}
    for row in rows:
        if row.phase is Phase.BOUND and row.target_id:
            by_target.setdefault((row.entity, row.side, row.target_id), []).append(row)
    place = {name: n for n, name in enumerate(ENTITIES)}
    updates = sorted((x for x in by_target.items() if not _creates(x[1])), key=lambda x: place[x[0][0]])
    creations = sorted((x for x in by_target.items() if _creates(x[1])), key=lambda x: place[x[0][0]])
    return updates + creations[::-1]


def _creates(written: Sequence[Write]) -> bool:
    return any(w.operation is Deed.CREATE for w in written)


def _left_by(item: Item) -> Left:
    """What a record still refers to once it is taken back: nothing when it is removed."""
    tree = item.owed.tree if item.owed else None
    if tree is None or tree.link_id is None or not (item.operation or item.earlier):
        return {}
    values = item.operation.values if item.operation and item.before else {}
    return {(item.side, tree.link_id): frozenset(references(item.entity, values))}


def _unsettled(ctx: Context, conn: Connection, row: Write) -> Item:
    """A write of the run of which nobody knows yet whether it was done: there is nothing to take back so far."""
    entity = ENTITIES[row.entity]
    named = naming.name_of(ctx, conn, entity, row) or f"{entity.title} {row.target_id or row.source_id}"
    return Item(entity, row.side, row.target_id or "", named, why_not=_NOT_SETTLED)


def _item(ctx: Context, target: Target, written: Sequence[Write], left: Left) -> Item:
    name, side, record_id = target
    entity = ENTITIES[name]
    with ctx.begin() as conn:
        known = staging.fetch(conn, ctx.company, side, name, [record_id]).get(record_id)
        link = links.find(conn, ctx.company, name, side, [record_id]).get(record_id)
        open_rows = journal.open_rows(conn, ctx.company, name)
    item = Item(entity, side, record_id, label(entity, known.record.values) if known else f"{entity.title} {record_id}")
    if any(w.operation in (Deed.VOID, Deed.DELETE) for w in written):
        return _refused(item, f"it was {_past(written[-1])}, which {refusals.system(side)} can't take back")
    if link is None:
        return _refused(item, "it is not linked any more")
    if any(row.link_id == link.id for row in open_rows):
        return _refused(item, _NOT_SETTLED)
    current = _read(ctx, entity, side, record_id)
    [owed] = owed_of(ctx, entity, [link.id])
    if _is_held(ctx, item) and _is_back(entity, owed.tree.node(side), current, written):
        return replace(item, owed=owed, earlier=True)
    return _judged(ctx, item, owed, current, written, left)


def _judged(ctx: Context, item: Item, owed: Owed, current: Record | None, written: Sequence[Write], left: Left) -> Item:
    """The item with what takes it back, or with why nothing can."""
    if current is None:
        return _refused(item, f"it is gone in {refusals.system(item.side)} since")
    changed = _changed_since(ctx, item.entity, current, written)
    if changed:
        return _refused(item, f"somebody changed its {', '.join(changed)} since")
    if not _creates(written):
        return _putting_back(ctx, item, owed, written)
    return _unless_rested_on(ctx, _removing(ctx, item, owed), left)


def _is_held(ctx: Context, item: Item) -> bool:
    """Whether an undo took the record back and nobody has decided about it yet."""
    with ctx.begin() as conn:
        told = exceptions.of_records(conn, ctx.company, item.entity.name, item.side, [item.record_id])
    return any(e.code == refusals.UNDONE.code for e in told.get(item.record_id, ()))


def _is_back(entity: Entity, node: Node | None, current: Record | None, written: Sequence[Write]) -> bool:
    """Whether a record that an undo has held is as it was before the run."""
    if _creates(written) or current is None or node is None:
        return current is None or current.values.get("active") is False
    stood = _stood(entity, written)
    return bool(stood) and all(_alike(entity, name, node.values.get(name), value) for name, value in stood.items())


def _stood(entity: Entity, written: Sequence[Write]) -> dict[str, Any]:
    """By field, what stood there before the run, in link space; nothing when that was not kept."""
    stood: dict[str, Any] = {}
    for row in reversed(written):  # the earliest write of the run knows what stood there before the run
        if not row.before:
            return {}
        stood |= from_json(entity, row.before)
    return stood


def _alike(entity: Entity, name: str, here: Any, stood: Any) -> bool:
    """Whether two values of a field say the same; former lines may stand under new ids."""
    spec = entity[name]
    if spec.kind is not Kind.LINES or spec.line_key != "id":
        return same(spec, here, stood)
    plain = [
        tuple({k: v for k, v in x.items() if k not in ("id", "twin")} for x in lines or ()) for lines in (here, stood)
    ]
    return plain[0] == plain[1]


def _read(ctx: Context, entity: Entity, side: Side, record_id: str) -> Record | None:
    """The record now, staged with the payments that it names; None when it is gone or void."""
    try:
        record = ctx.port(side).read(entity, record_id)
    except NotFound:
        return None
    with ctx.begin() as conn:
        stage(conn, ctx.company, side, entity, [record])
    if side is Side.QUICKBOOKS:
        applications.read_unseen(ctx, [record])
    return record if record.state is State.LIVE else None


def _changed_since(ctx: Context, entity: Entity, current: Record, written: Sequence[Write]) -> list[str]:
    """The labels of what differs between the last answer to the run and the record as it is now."""
    last = written[-1]
    answered = ctx.port(last.side).parse(sendable(last), last.answer or b"").record if last.answer else None
    if answered is None:
        return ["state, as far as can be told: the answer to the run can't be read"]
    if answered.version == current.version:
        return []
    whole = _creates(written)
    told = {name for w in written for name in w.intended}
    compared = [
        f for f in entity.fields if not f.derived and f.direction is not Direction.NONE and (whole or f.name in told)
    ]
    return [f.label for f in compared if answered.values.get(f.name) != current.values.get(f.name)]


def _removing(ctx: Context, item: Item, owed: Owed) -> Item:
    node, source = owed.tree.node(item.side), owed.tree.node(item.side.other)
    if node is None:
        return _refused(item, "it was not read")
    if (
        item.entity.removal is Removal.INACTIVATE
        and item.side is Side.QUICKBOOKS
        and node.values.get("active") is False
    ):
        return _refused(item, "it is inactive already")
    # Before the run the other side knew of no such record here: to remove it is to follow a deletion.
    verb, values, changed = removal_verb(item.entity, item.side, replace(source or node, state=State.DELETED), node)
    operation = Operation(
        item.side, verb, values, changed, source.id if source else None, node.id, node.version, node.label
    )
    return _checked(ctx, item, owed, operation, {}, {})


def _putting_back(ctx: Context, item: Item, owed: Owed, written: Sequence[Write]) -> Item:
    node, source = owed.tree.node(item.side), owed.tree.node(item.side.other)
    before = _stood(item.entity, written)
    if not before:
        return _refused(item, "what stood there before was not kept; the run is older than undo")
    if node is None or source is None:
        return _refused(item, "one of its sides was not read")
    values = {**node.values, **{k: _lines_back(item, owed, k, v) for k, v in before.items()}}
    operation = Operation(item.side, "update", values, frozenset(before), source.id, node.id, node.version, node.label)
    after = {name: node.values.get(name) for name in before}
    return _checked(ctx, item, owed, operation, before, after)


def _lines_back(item: Item, owed: Owed, name: str, value: Any) -> Any:
    """Former lines under the ids they still have; one that is gone becomes a new line."""
    spec, node = item.entity[name], owed.tree.node(item.side)
    if spec.kind is not Kind.LINES or spec.line_key != "id" or node is None:
        return value
    here = {str(x["id"]) for x in node.values.get(name) or ()}
    own, other = f"{item.side.value}_id", f"{item.side.other.value}_id"
    twins = {str(x.get(own)): x.get(other) for x in (owed.tree.base or {}).get(name) or ()}
    return tuple(
        {**x, "id": x["id"] if str(x.get("id")) in here else None, "twin": twins.get(str(x.get("id")))}
        for x in value or ()
    )


def _checked(
    ctx: Context, item: Item, owed: Owed, operation: Operation, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Item:
    problem = forbidden(owed.tree, operation, ctx.rules)
    why_not = None if problem is None else problem.cause.removeprefix(f"{operation.label}: ").rstrip(".")
    return Item(
        item.entity, item.side, item.record_id, item.name, owed, None if why_not else operation, before, after, why_not
    )


def _unless_rested_on(ctx: Context, item: Item, left: Left) -> Item:
    """Refuse to remove what a record refers to that stays."""
    if item.operation is None:
        return item
    with ctx.begin() as conn:
        resting = _resting_on(conn, ctx.company, item, left)
    return _refused(item, f"{', '.join(resting)} refer to it") if resting else item


def _resting_on(conn: Connection, company: str, item: Item, left: Left) -> list[str]:
    """How many live records of each kind refer to this one and stay, as both sides agreed or as its own was read."""
    found = []
    for other in ENTITIES.values():
        staying = _agreed_to_refer(conn, company, item, other, left)
        staying |= _seen_to_refer(conn, company, item, other, left)
        if staying:
            found.append(f"{len(staying)} {other.plural.replace('_', ' ')}")
    return found


def _agreed_to_refer(conn: Connection, company: str, item: Item, other: Entity, left: Left) -> set[str | None]:
    """Ids on the item's side of the linked records of `other` whose base refers to it and that are not gone there."""
    link_id = item.owed.tree.link_id if item.owed else None
    fragments = references_to(other, item.entity.name, link_id) if link_id is not None else ()
    agreed = [
        x for f in fragments for x in links.containing(conn, company, other.name, f)
        if x.state is links.LinkState.LIVE and _stays(item, x.id, left)
    ]  # fmt: skip
    ids = {i for x in agreed if (i := x.id_on(item.side)) is not None}
    staged = staging.fetch(conn, company, item.side, other.name, ids) if ids else {}
    gone = {i for i, s in staged.items() if s.record.state is not State.LIVE or s.record.values.get("active") is False}
    return {x.id_on(item.side) for x in agreed} - gone


def _seen_to_refer(conn: Connection, company: str, item: Item, other: Entity, left: Left) -> set[str | None]:
    """Ids of the records of `other` that refer to the item on its own side, linked or not, and unread payments."""
    referring = applications.referring(conn, company, item.side, other, item.entity.name, item.record_id)
    linked = links.find(conn, company, other.name, item.side, referring)
    here = item.owed.work.on(item.side) if item.owed else None
    named = item.side is Side.QUICKBOOKS and other.name == "payment" and here is not None
    unread = applications.unread(conn, company, here.record) if named and here else []
    return {*unread, *(i for i in referring if i not in linked or _stays(item, linked[i].id, left))}


def _stays(item: Item, link_id: int, left: Left) -> bool:
    """Whether a record that refers to the item does so still when this undo is through with it."""
    own = item.owed.tree.link_id if item.owed else None
    kept = left.get((item.side, link_id))
    return kept is None or (own is not None and Reference(item.entity.name, own) in kept)


def _taken(ctx: Context, item: Item, run_id: str) -> Item:
    error = _take_back(ctx, item, run_id)
    return item if error is None else _refused(item, error)


def _take_back(ctx: Context, item: Item, run_id: str) -> str | None:
    """Hold the record, then write; returns what went wrong, if anything did."""
    if item.owed is None or item.operation is None:
        return "nothing is to be written"
    hold = _hold(ctx, item, run_id)
    _wake(ctx, item.entity, problems.key_of(item.owed))
    write(ctx, item.entity, [(item.owed, item.operation)])
    with ctx.begin() as conn:
        mine = [
            r for r in journal.of_run(conn, ctx.company, ctx.run_id)
            if (r.entity, r.side, r.target_id) == (item.entity.name, item.side, item.record_id)
        ]  # fmt: skip
        if mine and mine[-1].phase is Phase.BOUND:
            ctx.log(conn, item.entity, item.side, "undone", record_id=item.record_id, record_label=item.name,
                    detail={"run": run_id})  # fmt: skip
            return None
        if not mine or mine[-1].phase in (Phase.FAILED, Phase.ABANDONED):
            exceptions.resolve(conn, ctx.company, item.entity.name, item.side, [item.record_id], [hold], ctx.now())
            _forget_refusal(ctx, conn, item.entity, problems.key_of(item.owed))
            said = mine[-1].error if mine else None
            return str(said["cause"]).rstrip(".") if said and "cause" in said else "it could not be written"
    return "no answer came; the next sync asks again, and the record is held"


def _wake(ctx: Context, entity: Entity, key: problems.Key) -> None:
    """Refused before, the same write would rest until somebody acts: to undo is to act."""
    side, record_id = key
    with ctx.begin() as conn:
        told = exceptions.of_records(conn, ctx.company, entity.name, side, [record_id]).get(record_id, ())
        resting = [e.id for e in told if marks.of_a_write(e.fingerprint)]
        exceptions.retry(conn, ctx.company, resting, ctx.now())


def _forget_refusal(ctx: Context, conn: Connection, entity: Entity, key: problems.Key) -> None:
    """Close what the refusal opened for the record: the undo itself says why, no sync owes this write, and a repeated
    undo shall send it again."""
    side, record_id = key
    told = exceptions.of_records(conn, ctx.company, entity.name, side, [record_id]).get(record_id, ())
    codes = [e.code for e in told if e.run_id == ctx.run_id and e.code != refusals.UNDONE.code]
    exceptions.resolve(conn, ctx.company, entity.name, side, [record_id], codes, ctx.now())


def _hold(ctx: Context, item: Item, run_id: str) -> str:
    said = refusals.undone(item.name, item.side, run_id)
    with ctx.begin() as conn:
        problem = problems.shared(ctx, item.entity, item.side, item.record_id, said, item.name, ())
        problems.report(ctx, conn, item.entity, [problem])
    return said.code


def _refused(item: Item, why: str) -> Item:
    return Item(item.entity, item.side, item.record_id, item.name, why_not=why)


def _past(row: Write) -> str:
    return {Deed.VOID: "voided", Deed.DELETE: "deleted"}.get(row.operation, "removed")
