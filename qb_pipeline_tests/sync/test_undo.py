"""Taking back a run: what it wrote goes or gets its former values, and no sync does it again by itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import ExceptionState, Problem
from qb_pipeline.sync import deciding
from qb_pipeline.sync.ports import Sendable
from qb_pipeline.sync.rules import Rules
from qb_pipeline.sync.undo import Undone, plan_undo, undo
from qb_pipeline_tests.sync.fakes import FakePort, PowerCut, refusal
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS


def undone(world: World, run: str) -> Undone:
    return undo(world.context(), run)


def quiet(world: World) -> bool:
    """Whether two more runs write nothing."""
    before = world.writes()
    world.run()
    world.run()
    return world.writes() == before


def take(world: World, side: Side) -> None:
    with world.engine.begin() as conn:
        for found in exceptions.listing(conn, COMPANY, codes=["undone"]):
            deciding.take(conn, COMPANY, found, side)


def values(world: World, name: str, entity: str = "customer") -> list[Any]:
    """Of the contractor, then of QuickBooks."""
    return [row.get(name) for side in Side for row in world.port(side).live(entity).values()]


def edited(world: World, side: Side = CONTRACTOR) -> str:
    """Run 1 created a customer, run 2 copied an edit of its notes; returns the name of run 2."""
    world.contractor.add("customer", **customer(notes="old"))
    world.run()
    [record] = world.port(side).live("customer")
    world.port(side).edit("customer", record, notes="new")
    return world.run().run_id


# --- updates ---


@pytest.mark.parametrize("side", list(Side))
def test_an_updated_record_gets_its_former_values_back_and_both_sides_are_as_before_the_run(
    world: World, side: Side
) -> None:
    run = edited(world, side)
    assert values(world, "notes") == ["new", "new"]
    result = undone(world, run)
    assert [i.name for i in result.done] == ["Customer Hazel Roofing"]
    assert [row["notes"] for row in world.port(side.other).live("customer").values()] == ["old"]
    assert [row["notes"] for row in world.port(side).live("customer").values()] == ["new"]
    assert world.codes() == ["undone"]
    assert quiet(world)


@pytest.mark.parametrize(("side", "stands"), [(CONTRACTOR, "new"), (QUICKBOOKS, "old")])
def test_a_person_decides_afterwards_which_side_stands(world: World, side: Side, stands: str) -> None:
    undone(world, edited(world))
    take(world, side)
    world.run()
    assert values(world, "notes") == [stands, stands]
    assert world.codes() == []
    assert quiet(world)


def test_a_record_that_a_person_makes_the_same_on_both_sides_is_released(world: World) -> None:
    undone(world, edited(world))
    [record] = world.contractor.live("customer")
    world.contractor.edit("customer", record, notes="old")
    world.run()
    assert world.codes() == []
    world.contractor.edit("customer", record, notes="later")
    world.run()
    assert values(world, "notes") == ["later", "later"]


def test_an_edit_of_a_held_record_waits_visibly_with_it(world: World) -> None:
    undone(world, edited(world))
    [record] = world.contractor.live("customer")
    world.contractor.edit("customer", record, email="a@x.example")
    assert quiet(world)
    assert world.codes() == ["undone"]


def test_a_record_that_somebody_changed_since_is_refused_and_left_alone(world: World) -> None:
    run = edited(world)
    [twin] = world.quickbooks.live("customer")
    world.quickbooks.edit("customer", twin, notes="newer still")
    result = undone(world, run)
    assert result.done == []
    assert "somebody changed its notes since" in (result.refused[0].why_not or "").lower()
    world.run()
    assert values(world, "notes") == ["newer still", "newer still"]
    assert world.codes() == []


def test_a_change_of_another_field_since_does_not_stand_in_the_way_and_survives(world: World) -> None:
    run = edited(world)
    [twin] = world.quickbooks.live("customer")
    world.quickbooks.edit("customer", twin, email="b@x.example")
    undone(world, run)
    [row] = world.quickbooks.live("customer").values()
    assert (row["notes"], row["email"]) == ("old", "b@x.example")


def test_lines_come_back_under_their_ids_and_a_removed_one_as_a_new_line(world: World) -> None:
    world.entities = ("customer", "item", "invoice")
    payer = world.contractor.add("customer", **customer())
    work = world.contractor.add("item", name="Framing", kind="service", active=True)
    line = {"kind": "item", "item": work, "quantity": Decimal(1), "unit_price": Decimal(50), "amount": Decimal(50)}
    lines = tuple({**line, "description": text} for text in ("one", "two"))
    record = world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=lines)
    world.run()
    [twin] = world.quickbooks.live("invoice")
    former = [x["id"] for x in world.quickbooks.live("invoice")[twin]["lines"]]
    kept = world.contractor.rows["invoice"][record].values["lines"][0]
    world.contractor.edit("invoice", record, lines=({**kept, "description": "changed"},))
    run = world.run().run_id
    undone(world, run)
    after = world.quickbooks.live("invoice")[twin]["lines"]
    assert [x["description"] for x in after] == ["one", "two"]
    assert after[0]["id"] == former[0]
    assert quiet(world)


# --- creations and removals ---


def test_a_created_name_is_made_inactive_in_quickbooks_and_not_created_again(world: World) -> None:
    world.contractor.add("customer", **customer())
    run = world.run().run_id
    undone(world, run)
    assert values(world, "active") == [True, False]
    assert world.codes() == ["undone"]
    assert quiet(world)
    assert values(world, "active") == [True, False]


def test_a_created_record_goes_at_the_contractor(world: World) -> None:
    world.quickbooks.add("customer", **customer())
    run = world.run().run_id
    undone(world, run)
    assert world.contractor.live("customer") == {}
    assert world.names(QUICKBOOKS) == ["Hazel Roofing"]
    assert quiet(world)
    assert world.names(QUICKBOOKS) == ["Hazel Roofing"]


def test_what_was_taken_back_is_made_anew_when_a_person_takes_the_side_that_has_it(world: World) -> None:
    world.quickbooks.add("customer", **customer())
    undone(world, world.run().run_id)
    take(world, QUICKBOOKS)
    world.run()
    assert world.names(CONTRACTOR) == ["Hazel Roofing"]
    assert world.codes() == []
    assert quiet(world)


def test_one_word_settles_a_pair_of_which_both_records_were_taken_back(world: World) -> None:
    world.contractor.add("customer", **customer())
    undone(world, world.run().run_id)
    [kept] = world.contractor.live("customer")
    with world.engine.begin() as conn:
        [told] = exceptions.listing(conn, COMPANY, codes=["undone"])
        other = Problem("customer", CONTRACTOR, kept, "undone", told.title, told.cause, told.fix, told.who, False)
        exceptions.report(conn, COMPANY, [other])
        deciding.take(conn, COMPANY, told, CONTRACTOR)
        assert exceptions.listing(conn, COMPANY, codes=["undone"], states=[ExceptionState.OPEN]) == []


def test_a_created_document_is_voided_before_its_customer_is_let_go(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=())
    run = world.run().run_id
    result = undone(world, run)
    assert [i.entity.name for i in result.done] == ["invoice", "customer"]
    assert [r.state for r in world.quickbooks.rows["invoice"].values()] == [State.VOIDED]
    assert len(world.contractor.live("invoice")) == 1
    assert quiet(world)
    assert len(world.contractor.live("invoice")) == 1


def test_a_created_name_that_later_documents_refer_to_is_refused(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    run = world.run().run_id
    world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=())
    world.run()
    result = undone(world, run)
    assert [i.why_not for i in result.refused] == ["1 invoices refer to it"]
    assert values(world, "active") == [True, True]


def test_a_removal_can_not_be_taken_back_and_is_said_so(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    record = world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=())
    world.run()
    world.contractor.let_go("invoice", record, State.VOIDED)
    result = undone(world, world.run().run_id)
    assert [i.why_not for i in result.refused] == ["it was voided, which QuickBooks can't take back"]


# --- documents and the money on them ---


def traded(world: World, side: Side) -> str:
    """One run copied a customer, its invoice and the payment of it from this side; returns the name of the run. To
    delete a payment moves the invoice that it settled, as both systems do."""
    world.entities = ("customer", "invoice", "payment")
    port, money = world.port(side), Decimal(80)
    payer = port.add("customer", **customer())
    invoice = port.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=())
    share = ({"id": invoice, "invoice": invoice, "amount": money},)
    port.add("payment", customer=payer, date=date(2026, 2, 11), amount=money, reference="CHK", allocations=share)
    run = world.run().run_id
    world.port(side.other).on_request = lambda sent: unpaid(world.port(side.other), sent)
    return run


def unpaid(port: FakePort, sent: Sendable) -> None:
    if (sent.entity, sent.verb) == ("payment", "delete"):
        [invoice] = port.live("invoice")
        port.edit("invoice", invoice, balance=Decimal(80))


@pytest.mark.parametrize("side", list(Side))
def test_an_invoice_and_its_payment_of_one_run_are_both_taken_back_as_planned(world: World, side: Side) -> None:
    run = traded(world, side)
    planned = [(i.name, i.why_not) for i in plan_undo(world.context(dry=True), run)]
    result = undone(world, run)
    assert result.refused == []
    assert [(i.name, i.why_not) for i in result.done] == planned
    assert [i.entity.name for i in result.done] == ["payment", "invoice", "customer"]
    assert [len(world.port(side.other).live(name)) for name in ("payment", "invoice")] == [0, 0]
    assert [len(world.port(side).live(name)) for name in ("payment", "invoice", "customer")] == [1, 1, 1]
    assert world.codes() == ["undone"] * 3
    assert quiet(world)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("synced", [True, False])
def test_an_undo_that_stopped_halfway_is_finished_by_repeating_it(world: World, side: Side, synced: bool) -> None:
    run = traded(world, side)
    there = world.port(side.other)
    there.refuses = lambda sent: refusal() if sent.entity != "payment" else None
    assert [i.entity.name for i in undone(world, run).done] == ["payment"]
    assert world.codes() == ["undone"]  # the undo has said why; nobody has to correct or retry anything
    there.refuses = lambda _sent: None
    if synced:
        world.run()
    result = undone(world, run)
    assert [i.entity.name for i in result.earlier] == ["payment"]
    assert ([i.entity.name for i in result.done], result.refused) == (["invoice", "customer"], [])
    assert there.live("invoice") == {}
    assert quiet(world)


def test_a_write_of_an_undo_that_a_sync_found_refused_is_sent_again_by_repeating_the_undo(world: World) -> None:
    run = edited(world)
    world.quickbooks.script = ["lost before it arrived"]
    assert "no answer came" in (undone(world, run).refused[0].why_not or "")
    world.quickbooks.refuses = lambda _sent: refusal()
    world.run()
    world.quickbooks.refuses = lambda _sent: None
    assert quiet(world)
    result = undone(world, run)
    assert ([i.name for i in result.done], result.refused) == (["Customer Hazel Roofing"], [])
    assert values(world, "notes") == ["new", "old"]
    assert world.codes() == ["undone"]
    assert quiet(world)


def test_what_rests_on_a_record_that_could_not_be_taken_back_stays_with_it(world: World) -> None:
    run = traded(world, CONTRACTOR)
    world.quickbooks.refuses = lambda sent: refusal() if sent.entity == "payment" else None
    result = undone(world, run)
    assert [(i.entity.name, i.why_not) for i in result.refused] == [
        ("payment", "The name is too long"),
        ("invoice", "1 payments refer to it"),
        ("customer", "1 invoices, 1 payments refer to it"),
    ]


def test_a_document_that_an_undo_points_elsewhere_no_longer_holds_the_name_that_the_run_made(world: World) -> None:
    world.entities = ("customer", "item", "invoice")
    payer = world.contractor.add("customer", **customer())
    old = world.contractor.add("item", name="Framing", kind="service", active=True)
    line = {"kind": "item", "quantity": Decimal(1), "unit_price": Decimal(50), "amount": Decimal(50)}
    record = world.contractor.add(
        "invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=({**line, "item": old},)
    )
    world.run()
    new = world.contractor.add("item", name="Roofing", kind="service", active=True)
    [kept] = world.contractor.rows["invoice"][record].values["lines"]
    world.contractor.edit("invoice", record, lines=({**kept, "item": new},))
    run = world.run().run_id
    planned = plan_undo(world.context(dry=True), run)
    result = undone(world, run)
    assert [(i.name, i.why_not) for i in planned] == [(i.name, i.why_not) for i in result.done]
    assert [i.entity.name for i in result.done] == ["invoice", "item"]
    repeated = undone(world, run)
    assert ([i.entity.name for i in repeated.earlier], repeated.done, repeated.refused) == (["invoice", "item"], [], [])
    assert quiet(world)


# --- brakes, plans and broken undos ---


def test_a_document_in_closed_books_is_refused(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=())
    run = world.run().run_id
    world.rules = Rules(closed_through=date(2026, 3, 31))
    result = undone(world, run)
    assert "books are closed through 2026-03-31" in (result.refused[0].why_not or "")
    assert "refer to it" in (result.refused[1].why_not or "")  # its customer has to stay for it
    assert len(world.quickbooks.live("invoice")) == 1


def test_the_plan_of_an_undo_writes_nothing(world: World) -> None:
    run = edited(world)
    before = world.writes()
    [item] = plan_undo(world.context(dry=True), run)
    assert (item.before, item.after) == ({"notes": "old"}, {"notes": "new"})
    assert world.writes() == before
    assert world.codes() == []


def test_an_undo_that_is_refused_leaves_the_record_to_the_sync_as_it_was(world: World) -> None:
    run = edited(world)
    world.quickbooks.refuses = lambda _item: refusal()
    result = undone(world, run)
    assert [i.why_not for i in result.refused] == ["The name is too long"]
    world.quickbooks.refuses = lambda _item: None
    world.run()
    assert values(world, "notes") == ["new", "new"]
    assert "undone" not in world.codes()


def test_an_undo_whose_answer_is_lost_holds_the_record_and_is_settled_by_the_next_sync(world: World) -> None:
    run = edited(world)
    world.quickbooks.script = ["lost after it was done"]
    result = undone(world, run)
    assert "no answer came" in (result.refused[0].why_not or "")
    world.run()
    assert values(world, "notes") == ["new", "old"]
    assert world.codes() == ["undone"]
    assert quiet(world)


def test_an_undo_killed_before_its_answer_is_settled_by_the_next_sync_and_the_record_held(world: World) -> None:
    run = edited(world)
    world.quickbooks.script = ["cut before the answer"]
    with pytest.raises(PowerCut):
        undone(world, run)
    world.run()
    assert world.codes() == ["undone"]
    assert values(world, "notes") == ["new", "old"]
    assert quiet(world)


def test_a_second_undo_of_the_same_run_changes_nothing_more(world: World) -> None:
    run = edited(world)
    undone(world, run)
    before = world.writes()
    assert undone(world, run).done == []
    assert world.writes() == before


# --- writes that are not settled ---


def test_a_write_of_the_run_without_an_answer_is_named_and_nothing_is_sent(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.script = ["lost after it was done"]
    run = world.run().run_id
    before = world.writes()
    result = undone(world, run)
    assert [(i.name, "not settled yet" in (i.why_not or "")) for i in result.refused] == [
        ("Customer Hazel Roofing", True)
    ]
    assert result.done == []
    assert world.writes() == before
    world.run()
    assert [i.operation.verb for i in undone(world, run).done if i.operation] == ["update"]  # now there is one


def test_a_record_with_a_later_write_that_is_not_settled_is_left_alone_until_it_is(world: World) -> None:
    run = edited(world)
    [record] = world.contractor.live("customer")
    world.contractor.edit("customer", record, email="a@x.example")
    world.quickbooks.script = ["lost before it arrived"]
    world.run()
    before = world.writes()
    [refused] = undone(world, run).refused
    assert "not settled yet" in (refused.why_not or "")
    assert world.writes() == before
    assert "undone" not in world.codes()
    world.run()
    assert [i.name for i in undone(world, run).done] == ["Customer Hazel Roofing"]
