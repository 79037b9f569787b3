"""After a crash: settle every write whose outcome is not known, before anything is read or planned.

Invariant: what left unanswered is asked for again with the same key and the same bytes, at once after a crash and with
backoff after a fault; what was answered is bound from the stored answer; what never left is forgotten, because plans
are always made anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Entity, Side
from qb_pipeline.errors import NotFound
from qb_pipeline.store import journal
from qb_pipeline.store.journal import Operation, Phase, Write
from qb_pipeline.sync import problems
from qb_pipeline.sync.answers import Journalist
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.ports import Answered
from qb_pipeline.sync.writing import sendable


def recover(ctx: Context) -> int:
    """Settle the company's open journal rows; returns how many there were."""
    with ctx.begin() as conn:
        rows = journal.open_rows(conn, ctx.company)
        unsent = {r.id: {"why": "it had not left when the run ended"} for r in rows if r.phase is Phase.PLANNED}
        journal.abandon_unsent(conn, ctx.company, unsent)
        resting = problems.unanswered_at_rest(ctx, conn, [r for r in rows if r.phase is Phase.SENT])
    groups: defaultdict[tuple[str, Side], list[Write]] = defaultdict(list)
    for row in rows:
        if row.phase is not Phase.PLANNED and row.id not in resting:
            groups[row.entity, row.side].append(row)
    for name, entity in ENTITIES.items():
        for side in Side:
            _settle(ctx, entity, side, groups.get((name, side), []))
    return len(rows)


def _settle(ctx: Context, entity: Entity, side: Side, rows: Sequence[Write]) -> None:
    if not rows:
        return
    ctx.progress(f"settling {len(rows)} unfinished writes of {entity.plural} to {side.value}")
    journalist = _Recovering(ctx, entity, rows)
    answered = [r for r in rows if r.phase is Phase.ANSWERED]
    journalist.bind_stored([ctx.port(side).parse(sendable(r), r.answer or b"") for r in answered])
    ctx.port(side).resend([sendable(r) for r in rows if r.phase is Phase.SENT], journalist)


class _Recovering(Journalist):
    """A journalist who knows that an answer may be the replay of something that was deleted since."""

    def __init__(self, ctx: Context, entity: Entity, rows: Sequence[Write]) -> None:
        super().__init__(ctx, entity, {row.id: (row, None) for row in rows})
        self._by_id = {row.id: row for row in rows}

    def answered(self, answers: Sequence[Answered]) -> None:
        ghosts = [a for a in answers if self._is_ghost(a)]
        super().answered([a for a in answers if a not in ghosts])
        with self._ctx.begin() as conn:
            why = {"why": "the answer was a replay of a record that has since been deleted"}
            journal.fail(conn, self._ctx.company, {a.item.journal_id: why for a in ghosts})

    def _is_ghost(self, answer: Answered) -> bool:
        row = self._by_id[answer.item.journal_id]
        if row.operation is not Operation.CREATE or answer.record is None:
            return False
        try:
            self._ctx.port(row.side).read(self._entity, answer.record.id)
        except NotFound:
            return True
        return False
