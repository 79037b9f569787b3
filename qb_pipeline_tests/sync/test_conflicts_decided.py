"""A person's word on a conflict: written by the next sync, for these two versions and no other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Policy, Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import ExceptionState, Reported
from qb_pipeline.sync import deciding
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline_tests.sync.fakes import refusal
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS
ASK = Rules({"customer": Override(policy=Policy.ASK), "invoice": Override(policy=Policy.ASK)})


def conflict(world: World) -> tuple[str, str]:
    world.rules = ASK
    record = world.contractor.add("customer", **customer(notes="old", email="a@x.example"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.edit("customer", record, notes="left")
    world.quickbooks.edit("customer", twin, notes="right")
    world.run()
    assert world.codes() == ["conflict_notes"]
    return record, twin


def take(world: World, side: Side, code: str = "conflict_notes") -> str:
    with world.engine.begin() as conn:
        [found] = exceptions.listing(conn, COMPANY, codes=[code])
        return deciding.take(conn, COMPANY, found, side)


def notes(world: World) -> list[Any]:
    return [row["notes"] for side in Side for row in world.port(side).live("customer").values()]


@pytest.mark.parametrize(("side", "stands"), [(CONTRACTOR, "left"), (QUICKBOOKS, "right")])
def test_the_version_that_was_taken_is_on_both_sides_after_the_next_sync(world: World, side: Side, stands: str) -> None:
    conflict(world)
    before = world.writes()
    assert "is written to" in take(world, side)
    world.run()
    assert notes(world) == [stands, stands]
    assert world.codes() == []
    assert world.writes() == before + 1
    world.run()
    assert world.writes() == before + 1


def test_the_word_holds_for_that_version_only_and_a_later_edit_of_the_other_side_asks_again(world: World) -> None:
    _, twin = conflict(world)
    take(world, CONTRACTOR)
    world.quickbooks.edit("customer", twin, notes="second thoughts")
    world.run()
    assert notes(world) == ["left", "second thoughts"]
    assert world.codes() == ["conflict_notes"]


def test_the_next_conflict_of_the_same_field_is_asked_again(world: World) -> None:
    record, twin = conflict(world)
    take(world, CONTRACTOR)
    world.run()
    world.contractor.edit("customer", record, notes="L2")
    world.quickbooks.edit("customer", twin, notes="R2")
    world.run()
    assert notes(world) == ["L2", "R2"]
    assert world.codes() == ["conflict_notes"]


def test_a_word_on_one_field_says_nothing_of_another(world: World) -> None:
    record, twin = conflict(world)
    world.contractor.edit("customer", record, email="l@x.example")
    world.quickbooks.edit("customer", twin, email="r@x.example")
    world.run()
    take(world, QUICKBOOKS)
    world.run()
    assert notes(world) == ["right", "right"]
    assert world.codes() == ["conflict_email"]


@pytest.mark.parametrize("side", list(Side))
def test_a_conflict_over_lines_is_settled_for_the_whole_array(world: World, side: Side) -> None:
    world.rules = ASK
    world.entities = ("customer", "item", "invoice")
    payer = world.contractor.add("customer", **customer())
    work = world.contractor.add("item", name="Framing", kind="service", active=True)
    line = {"kind": "item", "item": work, "description": "framing", "quantity": Decimal(1),
            "unit_price": Decimal(50), "amount": Decimal("50.00")}  # fmt: skip
    one = world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=(line, line))
    world.run()
    [twin] = world.quickbooks.live("invoice")
    mine, theirs = world.contractor.rows["invoice"][one].values, world.quickbooks.rows["invoice"][twin].values
    world.contractor.edit("invoice", one, lines=tuple({**x, "description": "left"} for x in mine["lines"]))
    world.quickbooks.edit("invoice", twin, lines=({**theirs["lines"][0], "description": "right"},))
    world.run()
    assert world.codes() == ["conflict_lines"]
    take(world, side, "conflict_lines")
    world.run()
    told = ["left", "left"] if side is CONTRACTOR else ["right"]
    for port in (world.contractor, world.quickbooks):
        [row] = port.live("invoice").values()
        assert [x["description"] for x in row["lines"]] == told
    assert world.codes() == []


def removed_but_edited(world: World) -> tuple[str, str]:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    record = world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=(), memo="a")
    world.run()
    [twin] = world.quickbooks.live("invoice")
    world.contractor.edit("invoice", record, memo="b")
    world.quickbooks.let_go("invoice", twin, State.DELETED)
    world.run()
    assert world.codes() == ["removed_but_edited"]
    return record, twin


def test_taking_the_side_that_removed_a_document_removes_it_on_the_other(world: World) -> None:
    removed_but_edited(world)
    assert "removed" in take(world, QUICKBOOKS, "removed_but_edited")
    world.run()
    assert world.contractor.live("invoice") == {}
    assert world.codes() == []


def test_taking_the_side_that_edited_a_document_makes_it_anew_on_the_other(world: World) -> None:
    removed_but_edited(world)
    assert "anew" in take(world, CONTRACTOR, "removed_but_edited")
    world.run()
    assert [row["memo"] for row in world.quickbooks.live("invoice").values()] == ["b"]
    assert world.codes() == []


@pytest.mark.parametrize("state", [State.DELETED, State.VOIDED])
def test_the_copy_that_was_edited_is_made_anew_where_its_original_was_removed(world: World, state: State) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    record = world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=(), memo="a")
    world.run()
    [twin] = world.quickbooks.live("invoice")
    world.quickbooks.edit("invoice", twin, memo="b")
    world.contractor.let_go("invoice", record, state)
    world.run()
    assert "anew" in take(world, QUICKBOOKS, "removed_but_edited")
    world.run()
    assert [row["memo"] for row in world.contractor.live("invoice").values()] == ["b"]
    assert world.codes() == []


def test_an_exception_that_is_no_conflict_can_not_be_taken(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.refuses = lambda _item: refusal()
    world.run()
    with pytest.raises(Misconfigured, match="not settled by choosing"):
        take(world, CONTRACTOR, "refused")


def shown(world: World) -> Reported:
    [found] = world.open_exceptions()
    return found


def test_a_word_on_a_version_that_was_read_since_it_was_shown_is_refused_and_says_what_is_there_now(
    world: World,
) -> None:
    _, twin = conflict(world)
    world.quickbooks.edit("customer", twin, notes="right again")
    world.run_only_reading()  # a run that failed before it planned
    with pytest.raises(Misconfigured) as refused:
        take(world, CONTRACTOR)
    assert refused.value.cause == (
        f"Customer Hazel Roofing was changed in QuickBooks after exception {shown(world).id} was shown. Now: Customer "
        "Hazel Roofing: the contractor's system says 'left', QuickBooks says 'right again'."
    )
    assert "Run qb-pipeline sync" in refused.value.fix
    world.run()
    take(world, CONTRACTOR)
    world.run()
    assert notes(world) == ["left", "left"]


def test_a_conflict_over_other_versions_is_another_question_with_a_number_of_its_own(world: World) -> None:
    _, twin = conflict(world)
    first = shown(world)
    world.run()
    assert shown(world).id == first.id, "the same question"
    world.quickbooks.edit("customer", twin, notes="right again")
    world.run()
    anew = shown(world)
    assert (anew.id != first.id, anew.first_seen, anew.attempts) == (True, first.first_seen, 1)
    assert "right again" in anew.cause
    assert f"errors resolve {anew.id} --take" in anew.fix
    with world.engine.connect() as conn:
        old = exceptions.get(conn, COMPANY, first.id)
    assert old is not None
    assert old.state is ExceptionState.RESOLVED
    world.run()
    assert shown(world).id == anew.id


def test_a_removal_against_an_edit_is_asked_anew_when_the_record_is_edited_again(world: World) -> None:
    record, twin = removed_but_edited(world)
    first = shown(world)
    world.contractor.edit("invoice", record, memo="c")
    world.run()
    anew = shown(world)
    assert (anew.code, anew.id != first.id) == ("removed_but_edited", True)
    with world.engine.begin() as conn, pytest.raises(Misconfigured, match="changed in the contractor's system"):
        deciding.take(conn, COMPANY, first, QUICKBOOKS)
    take(world, CONTRACTOR, "removed_but_edited")
    world.run()
    assert [row["memo"] for row in world.quickbooks.live("invoice").values()] == ["c"]
    assert twin not in world.quickbooks.live("invoice")
