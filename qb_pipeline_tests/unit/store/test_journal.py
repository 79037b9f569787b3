"""The journal: phases, bulk writes, and what a killed process leaves for the next one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from qb_pipeline.entities.spec import Side
from qb_pipeline.store import journal
from qb_pipeline.store.journal import Operation, Phase, PlannedWrite

QBO = Side.QUICKBOOKS


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def write(source: str = "c1", **changes: object) -> PlannedWrite:
    planned = PlannedWrite(
        company="acme", side=QBO, entity="invoice", operation=Operation.CREATE, source_id=source,
        request_key=f"acme-invoice-{source}-0", body=b'{"TotalAmt": 10.10}', intended={"total": Decimal("10.10")},
    )  # fmt: skip
    return replace(planned, **changes)  # type: ignore[arg-type]  # each test names fields of its own


def test_a_planned_write_is_read_back_byte_for_byte(conn: Connection) -> None:
    [row] = journal.insert_planned(conn, [write(body=b"\x00\xff{}", batch_key="b1", bid="3", generation=2)])
    [stored] = journal.open_rows(conn, "acme")
    assert (stored.id, stored.phase, stored.body) == (row, Phase.PLANNED, b"\x00\xff{}")
    assert stored.body_hash == journal.body_hash(stored.body)
    assert (stored.batch_key, stored.bid, stored.generation) == ("b1", "3", 2)
    assert stored.intended == {"total": Decimal("10.10")}


def test_phases_are_stamped_and_bound_rows_are_no_longer_open(conn: Connection) -> None:
    [row] = journal.insert_planned(conn, [write()])
    assert journal.mark(conn, "acme", [row], Phase.SENT) == 1
    journal.store_answer(conn, "acme", row, b'{"Id": "9"}')
    assert journal.set_target(conn, "acme", {row: "9"}) == 1
    assert [w.phase for w in journal.open_rows(conn, "acme")] == [Phase.ANSWERED]
    assert journal.mark(conn, "acme", [row], Phase.BOUND) == 1
    assert journal.open_rows(conn, "acme") == []
    stored = journal.get_many(conn, "acme", [row])[row]
    assert (stored.answer, stored.target_id) == (b'{"Id": "9"}', "9")
    assert stored.sent_at and stored.answered_at and stored.bound_at


def test_a_closed_row_is_never_reopened(conn: Connection) -> None:
    [row] = journal.insert_planned(conn, [write()])
    assert journal.fail(conn, "acme", {row: {"code": "6240", "amount": Decimal("1.5")}}) == 1
    assert journal.mark(conn, "acme", [row], Phase.SENT) == 0
    stored = journal.get_many(conn, "acme", [row])[row]
    assert stored.phase is Phase.FAILED
    assert stored.error == {"code": "6240", "amount": Decimal("1.5")}


def test_only_what_never_left_is_abandoned_as_unsent(conn: Connection) -> None:
    planned, leaving = journal.insert_planned(conn, [write("c1"), write("c2", request_key="other")])
    journal.mark(conn, "acme", [leaving], Phase.SENT)
    assert journal.abandon_unsent(conn, "acme", {n: {"why": "it had not left"} for n in (planned, leaving)}) == 1
    found = journal.get_many(conn, "acme", [planned, leaving])
    assert [found[n].phase for n in (planned, leaving)] == [Phase.ABANDONED, Phase.SENT]


def test_a_second_open_creation_of_one_record_is_refused(conn: Connection) -> None:
    journal.insert_planned(conn, [write()])
    with pytest.raises(IntegrityError, match="uq_journal_open_create"):
        journal.insert_planned(conn, [write(request_key="another")])


def test_a_key_is_open_once_but_items_of_a_batch_share_theirs(conn: Connection) -> None:
    items = [write(f"c{n}", request_key="batch-1", batch_key="batch-1", bid=str(n)) for n in range(3)]
    assert len(journal.insert_planned(conn, items)) == 3
    with pytest.raises(IntegrityError, match="uq_journal_open_key"):
        journal.insert_planned(conn, [write("c9", request_key="batch-1", batch_key="batch-1", bid="2")])


def test_how_a_write_travels_is_noted_when_it_leaves_and_closed_rows_stay_as_they_are(conn: Connection) -> None:
    together, alone, closed = journal.insert_planned(conn, [write(f"c{n}") for n in range(3)])
    journal.fail(conn, "acme", {closed: {"why": "dropped"}})
    slots = {together: ("b1", "7"), alone: (None, None), closed: ("b1", "8")}
    assert journal.leave(conn, "acme", slots) == 2
    rows = journal.get_many(conn, "acme", slots)
    assert [(r.phase, r.batch_key, r.bid) for r in (rows[together], rows[alone], rows[closed])] == [
        (Phase.SENT, "b1", "7"), (Phase.SENT, None, None), (Phase.FAILED, None, None),
    ]  # fmt: skip
    assert rows[together].sent_at is not None


def test_a_settled_creation_may_be_planned_again_with_the_next_generation(conn: Connection) -> None:
    [row] = journal.insert_planned(conn, [write()])
    journal.mark(conn, "acme", [row], Phase.ABANDONED)
    journal.insert_planned(conn, [write(generation=1)])
    assert journal.last_generations(conn, "acme", QBO, "invoice", ["c1", "c2"]) == {"c1": 1}


def test_thousands_are_planned_in_order_and_answered_at_once(conn: Connection) -> None:
    ids = journal.insert_planned(conn, [write(f"c{n}", run_id="r1") for n in range(3000)])
    assert [w.source_id for w in journal.open_rows(conn, "acme")] == [f"c{n}" for n in range(3000)]
    assert ids == sorted(ids)
    assert journal.mark(conn, "acme", ids, Phase.SENT) == 3000
    assert journal.store_answers(conn, "acme", {i: b"%d" % i for i in ids}) == 3000
    assert all(w.answer == b"%d" % w.id for w in journal.of_run(conn, "acme", "r1"))


def test_another_companys_rows_are_out_of_reach(conn: Connection) -> None:
    [row] = journal.insert_planned(conn, [write()])
    assert journal.mark(conn, "zenith", [row], Phase.SENT) == 0
    assert journal.store_answers(conn, "zenith", {row: b""}) == 0
    assert journal.open_rows(conn, "zenith") == []


_CRASHING = """
import sys, time
from qb_pipeline.store import journal
from qb_pipeline.store.engine import make_engine
from qb_pipeline_tests.unit.store.test_journal import write

engine = make_engine(sys.argv[1])
with engine.begin() as conn:
    ids = journal.insert_planned(conn, [write(f"c{n}") for n in range(4)])
with engine.begin() as conn:
    journal.mark(conn, "acme", ids[1:], journal.Phase.SENT)
with engine.begin() as conn:
    journal.store_answer(conn, "acme", ids[2], b"answer")
with engine.begin() as conn:
    journal.mark(conn, "acme", [ids[3]], journal.Phase.BOUND)
uncommitted = engine.connect()
journal.insert_planned(uncommitted, [write("never committed")])
print("ready", flush=True)
time.sleep(60)
"""


def test_committed_phases_survive_a_kill_and_uncommitted_rows_do_not(engine: Engine, database_url: str) -> None:
    command = [sys.executable, "-c", _CRASHING, database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.kill(process.pid, signal.SIGKILL)
    with engine.connect() as conn:
        left = [(w.source_id, w.phase, w.answer) for w in journal.open_rows(conn, "acme")]
    assert left == [("c0", Phase.PLANNED, None), ("c1", Phase.SENT, None), ("c2", Phase.ANSWERED, b"answer")]
