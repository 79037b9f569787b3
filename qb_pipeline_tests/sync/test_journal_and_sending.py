"""What the journal holds while writes travel: committed before they leave, one row a write, nothing once quiet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from qb_pipeline.entities.spec import Side
from qb_pipeline.store.journal import Phase
from qb_pipeline.sync.ports import Sendable
from qb_pipeline.sync.writing import request_key
from qb_pipeline_tests.sync.world import World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS


def test_a_write_is_committed_with_its_bytes_and_key_before_it_arrives(world: World) -> None:
    seen: list[tuple[Phase, bytes, str]] = []

    def witness(item: Sendable) -> None:
        [row] = [r for r in world.journal() if r.id == item.journal_id]
        seen.append((row.phase, row.body, row.request_key))
        assert (row.body, row.request_key) == (item.body, item.key)

    world.quickbooks.on_request = witness
    world.contractor.add("customer", **customer())
    world.run()
    assert [phase for phase, _, _ in seen] == [Phase.SENT]
    assert seen[0][1] == world.quickbooks.requests[0].body


def test_no_transaction_is_open_while_a_request_is_under_way(world: World) -> None:
    open_ones: list[int] = []
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in trans%'"

    def witness(_item: Sendable) -> None:
        with world.engine.connect() as conn:
            open_ones.append(conn.scalar(text(count)) or 0)

    world.quickbooks.on_request = world.contractor.on_request = witness
    world.contractor.add("customer", **customer("Left"))
    world.quickbooks.add("customer", **customer("Right"))
    world.run()
    assert open_ones == [0, 0]


@pytest.mark.parametrize("batch", [1, 3])
def test_one_write_is_one_row_that_passes_every_phase_in_order(world: World, batch: int) -> None:
    world.quickbooks.batch = batch
    for n in range(4):
        world.contractor.add("customer", **customer(f"Customer {n}"))
    world.run()
    rows = world.journal()
    assert [r.phase for r in rows] == [Phase.BOUND] * 4
    for row in rows:
        assert row.sent_at is not None
        assert row.answered_at is not None
        assert row.bound_at is not None
        assert row.planned_at <= row.sent_at <= row.answered_at <= row.bound_at
    assert len(world.quickbooks.requests) == 4


def test_once_both_sides_agree_further_runs_write_nothing_and_journal_nothing(world: World) -> None:
    world.contractor.add("customer", **customer("Left"))
    world.quickbooks.add("customer", **customer("Right"))
    world.run()
    before = world.writes()
    world.run()
    world.run()
    assert world.writes() == before == 2
    assert len(world.journal()) == 2
    assert world.names(CONTRACTOR) == world.names(QUICKBOOKS) == ["Left", "Right"]


@pytest.mark.parametrize("side", list(Side))
def test_an_echo_of_our_own_write_plans_nothing(world: World, side: Side) -> None:
    record = world.port(side).add("customer", **customer())
    world.run()
    world.port(side).edit("customer", record, notes="gate 12")
    world.run()
    world.run()
    [twin] = world.port(side.other).live("customer").values()
    assert twin["notes"] == "gate 12"
    assert (len(world.port(side.other).requests), len(world.port(side).requests)) == (2, 0)


def test_every_new_write_of_a_record_has_a_key_of_its_own_that_quickbooks_accepts(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    world.run()
    for words in ("one", "two"):
        world.contractor.edit("customer", record, notes=words)
        world.run()
    keys = [r.key for r in world.quickbooks.requests]
    assert len(set(keys)) == len(keys) == 3
    assert max(len(k) for k in keys) <= 50


def test_a_key_is_made_of_company_side_entity_record_and_generation() -> None:
    first: tuple[Any, ...] = ("acme", QUICKBOOKS, "customer", "c1", 0)
    others = [("zeta", *first[1:]), ("acme", CONTRACTOR, *first[2:]), (*first[:2], "job", "c1", 0),
              (*first[:3], "c2", 0), (*first[:4], 1)]  # fmt: skip
    keys = {request_key(*each) for each in (first, *others)}
    assert request_key(*first) == request_key(*first)
    assert len(keys) == 6


def test_a_dry_run_writes_to_neither_system_and_journals_nothing(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.run(dry=True)
    assert world.writes() == 0
    assert world.journal() == []


def test_lines_added_to_a_created_document_are_the_same_lines_ever_after(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    line = {"kind": "item", "description": "framing", "quantity": Decimal(2), "unit_price": Decimal(50),
            "amount": Decimal("100.00"), "taxable": False}  # fmt: skip
    invoice = world.contractor.add("invoice", number="1042", customer=payer, lines=(line, {**line, "id": None}))
    world.run()
    assert world.run() is not None
    assert world.writes() == 2
    [twin_id] = world.quickbooks.live("invoice")
    mine = world.contractor.rows["invoice"][invoice].values["lines"]
    theirs = world.quickbooks.rows["invoice"][twin_id].values["lines"]
    world.quickbooks.edit("invoice", twin_id, lines=(theirs[0], {**theirs[1], "description": "roof"}))
    world.run()
    after = world.contractor.rows["invoice"][invoice].values["lines"]
    assert [x["id"] for x in after] == [x["id"] for x in mine]
    assert [x["description"] for x in after] == ["framing", "roof"]
