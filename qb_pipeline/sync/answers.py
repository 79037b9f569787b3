"""The journal's ear: notes what leaves, stores what is answered, binds it, and names what was refused.

Invariant: an answer is stored before it is interpreted, and an unanswered write stays open in the journal until it
is asked for again with the same key.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from qb_pipeline.entities.records import Record, State
from qb_pipeline.entities.spec import Entity, Kind, MatchBy, Side
from qb_pipeline.entities.values import same
from qb_pipeline.errors import FixTheData, NotFound, PipelineError, PlanAgain, PossibleDuplicate, Reconnect
from qb_pipeline.store import candidates, exceptions, journal, links, staging
from qb_pipeline.store.creations import Made
from qb_pipeline.store.journal import Operation, Phase, Write
from qb_pipeline.sync import leftovers, naming, problems
from qb_pipeline.sync.binding import Bound, bind
from qb_pipeline.sync.context import Context, label
from qb_pipeline.sync.linkspace import project
from qb_pipeline.sync.moved_jobs import stage
from qb_pipeline.sync.plan import Node
from qb_pipeline.sync.ports import Answered, Sendable
from qb_pipeline.sync.trees import Owed, link_ids_of
from qb_pipeline.sync.wire import fingerprint

_DEED = {"create": "created", "update": "updated", "void": "voided", "delete": "deleted"}


class Journalist:
    """Listens while the writes of one entity to one side are sent. `progress` counts answers worth planning again."""

    def __init__(self, ctx: Context, entity: Entity, rows: Mapping[int, tuple[Write, Owed | None]]) -> None:
        self._ctx = ctx
        self._entity = entity
        self._rows = rows
        self._lock = threading.Lock()
        self.progress = 0

    def leaving(self, items: Sequence[Sendable]) -> None:
        slots = {i.journal_id: (i.batch_key, i.bid) for i in items}
        with self._ctx.begin_leaving() as conn:
            journal.leave(conn, self._ctx.company, slots, self._ctx.now())

    def may_leave(self) -> None:
        self._ctx.may_write()

    def answered(self, answers: Sequence[Answered]) -> None:
        raws = {a.item.journal_id: a.raw for a in answers if a.raw is not None}
        with self._ctx.begin() as conn:
            journal.store_answers(conn, self._ctx.company, raws, self._ctx.now())
        self.bind_stored(answers)

    def bind_stored(self, answers: Sequence[Answered]) -> None:
        """Take answers whose bytes the journal holds already."""
        self.bind([a for a in answers if a.error is None])
        for answer in answers:
            if answer.error is not None:
                self._refused(answer, answer.error)

    def bind(self, answers: Sequence[Answered]) -> None:
        """Bind answers that are stored already."""
        with self._lock, self._ctx.begin() as conn:  # one at a time: two groups may touch the same referenced rows
            pairs = [(self._rows[a.item.journal_id][0], a) for a in answers]
            keys = {key for row, answer in pairs for key in self._keys(row, answer)}
            problems.release_company(self._ctx, conn, self._entity, keys)
            for bound in bind(self._ctx, conn, self._entity, pairs):
                self._note_bound(conn, bound)
            if any(row.side is Side.QUICKBOOKS for row, _ in self._rows.values()):
                self._ctx.note_calls(conn)
        self._count(len(answers))

    def _note_bound(self, conn: Any, bound: Bound) -> None:
        row, record = bound.row, bound.answer.record
        ctx, entity = self._ctx, self._entity
        name = label(entity, record.values) if record else f"{entity.title} {row.target_id}"
        ctx.tally.add(entity.name, f"{_DEED[row.operation.value]}_{row.side.value}")
        ctx.log(
            conn, entity, row.side, _DEED[row.operation.value], record_id=record.id if record else row.target_id,
            record_label=name, detail={"fields": sorted(row.intended), "key": row.request_key},
        )  # fmt: skip
        ctx.bound.add((entity.name, row.source_id, _fingerprint(row)))
        if bound.linked_elsewhere is not None and record is not None:
            problems.report(ctx, conn, entity, [self._left_over(conn, row, record.id, name)])
        else:
            stands = problems.of_fields(entity) if row.operation is Operation.UPDATE else []
            problems.resolve(ctx, conn, entity, self._keys(row, bound.answer), but=[problems.UNDONE, *stands])

    def _left_over(self, conn: Connection, row: Write, record_id: str, name: str) -> exceptions.Problem:
        """Written, but one of the two records was linked to another one meanwhile."""
        made = Made(row.side, row.source_id or "", record_id)
        said = leftovers.describe(conn, self._ctx.company, self._entity, made)
        where = record_id if said.side is row.side else made.source_id
        return problems.shared(self._ctx, self._entity, said.side, where, said, name, ())

    def _refused(self, answer: Answered, error: PipelineError) -> None:
        row, _ = self._rows[answer.item.journal_id]
        if answer.raw is not None:  # written: the row stays answered, so that nobody writes the record a second time
            self._report(row, error)
            return
        if isinstance(error, PossibleDuplicate) and row.operation is Operation.CREATE and self._adopt(row, error):
            return
        if isinstance(error, PlanAgain):
            self._read_again(row, error)
            return
        if not self._is_open(row, error):
            with self._ctx.begin() as conn:
                journal.fail(conn, self._ctx.company, {row.id: _as_json(error)})
        if not isinstance(error, Reconnect):  # which fails the run and alarms; the record is owed like any other
            self._report(row, error)

    def _is_open(self, row: Write, error: PipelineError) -> bool:
        """Whether the write may have been done all the same: no answer came, or a former sending had none and this
        refusal is not about the record, so that it says nothing of what became of the former."""
        if error.maybe_written:
            return True
        return row.phase is Phase.SENT and not isinstance(error, FixTheData | PlanAgain)

    def _report(self, row: Write, error: PipelineError) -> None:
        """Open the record's exception, under the same key in the run that wrote and in the one that recovers."""
        owed = self._rows[row.id][1]
        key, name = problems.key_of_row(row), f"{self._entity.title} {row.source_id}"
        if owed is not None:
            key, name = problems.key_of(owed), owed.tree.label
        with self._ctx.begin() as conn:
            if owed is None:
                name = naming.name_of(self._ctx, conn, self._entity, row) or name
            told = naming.with_names(self._ctx, conn, self._entity, row, error)
            problem = problems.from_error(self._ctx, self._entity, key, name, error, _fingerprint(row))
            problem = replace(problem, cause=told.cause, fix=told.fix, who=told.who)
            problem = problems.supersede(self._ctx, conn, self._entity, problem)
            problems.report(self._ctx, conn, self._entity, [problem])

    def _adopt(self, row: Write, error: PossibleDuplicate) -> bool:
        """The side says it has this record already: link the two if it is exactly one and linked to nothing."""
        port, ctx, entity = self._ctx.port(row.side), self._ctx, self._entity
        owed = self._rows[row.id][1]
        source = owed.tree.node(row.side.other) if owed else None
        if source is None:
            return False
        found = port.find_duplicate(entity, dict(source.values), error.existing_id)
        if found is None:
            return False
        with ctx.begin() as conn:
            if not self._is_the_same(conn, row, source, found):
                return False
            stage(conn, ctx.company, row.side, entity, [found])
            ids = {row.side: found.id, row.side.other: row.source_id}
            new = links.NewLink(
                ctx.company, entity.name, ids[Side.CONTRACTOR], ids[Side.QUICKBOOKS], match_class="exact",
                evidence=[f"{row.side.value} refused a second {label(entity, found.values)}"],
            )  # fmt: skip
            links.create_many(conn, [new])
            journal.fail(conn, ctx.company, {row.id: _as_json(error)})
            ctx.tally.add(entity.name, "linked")
            ctx.log(conn, entity, row.side, "linked", record_id=found.id, record_label=label(entity, found.values),
                    detail={"why": "the same name exists there already"})  # fmt: skip
        self._count(1)
        return True

    def _is_the_same(self, conn: Connection, row: Write, source: Node, found: Record) -> bool:
        """Whether the record in the way is unlinked, in use, not called different by a person, and alike in its party
        and, for a document, in number, date and total."""
        ctx, entity = self._ctx, self._entity
        pair = (row.source_id, found.id) if row.side is Side.QUICKBOOKS else (found.id, row.source_id)
        taken = links.find(conn, ctx.company, entity.name, row.side, [found.id])
        if taken or found.skip or found.state is not State.LIVE:
            return False
        if pair in candidates.rejected_pairs(conn, ctx.company, entity.name):
            return False
        values = project(entity, found.values, link_ids_of(conn, ctx.company, entity, row.side, [found]))
        telling = {f.name for f in entity.fields if f.required and f.kind is Kind.REF}
        if entity.match_by is MatchBy.DOCUMENT:
            telling |= {f.name for f in entity.fields if f.name in (*entity.unique_by, "date", entity.total_field)}
        return all(same(entity[name], source.values.get(name), values.get(name)) for name in telling)

    def _read_again(self, row: Write, error: PlanAgain) -> None:
        """The record moved under us: drop the write, look at the record and let the next round plan anew.

        A record that is still as it was planned on would be refused again, and so would a creation: such a write rests
        like any refused one, until what stands in its way moves.
        """
        ctx, entity = self._ctx, self._entity
        record = None
        if row.target_id is not None:
            try:
                record = ctx.port(row.side).read(entity, row.target_id)
            except NotFound:
                record = None
            except FixTheData as unreadable:  # one record that can't be read holds up no other
                with ctx.begin() as conn:
                    journal.fail(conn, ctx.company, {row.id: _as_json(unreadable)})
                self._report(row, unreadable)
                return
        moved = row.target_id is not None and (record is None or record.version != row.target_version)
        with ctx.begin() as conn:
            phase = Phase.ABANDONED if moved else Phase.FAILED
            journal.fail(conn, ctx.company, {row.id: _as_json(error)}, phase)
            if record is not None:
                stage(conn, ctx.company, row.side, entity, [record])
            elif row.target_id is not None:
                staging.mark_deleted(conn, ctx.company, row.side, entity.name, [row.target_id], ctx.now())
        if moved:
            self._count(1)
        else:
            self._report(row, _standing(error))

    def _keys(self, row: Write, answer: Answered) -> list[problems.Key]:
        keys = [(row.side.other, row.source_id)] if row.source_id else []
        target = answer.record.id if answer.record else row.target_id
        return [*keys, (row.side, target)] if target else keys

    def _count(self, number: int) -> None:
        with self._lock:
            self.progress += number


def _fingerprint(row: Write) -> str:
    return fingerprint(row.side, row.operation.value, row.intended)


def _standing(error: PlanAgain) -> FixTheData:
    """The refusal of a write into which nothing came between: reading again is no help, others' writes or a person."""
    return FixTheData(
        error.cause,
        code=error.code,
        fix=error.fix,
        who=error.who,
        reference=error.reference,
        field=error.field,
    )


def _as_json(error: PipelineError) -> dict[str, Any]:
    return {"code": error.code, "cause": error.cause, "recovery": error.recovery, "reference": error.reference}
