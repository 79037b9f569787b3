"""However removals are spread over the runs of days, the share of a day is all that goes without an answer.

The brake and the journal are the real ones; what sends and answers is left out, so that many histories can be tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import journal, links
from qb_pipeline.store.journal import Phase, PlannedWrite
from qb_pipeline.store.links import LinkState, LinkUpdate, NewLink
from qb_pipeline.sync.brake import hold_mass_changes, word_of
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.plan import Operation, Tree
from qb_pipeline.sync.rules import Brake, Limit, Rules
from qb_pipeline.sync.trees import Owed
from qb_pipeline_tests.sync.world import COMPANY, World

QUICKBOOKS, INVOICE = Side.QUICKBOOKS, ENTITIES["invoice"]
SHARE, THERE_ARE, DAY = 25, 20, timedelta(hours=24)
NOBODYS = cast(Owed, SimpleNamespace(tree=Tree(None, None)))  # a removal is judged by its operation alone
HOURS = st.sampled_from([0, 0, 0, 1, 5, 11, 23, 25])
runs = st.lists(st.tuples(HOURS, st.integers(0, 4), st.sampled_from([False] * 7 + [True])), min_size=4, max_size=10)


def removal(record: str) -> Operation:
    return Operation(QUICKBOOKS, "void", {}, frozenset(), f"c{record}", record, "0", f"Invoice {record}")


@dataclass
class Books:
    """Linked invoices of which some are gone in the contractor's system. `gone`: when, and how many were removed in
    QuickBooks since the last answer; `removed`: all of them."""

    world: World
    link_of: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=lambda: [str(n) for n in range(THERE_ARE)])
    waiting: list[str] = field(default_factory=list)
    gone: list[tuple[timedelta, int]] = field(default_factory=list)
    removed: int = 0

    def open(self) -> Books:
        with self.world.engine.begin() as conn:
            conn.execute(text("TRUNCATE qb.journal, qb.link, qb.exception"))
            made = links.create_many(conn, [NewLink(COMPANY, "invoice", f"c{n}", n) for n in self.left])
        self.link_of = dict(zip(self.left, made, strict=True))
        return self

    def run(self, deleted: int, *, answered: bool) -> int:
        """Delete so many more in the contractor's system and have a run; returns how many it removed."""
        self.waiting += self.left[:deleted]
        del self.left[:deleted]
        ctx = self.world.context(allow_mass_change=answered)
        going = [op for _, op in hold_mass_changes(ctx, INVOICE, [(NOBODYS, removal(n)) for n in self.waiting])]
        if going:
            self._write(ctx, going)
        self.waiting = [n for n in self.waiting if n not in {op.target_id for op in going}]
        self.removed += len(going)
        return len(going)

    def _write(self, ctx: Context, going: list[Operation]) -> None:
        ids = [str(op.target_id) for op in going]
        rows = [
            PlannedWrite(
                company=COMPANY, side=QUICKBOOKS, entity="invoice", operation=journal.Operation.VOID, body=b"",
                request_key=f"{ctx.run_id}-{op.target_id}", target_id=op.target_id,
                link_id=self.link_of[str(op.target_id)], word=word_of(ctx, INVOICE, op),
            )
            for op in going
        ]  # fmt: skip
        with ctx.begin() as conn:
            written = journal.insert_planned(conn, rows, ctx.now())
            journal.leave(conn, COMPANY, dict.fromkeys(written, (None, None)), ctx.now())
            journal.mark(conn, COMPANY, written, Phase.BOUND, ctx.now())
            ended = [LinkUpdate(self.link_of[n], state=LinkState.VOIDED) for n in ids]
            links.update_base_many(conn, COMPANY, ended)

    def allowed_today(self) -> tuple[int, int]:
        """How many of the last day are gone, and how many may be, without an answer."""
        within = sum(n for at, n in self.gone if at > self.world.ahead - DAY)
        there_were = THERE_ARE - self.removed + within
        return within, max(there_were * SHARE // 100, 1)


@given(runs)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_spreading_removes_more_than_the_share_of_a_day_without_an_answer_nor_what_was_stopped(
    engine: Engine, spreading: list[tuple[int, int, bool]]
) -> None:
    """Each run comes so many hours after the one before, finds so many more deleted, and may have a person's word."""
    books = Books(World(engine, rules=Rules(brake=Brake(remove=Limit(SHARE, 2))))).open()
    for hours, deleted, answered in spreading:
        books.world.ahead += timedelta(hours=hours)
        stopped = bool(books.waiting)
        within, share = books.allowed_today()
        going = books.run(deleted, answered=answered)
        if answered:
            assert not books.waiting
        if answered and (stopped or within + going > share):
            books.gone.clear()
            continue
        assert not (stopped and going), "what was stopped waits"
        books.gone.append((books.world.ahead, going))
        within, share = books.allowed_today()
        assert within <= share
    assert books.removed + len(books.waiting) + len(books.left) == THERE_ARE
