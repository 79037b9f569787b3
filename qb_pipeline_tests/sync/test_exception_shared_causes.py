"""One cause is listed once with everything it blocks, and its fix releases all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import OwnerMustAct
from qb_pipeline.store.exceptions import Reported
from qb_pipeline.sync import reviewing
from qb_pipeline.sync.reviewing import Pair
from qb_pipeline.sync.rules import Rules
from qb_pipeline_tests.sync.test_first_contact import weak_pair
from qb_pipeline_tests.sync.world import COMPANY, World, customer

QUICKBOOKS = Side.QUICKBOOKS
Decide = Callable[[Connection, str, Pair], str]


def invoices(world: World, count: int, **values: object) -> list[str]:
    """Invoices of one customer that both sides have."""
    world.entities = ("customer", "item", "invoice")
    payer = world.contractor.add("customer", **customer())
    found = [
        world.contractor.add(
            "invoice", number=str(n), customer=payer, date=date(2026, 2, 10), lines=(), memo="a", **values
        )
        for n in range(count)
    ]
    world.run()
    return found


def only(world: World) -> Reported:
    [found] = world.open_exceptions()
    return found


def memos(world: World) -> set[object]:
    return {row["memo"] for row in world.quickbooks.live("invoice").values()}


def test_closed_books_are_one_exception_with_every_document_they_block(world: World) -> None:
    for record in invoices(world, 5):
        world.contractor.edit("invoice", record, memo="b")
    world.rules = Rules(closed_through=date(2026, 3, 31))
    world.run()
    world.run()
    found = only(world)
    assert (found.code, found.record_label) == ("books_closed", "Closed books")
    assert sorted(found.blocks) == [f"Invoice {n}" for n in range(5)]
    assert "2026-03-31" in found.cause
    assert memos(world) == {"a"}


def test_reopened_books_release_every_document_in_the_next_run(world: World) -> None:
    for record in invoices(world, 5):
        world.contractor.edit("invoice", record, memo="b")
    world.rules = Rules(closed_through=date(2026, 3, 31))
    world.run()
    world.rules = Rules()
    world.run()
    assert memos(world) == {"b"}
    assert world.codes() == []


def inactive_item(world: World, count: int) -> str:
    """Invoices that need an item which QuickBooks has made inactive; returns its QuickBooks id."""
    world.entities = ("customer", "item", "invoice")
    payer = world.contractor.add("customer", **customer())
    work = world.contractor.add("item", name="Framing", kind="service", active=True)
    world.run()
    [twin] = world.quickbooks.live("item")
    world.quickbooks.edit("item", twin, active=False)
    line = {"kind": "item", "item": work, "description": "framing", "quantity": Decimal(1),
            "unit_price": Decimal(50), "amount": Decimal("50.00")}  # fmt: skip
    for n in range(count):
        world.contractor.add("invoice", number=str(n), customer=payer, date=date(2026, 2, 10), lines=(line,))
    world.run()
    return twin


def test_an_inactive_item_is_one_exception_of_the_item_with_every_document_that_uses_it(world: World) -> None:
    twin = inactive_item(world, 4)
    found = only(world)
    assert (found.code, found.entity, found.record_id) == ("inactive_reference", "item", twin)
    assert sorted(found.blocks) == [f"Invoice {n}" for n in range(4)]
    assert "Framing" in found.fix
    assert world.quickbooks.live("invoice") == {}


def test_what_waits_for_a_document_that_a_shared_cause_holds_back_is_listed_with_that_cause(world: World) -> None:
    twin = inactive_item(world, 2)
    world.entities = ("customer", "item", "invoice", "payment")
    [payer], bill = world.contractor.live("customer"), next(iter(world.contractor.live("invoice")))
    settles = {"invoice": bill, "amount": Decimal(50)}
    world.contractor.add(
        "payment", customer=payer, date=date(2026, 2, 11), amount=Decimal(50), reference="77", allocations=(settles,)
    )
    world.run()
    world.run()
    found = only(world)
    assert (found.code, found.blocks) == ("inactive_reference", ["Invoice 0", "Invoice 1", "Payment 77"])
    world.quickbooks.edit("item", twin, active=True)
    world.run()
    assert (len(world.quickbooks.live("payment")), world.codes()) == (1, [])


def test_an_item_made_active_again_releases_every_document(world: World) -> None:
    twin = inactive_item(world, 4)
    world.quickbooks.edit("item", twin, active=True)
    world.run()
    assert len(world.quickbooks.live("invoice")) == 4
    assert world.codes() == []


def test_a_cause_that_blocks_fewer_than_before_lists_what_it_still_blocks(world: World) -> None:
    records = invoices(world, 3)
    for record in records:
        world.contractor.edit("invoice", record, memo="b")
    world.rules = Rules(closed_through=date(2026, 3, 31))
    world.run()
    world.contractor.edit("invoice", records[0], memo="a")
    world.run()
    assert sorted(only(world).blocks) == ["Invoice 1", "Invoice 2"]


# --- what only QuickBooks' answer tells: the subscription, a missing right ---


def lapsed(world: World, count: int) -> None:
    for n in range(count):
        world.contractor.add("customer", **customer(f"Customer {n}"))
    error = OwnerMustAct("The subscription has lapsed.", code="qbo_6190", fix="Renew it.", who="owner")
    world.quickbooks.refuses = lambda _item: error
    world.run()


def test_a_lapsed_subscription_is_asked_once_a_run_and_not_once_a_record(world: World) -> None:
    lapsed(world, 6)
    before = len(world.quickbooks.requests)
    world.run()
    assert len(world.quickbooks.requests) == before + 1
    assert world.codes() == ["qbo_6190"] * 6


def test_the_first_write_that_gets_through_releases_everything_the_subscription_held(world: World) -> None:
    lapsed(world, 6)
    world.quickbooks.refuses = lambda _item: None
    world.run()
    assert len(world.quickbooks.live("customer")) == 6
    assert world.codes() == []


# --- a pair that a person has to decide about ---


def waiting_for_a_pair(world: World) -> tuple[str, str]:
    """A document on either side, each of a customer that may be the other's; returns the customers' ids."""
    world.entities = ("customer", "invoice")
    left, right = weak_pair(world)
    world.contractor.add("invoice", number="1", customer=left, date=date(2026, 2, 10), lines=())
    world.quickbooks.add("invoice", number="2", customer=right, date=date(2026, 2, 11), lines=())
    world.run()
    return left, right


def test_a_pair_nobody_has_decided_about_is_one_exception_with_what_waits_on_both_sides(world: World) -> None:
    left, right = waiting_for_a_pair(world)
    world.run()
    found = only(world)
    assert (found.code, found.record_id, found.who) == ("undecided_pair", left, "accountant")
    assert sorted(found.blocks) == ["Invoice 1", "Invoice 2"]
    assert (
        "customer Hazel Roofing of the contractor's system may be the same as customer Hazel Roofing LLC" in found.cause
    )
    assert "does not exist" not in found.cause
    for decision in ("link", "reject"):
        assert f"qb-pipeline review {decision} {left} {right} --entity customer" in found.fix


@pytest.mark.parametrize("decide", [reviewing.link, reviewing.keep_apart])
def test_either_decision_about_a_pair_releases_what_waits_on_both_sides(world: World, decide: Decide) -> None:
    pair = Pair("customer", *waiting_for_a_pair(world))
    with world.engine.begin() as conn:
        decide(conn, COMPANY, pair)
    world.run()
    assert world.codes() == []
    assert world.names(Side.CONTRACTOR, "invoice") == world.names(QUICKBOOKS, "invoice") == ["1", "2"]
    assert len(world.names(QUICKBOOKS)) == (1 if decide is reviewing.link else 2)


def test_a_record_that_may_be_either_of_two_is_one_question_with_a_command_for_each(world: World) -> None:
    left, right = waiting_for_a_pair(world)
    third = world.quickbooks.add("customer", **customer("Hazel Roofing Inc", phone="555 010 7000"))
    world.quickbooks.add("invoice", number="3", customer=third, date=date(2026, 2, 12), lines=())
    world.run()
    found = only(world)
    assert sorted(found.blocks) == ["Invoice 1", "Invoice 2", "Invoice 3"]
    assert f"{left} {right}" in found.fix
    assert f"{left} {third}" in found.fix


def test_what_waits_for_a_pair_is_told_anew_only_when_it_is_other_than_before(world: World) -> None:
    left, _ = waiting_for_a_pair(world)
    before = only(world)
    world.run()
    assert (only(world).blocks, only(world).cause) == (before.blocks, before.cause)
    [first] = world.contractor.live("invoice")
    world.contractor.let_go("invoice", first)
    world.run()
    assert (only(world).record_id, only(world).blocks) == (left, ["Invoice 2"])
