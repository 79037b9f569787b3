"""Binding: after the answers, links, bases, staged rows and journal move together.

Invariant: the base moves only for fields in which what was read back and the other side agree, or to what we wrote
where the other side has moved since; everything of one group of answers is committed in one transaction, so a crash
leaves either all of it or journal rows to bind again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Direction, Entity, Kind, Side
from qb_pipeline.entities.values import from_json, same, to_json
from qb_pipeline.store import exceptions, journal, links, staging
from qb_pipeline.store.journal import Operation, Phase, Write
from qb_pipeline.store.links import Link, LinkState, LinkUpdate, NewLink
from qb_pipeline.store.staging import Staged
from qb_pipeline.sync import refusals
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.lines import twins_after_write, with_pairs
from qb_pipeline.sync.linkspace import project
from qb_pipeline.sync.merge import Both, merge
from qb_pipeline.sync.moved_jobs import stage
from qb_pipeline.sync.ports import Answered
from qb_pipeline.sync.trees import link_ids_of


@dataclass(frozen=True)
class Bound:
    """One write after binding; `linked_elsewhere` is the link that already holds one of its two records."""

    row: Write
    answer: Answered
    linked_elsewhere: Link | None = None


class _Group:
    """Answers of one entity on one side, bound together; reads the store in bulk."""

    def __init__(self, ctx: Context, conn: Connection, entity: Entity, pairs: Sequence[tuple[Write, Answered]]) -> None:
        self.ctx, self.conn, self.entity = ctx, conn, entity
        self.pairs = pairs
        self.side = pairs[0][0].side
        self.link_of: dict[int, Link] = {}  # journal id -> link
        self.elsewhere: dict[int, Link] = {}

    def bind(self) -> list[Bound]:
        self._stage()
        self._link()
        staged = {side: self._staged(side) for side in Side}
        refs = {side: self._refs(side, staged[side]) for side in Side}
        observed = {
            side: {i: project(self.entity, s.record.values, refs[side]) for i, s in staged[side].items()}
            for side in Side
        }
        updates = [
            update
            for row, answer in self.pairs
            if row.id in self.link_of and (update := self._update(row, answer, staged, observed)) is not None
        ]
        links.update_base_many(self.conn, self.ctx.company, updates)
        journal.mark(self.conn, self.ctx.company, [row.id for row, _ in self.pairs], Phase.BOUND, self.ctx.now())
        return [Bound(row, answer, self.elsewhere.get(row.id)) for row, answer in self.pairs]

    def _stage(self) -> None:
        records = [a.record for _, a in self.pairs if a.record is not None]
        stage(self.conn, self.ctx.company, self.side, self.entity, records)
        gone = [row.target_id for row, a in self.pairs if a.record is None and row.target_id]
        staging.mark_deleted(self.conn, self.ctx.company, self.side, self.entity.name, gone, self.ctx.now())

    def _link(self) -> None:
        known = links.get_many(self.conn, self.ctx.company, [r.link_id for r, _ in self.pairs if r.link_id is not None])
        self.link_of = {r.id: known[r.link_id] for r, _ in self.pairs if r.link_id in known}
        fresh = [(r, a.record.id) for r, a in self.pairs if r.link_id is None and a.record is not None]
        journal.set_target(self.conn, self.ctx.company, {r.id: native for r, native in fresh})
        by_target = self._find(self.side, [native for _, native in fresh])
        by_source = self._find(self.side.other, [r.source_id for r, _ in fresh if r.source_id])
        new: list[tuple[Write, str]] = []
        for row, native in fresh:
            taken = by_target.get(native) or by_source.get(row.source_id or "")
            if taken is None:
                new.append((row, native))
            elif {taken.id_on(self.side), taken.id_on(self.side.other)} == {native, row.source_id}:
                self.link_of[row.id] = taken  # bound before the crash that brought us here
            else:
                self.elsewhere[row.id] = taken
        self._create(new)

    def _find(self, side: Side, ids: Sequence[str]) -> dict[str, Link]:
        return links.find(self.conn, self.ctx.company, self.entity.name, side, ids)

    def _create(self, new: Sequence[tuple[Write, str]]) -> None:
        rows = []
        for row, native in new:
            ids = {self.side: native, self.side.other: row.source_id}
            evidence = [f"written to {self.side.value} from the other side's record"]
            rows.append(
                NewLink(
                    self.ctx.company, self.entity.name, ids[Side.CONTRACTOR], ids[Side.QUICKBOOKS],
                    match_class="written", evidence=evidence,
                )
            )  # fmt: skip
        created = links.create_many(self.conn, rows) if rows else []
        found = links.get_many(self.conn, self.ctx.company, created)
        self.link_of |= {row.id: found[i] for (row, _), i in zip(new, created, strict=True)}

    def _staged(self, side: Side) -> dict[str, Staged]:
        ids = [native for link in self.link_of.values() if (native := link.id_on(side)) is not None]
        return staging.fetch(self.conn, self.ctx.company, side, self.entity.name, ids)

    def _refs(self, side: Side, staged: Mapping[str, Staged]) -> dict[tuple[str, str], int]:
        return link_ids_of(self.conn, self.ctx.company, self.entity, side, [s.record for s in staged.values()])

    def _update(
        self,
        row: Write,
        answer: Answered,
        staged: Mapping[Side, Mapping[str, Staged]],
        observed: Mapping[Side, Mapping[str, Mapping[str, Any]]],
    ) -> LinkUpdate | None:
        link = self.link_of[row.id]
        contractor = staged[Side.CONTRACTOR].get(link.contractor_id or "")
        quickbooks = staged[Side.QUICKBOOKS].get(link.quickbooks_id or "")
        if contractor is None or quickbooks is None:
            return None
        if ended(self.entity, contractor, quickbooks):
            return ending(link, contractor, quickbooks)
        base = _with_line_pairs(self.entity, link, row, answer)
        if row.operation is Operation.CREATE and answer.record is not None:
            base |= _as_answered(self.entity, row, observed[self.side][answer.record.id])
        if row.operation is Operation.UPDATE and answer.record is not None:
            base |= _emptied(self.entity, row, observed[self.side][answer.record.id])
        values = {s.record.side: observed[s.record.side][s.record.id] for s in (contractor, quickbooks)}
        base |= self._moved_since(row, values)
        return agreement(
            self.entity, self.ctx, link, base, contractor, quickbooks, values[Side.CONTRACTOR], values[Side.QUICKBOOKS]
        )

    def _moved_since(self, row: Write, values: Mapping[Side, Mapping[str, Any]]) -> dict[str, Any]:
        """What stands as we wrote it while its source has moved since: it counts as agreed, so that the newer value of
        the source is an edit and our own write is none. What an undo took back is agreed on with nobody."""
        here, there = values[self.side], values[self.side.other]
        moved = {
            n: here.get(n) for n in _taken(self.entity, row, here) if not same(self.entity[n], here[n], there.get(n))
        }
        if not moved or row.target_id is None:
            return moved
        found = exceptions.of_records(self.conn, self.ctx.company, self.entity.name, self.side, [row.target_id])
        undone = any(e.code == refusals.UNDONE.code for e in found.get(row.target_id, ()))
        return {} if undone else moved


def bind(ctx: Context, conn: Connection, entity: Entity, pairs: Sequence[tuple[Write, Answered]]) -> list[Bound]:
    """Store the answers of journalled writes of one entity to one side."""
    return _Group(ctx, conn, entity, pairs).bind() if pairs else []


def not_taken(entity: Entity, row: Write, observed: Mapping[str, Any]) -> tuple[str, ...]:
    """Plain fields whose answer differs from what was sent. Derived figures and lines are settled by planning again."""
    intended = from_json(entity, row.intended)
    return tuple(
        f.name
        for f in entity.fields
        if f.name in intended
        and not f.derived
        and not f.create_only
        and f.kind is not Kind.LINES
        and f.direction is not Direction.NONE
        and not same(f, intended[f.name], observed.get(f.name))
    )


def _taken(entity: Entity, row: Write, observed: Mapping[str, Any]) -> list[str]:
    """Plain fields that we changed and that are as they were sent."""
    intended, before = from_json(entity, row.intended), from_json(entity, row.before)
    missed = not_taken(entity, row, observed)
    return [
        f.name
        for f in entity.fields
        if f.name in intended
        and f.name in observed
        and f.name not in missed
        and not f.derived
        and not f.create_only
        and f.kind is not Kind.LINES
        and f.direction is not Direction.NONE
        and not same(f, before.get(f.name), intended[f.name])
    ]


def ended(entity: Entity, contractor: Staged, quickbooks: Staged) -> bool:
    """Whether both sides have let go; deleted by the contractor and inactive in QuickBooks is the same ending."""
    if State.LIVE not in (contractor.record.state, quickbooks.record.state):
        return True
    if "active" not in entity or contractor.record.state is not State.DELETED:
        return False
    return quickbooks.record.values.get("active") is False


def ending(link: Link, contractor: Staged, quickbooks: Staged) -> LinkUpdate:
    """Inactive counts as agreed, so that a record brought back by the contractor is made active again."""
    inactive = quickbooks.record.state is State.LIVE
    voided = State.VOIDED in (contractor.record.state, quickbooks.record.state)
    return LinkUpdate(
        link.id,
        base={**link.base, "active": False} if inactive else None,
        contractor_hash=contractor.content_hash,
        quickbooks_hash=quickbooks.content_hash,
        state=LinkState.VOIDED if voided else LinkState.REMOVED,
    )


def agreement(
    entity: Entity,
    ctx: Context,
    link: Link,
    base: Mapping[str, Any],
    contractor: Staged,
    quickbooks: Staged,
    contractor_values: Mapping[str, Any],
    quickbooks_values: Mapping[str, Any],
) -> LinkUpdate:
    """The base after looking at both sides; the hashes move only when nothing is left to write."""
    both = Both(contractor_values, quickbooks_values, contractor.record.updated_at, quickbooks.record.updated_at)
    merged = merge(entity, both, base, ctx.rules)
    done = not any((merged.to_contractor, merged.to_quickbooks, merged.conflicts, merged.fixed))
    return LinkUpdate(
        link.id,
        base=to_json(entity, merged.base),
        contractor_hash=contractor.content_hash if done else "",
        quickbooks_hash=quickbooks.content_hash if done else "",
        contractor_changed={} if done else None,
        quickbooks_changed={} if done else None,
        state=LinkState.LIVE if done else None,
    )


def _with_line_pairs(entity: Entity, link: Link, row: Write, answer: Answered) -> dict[str, Any]:
    """The old base, knowing which new line id belongs to which line of the other side."""
    base: dict[str, Any] = dict(from_json(entity, link.base))
    intended = from_json(entity, row.intended)
    for spec in entity.fields:
        if spec.kind is not Kind.LINES or spec.line_key != "id" or spec.name not in intended or not answer.record:
            continue
        twins = twins_after_write(_lines(intended, spec.name), _lines(answer.record.values, spec.name))
        pairs = twins if row.side is Side.QUICKBOOKS else [(mine, theirs) for theirs, mine in twins]
        base[spec.name] = with_pairs(_lines(base, spec.name), pairs)
    return base


def _lines(values: Mapping[str, Any], name: str) -> tuple[dict[str, Any], ...]:
    return tuple(values.get(name) or ())


def _as_answered(entity: Entity, row: Write, observed: Mapping[str, Any]) -> dict[str, Any]:
    """What a creation could not set (QuickBooks creates names active, and credit memos unapplied) counts as agreed as
    answered, so that the difference is written as an update instead of flowing back."""
    intended = from_json(entity, row.intended)
    missed = [n for n in not_taken(entity, row, observed) if intended.get(n) is not None]
    keyed = [f for f in entity.fields if f.kind is Kind.LINES and f.line_key != "id" and f.name in intended]
    linked = {f.name: tuple(x for x in _lines(observed, f.name) if isinstance(x[f.line_key], int)) for f in keyed}
    return {name: observed.get(name) for name in missed} | linked


def _emptied(entity: Entity, row: Write, observed: Mapping[str, Any]) -> dict[str, Any]:
    """A figure that was to be emptied and reads zero: the target knows nothing emptier, so its zero flows back."""
    intended = from_json(entity, row.intended)
    missed = not_taken(entity, row, observed)
    return {n: None for n in missed if intended.get(n) is None and observed.get(n) == 0}
