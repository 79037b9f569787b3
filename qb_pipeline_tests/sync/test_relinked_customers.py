"""A customer that is linked to another one: its documents stay with the customer their own system says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store.exceptions import Reported
from qb_pipeline.sync import deciding
from qb_pipeline_tests.sync.test_left_over_copies import link, unlink
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS


def with_invoices(world: World, count: int) -> tuple[str, str, str, str]:
    """A customer with invoices, and another one: the contractor's ids, then QuickBooks'."""
    world.entities = ("customer", "invoice")
    one = world.contractor.add("customer", **customer("Hazel Roofing", phone="555 010 1000"))
    x = world.quickbooks.add("customer", **customer("Hazel Roofing", phone="555 010 1000"))
    two = world.contractor.add("customer", **customer("Birch Plumbing", phone="555 010 2000"))
    y = world.quickbooks.add("customer", **customer("Birch Plumbing", phone="555 010 2000"))
    for n in range(count):
        values = {"number": str(n + 1), "date": date(2026, 2, 10), "lines": (), "total": Decimal("10.00")}
        world.contractor.add("invoice", customer=one, **values)
    world.run()
    assert world.links() == {one: x, two: y}
    return one, two, x, y


def payers(world: World, side: Side) -> set[str]:
    return {str(row["customer"]) for row in world.port(side).live("invoice").values()}


def conflicts(world: World) -> list[Reported]:
    return [e for e in world.open_exceptions() if e.code == "conflict_customer"]


def relinked(world: World, count: int = 6) -> tuple[str, str, str, str]:
    one, two, x, y = with_invoices(world, count)
    unlink(world, one, x)
    unlink(world, two, y)
    link(world, one, y)
    world.run()
    return one, two, x, y


def test_no_document_moves_when_its_customer_is_linked_to_another_one(world: World) -> None:
    one, _, x, _ = relinked(world)
    for _ in range(2):
        world.run()
    assert (payers(world, CONTRACTOR), payers(world, QUICKBOOKS)) == ({one}, {x})
    found = conflicts(world)
    assert sorted(str(e.record_label) for e in found) == [f"Invoice {n}" for n in range(1, 7)]
    assert "QuickBooks says 'Customer Hazel Roofing'." in found[0].cause


def test_an_edit_of_something_else_is_copied_and_does_not_move_the_document(world: World) -> None:
    one, _, x, _ = relinked(world, 2)
    [first, _] = world.contractor.live("invoice")
    world.contractor.edit("invoice", first, memo="as agreed by phone")
    world.run()
    assert [row.get("memo") for row in world.quickbooks.live("invoice").values()] == ["as agreed by phone", None]
    assert (payers(world, CONTRACTOR), payers(world, QUICKBOOKS)) == ({one}, {x})
    assert len(conflicts(world)) == 2


def test_a_person_decides_document_by_document_or_moves_them_in_their_own_system(world: World) -> None:
    one, _, _, y = relinked(world, 2)
    [first, second] = sorted(conflicts(world), key=lambda e: str(e.record_label))
    with world.engine.begin() as conn:
        deciding.take(conn, COMPANY, first, CONTRACTOR)
    world.run()
    assert world.quickbooks.live("invoice")[first.record_id]["customer"] == y
    assert [e.record_id for e in conflicts(world)] == [second.record_id]
    world.quickbooks.edit("invoice", second.record_id, customer=y)
    world.run()
    assert conflicts(world) == []
    assert (payers(world, CONTRACTOR), payers(world, QUICKBOOKS)) == ({one}, {y})
    before = world.writes()
    world.run()
    assert world.writes() == before


def test_a_link_put_back_as_it_was_leaves_no_conflict_and_writes_nothing(world: World) -> None:
    one, _, x, _ = with_invoices(world, 3)
    unlink(world, one, x)
    link(world, one, x)
    before = world.writes()
    world.run()
    assert world.writes() == before
    assert world.codes() == []


def test_a_side_that_refers_to_a_record_without_a_link_cannot_give_way(world: World) -> None:
    world.entities = ("customer", "invoice")
    source = world.contractor.add("customer", **customer())
    world.contractor.add("invoice", number="1", customer=source, date=date(2026, 2, 10), lines=())
    world.run()
    [copy] = world.quickbooks.live("customer")
    right = world.quickbooks.add("customer", **customer("Hazel Roofers of Austin"))
    world.run_only_reading()
    unlink(world, source, copy)
    link(world, source, right)
    world.run()
    [conflict] = conflicts(world)
    with world.engine.begin() as conn, pytest.raises(Misconfigured, match="not linked") as refused:
        deciding.take(conn, COMPANY, conflict, CONTRACTOR)
    assert refused.value.code == "reference_not_linked"
    merge_by_hand(world, copy, right)
    world.run()
    assert (payers(world, CONTRACTOR), payers(world, QUICKBOOKS)) == ({source}, {right})
    assert world.codes() == []


def merge_by_hand(world: World, loser: str, survivor: str) -> None:
    """In QuickBooks."""
    for number in world.quickbooks.live("invoice"):
        world.quickbooks.edit("invoice", number, customer=survivor)
    world.quickbooks.let_go("customer", loser)
