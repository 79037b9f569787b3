"""What must wait does so visibly: missing references, conflicts, doubtful matches, mass removals."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Direction, Policy, Side
from qb_pipeline.store import exceptions, tables
from qb_pipeline.store.exceptions import ExceptionState, Problem
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline.sync.waiting import held_back
from qb_pipeline_tests.sync.fakes import refusal
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS


def invoice(number: str, payer: str, **values: Any) -> dict[str, Any]:
    return {"number": number, "customer": payer, "date": date(2026, 2, 10), "lines": (), **values}


# --- what is waited for ---


def waiting_world(world: World) -> str:
    """Three invoices of a customer whom QuickBooks refuses; returns the customer's id."""
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    for number in ("1", "2", "3"):
        world.contractor.add("invoice", **invoice(number, payer))
    world.quickbooks.refuses = lambda item: refusal() if item.entity == "customer" else None
    world.run()
    return payer


def test_what_refers_to_a_refused_record_waits_and_is_named_in_the_exception_of_that_record_alone(world: World) -> None:
    payer = waiting_world(world)
    assert world.quickbooks.live("invoice") == {}
    [refused] = world.open_exceptions()
    assert (refused.entity, refused.side, refused.record_id) == ("customer", CONTRACTOR, payer)
    assert (refused.code, refused.cause, refused.who) == ("refused", "The name is too long.", "office")
    assert refused.blocks == ["Invoice 1", "Invoice 2", "Invoice 3"]
    assert held_back(refused) == "3 records wait for it: Invoice 1, Invoice 2, Invoice 3."


def test_naming_what_waits_counts_no_attempt_and_moves_no_time(world: World) -> None:
    waiting_world(world)
    [before] = world.open_exceptions()
    world.contractor.add("invoice", **invoice("4", before.record_id))
    world.run()
    [after] = world.open_exceptions()
    assert after == replace(before, blocks=[*before.blocks, "Invoice 4"])


def test_a_refusal_that_comes_again_keeps_what_waits_for_it_until_that_is_looked_at_anew(world: World) -> None:
    waiting_world(world)
    [before] = world.open_exceptions()
    with world.engine.begin() as conn:
        again = Problem(**{f.name: getattr(before, f.name) for f in fields(Problem) if f.name != "blocks"})
        exceptions.report(conn, COMPANY, [again], world.now())
    [after] = world.open_exceptions()
    assert (after.attempts, after.blocks) == (before.attempts + 1, before.blocks)


def test_what_waits_behind_something_that_waits_is_named_with_the_cause_of_both(world: World) -> None:
    world.entities = ("customer", "invoice", "payment")
    payer = world.contractor.add("customer", **customer())
    bill = world.contractor.add("invoice", **invoice("1", payer))
    settles = {"invoice": bill, "amount": Decimal(5)}
    world.contractor.add(
        "payment", customer=payer, date=date(2026, 2, 11), amount=Decimal(5), reference="77", allocations=(settles,)
    )
    world.quickbooks.refuses = lambda item: refusal() if item.entity == "customer" else None
    world.run()
    [refused] = world.open_exceptions()
    assert refused.record_id == payer
    assert refused.blocks == ["Invoice 1", "Payment 77"]


@pytest.mark.parametrize("state", [ExceptionState.IGNORED, ExceptionState.DEAD, ExceptionState.RETRYING])
def test_an_exception_of_the_record_tells_what_waits_in_whatever_state_it_is(
    world: World, state: ExceptionState
) -> None:
    waiting_world(world)
    world.quickbooks.refuses = lambda _item: None
    with world.engine.begin() as conn:
        later = world.now() + timedelta(days=9)
        table, told = tables.exception, [f"Invoice {n}" for n in (1, 2, 3)]
        as_it_is = {"state": state.value, "retry_safe": True, "next_attempt_at": later}
        conn.execute(update(table).values(**as_it_is, blocks=[], told_blocks=told))
    world.run(retry_now=False)
    [kept] = world.open_exceptions()
    assert (kept.code, kept.state, len(kept.blocks)) == ("refused", state, 3)


def test_a_record_that_is_gone_is_said_to_be_missing_in_the_run_that_closes_its_refusal(world: World) -> None:
    payer = waiting_world(world)
    world.contractor.let_go("customer", payer)
    world.run()
    [missing] = world.open_exceptions()
    assert (missing.code, missing.record_id, len(missing.blocks)) == ("missing_reference", payer, 3)


def test_what_has_no_exception_of_its_own_is_told_as_missing_with_the_command_that_links_it(world: World) -> None:
    world.entities = ("customer", "invoice")
    world.rules = Rules({"customer": Override(direction=Direction.TO_CONTRACTOR)})
    payer = world.contractor.add("customer", **customer("ABC Corp"))
    world.contractor.add("invoice", **invoice("1234", payer))
    world.run()
    [missing] = world.open_exceptions()
    assert (missing.code, missing.blocks, missing.who) == ("missing_reference", ["Invoice 1234"], "accountant")
    assert missing.cause == "Invoice 1234: customer ABC Corp does not exist in QuickBooks."
    assert missing.fix == (
        f"Create it there, or link it to an existing customer (qb-pipeline review link {payer} B --entity customer, "
        "where B is its id there)."
    )
    assert held_back(missing) == "", "its cause names it already"


def test_a_name_of_hundreds_of_characters_is_shown_in_part(world: World) -> None:
    world.entities = ("customer", "invoice")
    name = "Hazel " * 100
    payer = world.contractor.add("customer", **customer(name))
    world.contractor.add("invoice", **invoice("1", payer))
    world.quickbooks.refuses = lambda item: refusal() if item.entity == "customer" else None
    world.run()
    [refused] = world.open_exceptions()
    assert refused.record_label == f"Customer {name[:79]}…"
    assert [row["name"] for row in world.contractor.live("customer").values()] == [name]


def test_waiting_records_are_neither_failed_nor_journalled(world: World) -> None:
    waiting_world(world)
    assert {row.entity for row in world.journal()} == {"customer"}


def test_the_fix_of_a_missing_reference_releases_everything_in_the_next_run(world: World) -> None:
    payer = waiting_world(world)
    world.quickbooks.refuses = lambda _item: None
    world.contractor.edit("customer", payer, name="Hazel")
    world.run()
    assert world.names(QUICKBOOKS, "invoice") == ["1", "2", "3"]
    assert world.codes() == []


def test_a_refusal_names_nothing_any_more_once_nothing_waits_for_it(world: World) -> None:
    waiting_world(world)
    for record in list(world.contractor.live("invoice")):
        world.contractor.let_go("invoice", record)
    world.run()
    [refused] = world.open_exceptions()
    assert (refused.code, refused.blocks) == ("refused", [])


def test_a_record_waits_for_references_in_its_lines_too(world: World) -> None:
    world.entities = ("customer", "item", "invoice")
    payer = world.contractor.add("customer", **customer())
    work = world.contractor.add("item", name="Framing", kind="service", active=True)
    line = {"kind": "item", "item": work, "description": "framing", "quantity": Decimal(1),
            "unit_price": Decimal(50), "amount": Decimal("50.00")}  # fmt: skip
    world.contractor.add("invoice", **invoice("1", payer, lines=(line,)))
    world.quickbooks.refuses = lambda item: refusal() if item.entity == "item" else None
    world.run()
    [refused] = world.open_exceptions()
    assert (refused.code, refused.entity, refused.blocks) == ("refused", "item", ["Invoice 1"])
    assert world.quickbooks.live("invoice") == {}


# --- conflicts ---


@pytest.fixture
def asking(world: World) -> World:
    world.rules = Rules({"customer": Override(policy=Policy.ASK)})
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.edit("customer", record, notes="left")
    world.quickbooks.edit("customer", twin, notes="right")
    world.run()
    return world


def notes(world: World) -> list[str]:
    return [str(row["notes"]) for side in Side for row in world.port(side).live("customer").values()]


def test_a_conflict_is_one_visible_exception_and_touches_neither_side(asking: World) -> None:
    before = asking.writes()
    asking.run()
    asking.run()
    assert notes(asking) == ["left", "right"]
    assert asking.writes() == before
    [conflict] = asking.open_exceptions()
    assert conflict.code == "conflict_notes"
    assert "left" in conflict.cause
    assert "right" in conflict.cause


def test_a_conflict_that_a_person_settles_on_one_side_is_closed_and_written_no_further(asking: World) -> None:
    before = asking.writes()
    [record] = asking.contractor.live("customer")
    asking.contractor.edit("customer", record, notes="right")
    asking.run()
    assert notes(asking) == ["right", "right"]
    assert asking.codes() == []
    assert asking.writes() == before


def test_a_conflict_ends_once_the_company_sets_a_policy(asking: World) -> None:
    asking.rules = Rules({"customer": Override(policy=Policy.CONTRACTOR)})
    asking.run()
    assert notes(asking) == ["left", "left"]
    assert asking.codes() == []


def test_other_fields_of_a_record_in_conflict_still_travel_and_the_conflict_stays_visible(asking: World) -> None:
    [record] = asking.contractor.live("customer")
    asking.contractor.edit("customer", record, email="a@x.example")
    asking.run()
    asking.run()
    assert [row["email"] for row in asking.quickbooks.live("customer").values()] == ["a@x.example"]
    assert notes(asking) == ["left", "right"]
    assert asking.codes() == ["conflict_notes"]


def test_a_payment_that_touches_quickbooks_customer_does_not_make_its_old_edit_the_later_one(world: World) -> None:
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.quickbooks.edit("customer", twin, notes="right")
    world.contractor.refuses = lambda _item: refusal()  # so that the edit waits and is seen again
    world.run()
    world.contractor.edit("customer", record, notes="left")
    world.quickbooks.edit("customer", twin)  # saved again without an edit, and later than the contractor's
    world.contractor.refuses = lambda _item: None
    world.run()
    assert notes(world) == ["left", "left"]


# --- brakes ---


def many(world: World, count: int, removed: int, side: Side = CONTRACTOR) -> None:
    """`count` linked customers of which `removed` are then let go on `side`: QuickBooks only makes names inactive."""
    world.contractor.batch = world.quickbooks.batch = 30
    for n in range(count):
        world.contractor.add("customer", **customer(f"Customer {n:03}"))
    world.run()
    for record in list(world.port(side).live("customer"))[:removed]:
        if side is CONTRACTOR:
            world.contractor.let_go("customer", record)
        else:
            world.quickbooks.edit("customer", record, active=False)


def inactive(world: World) -> int:
    return sum(not row["active"] for row in world.quickbooks.live("customer").values())


@pytest.mark.parametrize(
    ("count", "removed", "held"),
    [(30, 24, False), (100, 25, False), (99, 25, True)],
    ids=["most of them, but few", "a quarter", "more than a quarter"],
)
def test_the_brake_holds_when_many_and_more_than_a_quarter_would_be_removed(
    world: World, count: int, removed: int, held: bool
) -> None:
    many(world, count, removed)
    world.run()
    assert inactive(world) == (0 if held else removed)
    assert world.codes() == (["mass_change"] if held else [])


def test_held_removals_do_not_hold_up_other_changes_and_stay_held(world: World) -> None:
    many(world, 40, 30)
    alive = list(world.contractor.live("customer"))[-1]
    world.contractor.edit("customer", alive, notes="gate 12")
    world.run()
    world.run()
    assert inactive(world) == 0
    assert "gate 12" in {row.get("notes") for row in world.quickbooks.live("customer").values()}
    [brake] = world.open_exceptions()
    assert "30 of 40" in brake.cause


def test_a_persons_word_releases_the_brake(world: World) -> None:
    many(world, 40, 30)
    world.run()
    world.run(allow_mass_change=True)
    assert inactive(world) == 30
    assert world.codes() == []


def test_the_brake_lets_go_when_the_records_are_back(world: World) -> None:
    many(world, 40, 30)
    world.run()
    for row in world.contractor.rows["customer"].values():
        if row.state is State.DELETED:
            world.contractor.let_go("customer", row.id, State.LIVE)
    world.run()
    assert world.codes() == []
    assert inactive(world) == 0


def test_removals_on_the_quickbooks_side_are_braked_as_well(world: World) -> None:
    many(world, 40, 30, QUICKBOOKS)
    world.run()
    assert sum(bool(row["active"]) for row in world.contractor.live("customer").values()) == 40
    assert world.codes() == ["mass_change"]


def test_a_waiting_removal_is_carried_out_once_its_time_has_come(world: World) -> None:
    many(world, 3, 1)
    world.quickbooks.script = [refusal()]
    world.run()
    assert (inactive(world), world.codes()) == (0, ["refused"])
    world.ahead += timedelta(days=1)
    world.run()
    assert inactive(world) == 0  # a day alone is no reason to send the same write again
    assert world.codes() == ["refused"]
