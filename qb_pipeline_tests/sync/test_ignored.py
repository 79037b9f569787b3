"""What is ignored stays quiet just as long as its cause and the values it rests on stay, and silences nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest

from qb_pipeline.entities.spec import Direction, Policy, Side
from qb_pipeline.errors import FixTheData
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import ExceptionState, Problem, Reported
from qb_pipeline.sync import problems
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline_tests.sync.fakes import ValuesCodec, refusal
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS
OPEN, IGNORED = ExceptionState.OPEN, ExceptionState.IGNORED


def ignore(world: World) -> None:
    with world.engine.begin() as conn:
        exceptions.ignore(conn, COMPANY, [e.id for e in world.open_exceptions()])


def only(world: World) -> Reported:
    [one] = world.open_exceptions()
    return one


def stays_ignored(world: World) -> bool:
    """Whether further runs change nothing of it but the count of its attempts and the time of the last."""
    before = only(world)
    for _ in range(3):
        world.run()
    after = only(world)
    same = replace(before, attempts=after.attempts, last_seen=after.last_seen, run_id=after.run_id)
    return before.state is IGNORED and after == same


def in_conflict(world: World) -> tuple[str, str]:
    """A customer with other notes on each side; returns both ids."""
    world.rules = Rules({"customer": Override(policy=Policy.ASK)})
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.edit("customer", record, notes="left")
    world.quickbooks.edit("customer", twin, notes="right")
    world.run()
    return record, twin


def test_an_ignored_conflict_stays_ignored_while_nobody_edits_the_record(world: World) -> None:
    in_conflict(world)
    ignore(world)
    assert stays_ignored(world)


@pytest.mark.parametrize("side", list(Side))
def test_an_ignored_conflict_stays_ignored_when_another_field_of_the_record_is_edited_and_carried(
    world: World, side: Side
) -> None:
    record, twin = in_conflict(world)
    ignore(world)
    written = world.writes()
    world.port(side).edit("customer", record if side is CONTRACTOR else twin, email="ann@hazel.example")
    world.run()
    assert world.writes() == written + 1
    assert only(world).state is IGNORED


@pytest.mark.parametrize("both", [True, False], ids=["both sides", "one side"])
def test_an_ignored_conflict_is_open_again_when_its_field_is_edited(world: World, both: bool) -> None:
    record, twin = in_conflict(world)
    ignore(world)
    world.run()
    world.contractor.edit("customer", record, notes="left again")
    if both:
        world.quickbooks.edit("customer", twin, notes="right again")
    world.run()
    again = only(world)
    assert (again.code, again.state, again.attempts) == ("conflict_notes", OPEN, 1)
    assert "left again" in again.cause


def test_an_ignored_removal_is_open_again_when_the_record_that_is_left_is_edited(world: World) -> None:
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.let_go("customer", record)
    world.quickbooks.edit("customer", twin, notes="kept")
    world.run()
    assert only(world).code == "removed_but_edited"
    ignore(world)
    assert stays_ignored(world)
    world.quickbooks.edit("customer", twin, notes="kept longer")
    world.run()
    assert only(world).state is OPEN


def test_what_cannot_be_expressed_is_open_again_when_the_record_is_changed_in_vain(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_codec: ValuesCodec, _values: object) -> dict[str, Any]:
        raise FixTheData("It has no address.", code="no_address", fix="Give one.", who="office")

    monkeypatch.setattr(ValuesCodec, "encode_create", refuse)
    record = world.contractor.add("customer", **customer())
    world.run()
    ignore(world)
    assert stays_ignored(world)
    world.contractor.edit("customer", record, name="Another Name")
    world.run()
    again = only(world)
    assert (again.code, again.state, again.record_label) == ("no_address", OPEN, "Customer Another Name")


def invoice(world: World, number: str, payer: str, dated: date = date(2026, 2, 10)) -> str:
    return world.contractor.add("invoice", number=number, customer=payer, date=dated, lines=())


def closed_books(world: World) -> str:
    payer = world.contractor.add("customer", **customer())
    world.run()
    world.rules = Rules(closed_through=date(2026, 1, 31))
    return payer


def copied_one_way(world: World) -> str:
    world.rules = Rules({"customer": Override(direction=Direction.TO_CONTRACTOR)})
    return world.contractor.add("customer", **customer())


in_the_way = pytest.mark.parametrize(
    ("cause", "code"), [(closed_books, "books_closed"), (copied_one_way, "missing_reference")], ids=["books", "missing"]
)
EARLY = date(2026, 1, 10)


def joined_while_ignored(
    world: World, cause: Callable[[World], str], code: str, numbers: tuple[str, str, str]
) -> tuple[str, list[tuple[ExceptionState, Sequence[Any]]]]:
    """Two invoices are blocked by a cause that is ignored, a third one comes, that is ignored too, and the first goes.

    Returns their payer, and after each of the three the exception's state with what it blocks.
    """
    world.entities = ("customer", "invoice")
    payer = cause(world)
    first, _ = invoice(world, numbers[0], payer, EARLY), invoice(world, numbers[1], payer, EARLY)
    world.run()
    told = [(only(world).state, only(world).blocks)]
    assert only(world).code == code
    ignore(world)
    assert stays_ignored(world)
    invoice(world, numbers[2], payer, EARLY)
    world.run()
    told.append((only(world).state, only(world).blocks))
    assert only(world).attempts == 1
    ignore(world)
    assert stays_ignored(world)
    world.contractor.let_go("invoice", first)
    world.run()
    return payer, [*told, (only(world).state, only(world).blocks)]


@in_the_way
def test_a_record_newly_blocked_by_an_ignored_cause_opens_it_again(
    world: World, cause: Callable[[World], str], code: str
) -> None:
    payer, told = joined_while_ignored(world, cause, code, ("1", "2", "3"))
    one, two, three = "Invoice 1", "Invoice 2", "Invoice 3"
    assert told == [(OPEN, [one, two]), (OPEN, [one, two, three]), (IGNORED, [two, three])], "less is no news"
    invoice(world, "4", payer, EARLY)
    world.run()
    assert (only(world).state, only(world).blocks) == (OPEN, [two, three, "Invoice 4"]), "as many are not the same"


@in_the_way
def test_a_record_called_like_one_that_is_blocked_already_is_another_one(
    world: World, cause: Callable[[World], str], code: str
) -> None:
    _, told = joined_while_ignored(world, cause, code, ("", "", ""))
    one, two, three = "Invoice of 2026-01-10", "Invoice of 2026-01-10 (no. 2)", "Invoice of 2026-01-10 (no. 3)"
    assert told == [(OPEN, [one, two]), (OPEN, [one, two, three]), (IGNORED, [one, two])], "less is no news"


def test_a_record_that_waits_behind_what_an_ignored_cause_blocks_opens_it_again(world: World) -> None:
    world.entities = ("customer", "invoice", "payment")
    payer = closed_books(world)
    bill = invoice(world, "1", payer, date(2026, 1, 10))
    world.run()
    ignore(world)
    assert stays_ignored(world)
    settles = {"invoice": bill, "amount": 5}
    world.contractor.add(
        "payment", customer=payer, date=date(2026, 2, 11), amount=5, reference="77", allocations=(settles,)
    )
    world.run()
    assert (only(world).state, only(world).blocks) == (OPEN, ["Invoice 1", "Payment 77"])
    ignore(world)
    assert stays_ignored(world)


def test_what_was_only_said_is_not_taken_for_a_refused_write(world: World) -> None:
    in_conflict(world)
    ctx = world.run()
    assert only(world).run_id == ctx.run_id
    assert not problems.refused(ctx)


def test_a_record_that_newly_waits_for_the_record_of_an_ignored_exception_opens_it_again(world: World) -> None:
    world.entities = ("customer", "invoice")
    world.quickbooks.refuses = lambda item: refusal() if item.entity == "customer" else None
    payer = world.contractor.add("customer", **customer())
    invoice(world, "1", payer)
    world.run()
    assert (only(world).code, only(world).blocks) == ("refused", ["Invoice 1"])
    ignore(world)
    assert stays_ignored(world)
    invoice(world, "2", payer)
    world.run()
    assert (only(world).state, only(world).blocks) == (OPEN, ["Invoice 1", "Invoice 2"])
    before = only(world)
    world.run()
    assert only(world) == before, "it is said once"
    ignore(world)
    assert stays_ignored(world)


def test_of_two_ignored_exceptions_of_a_record_one_and_the_same_is_opened_by_what_newly_waits(world: World) -> None:
    world.entities = ("customer", "invoice")
    world.quickbooks.refuses = lambda item: refusal() if item.entity == "customer" else None
    payer = world.contractor.add("customer", **customer())
    world.run()
    with world.engine.begin() as conn:
        exceptions.report(conn, COMPANY, [replace_code(only(world), "another")])
    invoice(world, "1", payer)
    world.run()
    ignore(world)
    with world.engine.begin() as conn:  # the other one was met last
        exceptions.report(conn, COMPANY, [e for e in world.open_exceptions() if not e.blocks], world.now())
    world.run()
    assert [(e.state, e.blocks) for e in sorted(world.open_exceptions(), key=lambda e: e.id)] == [
        (IGNORED, []), (IGNORED, ["Invoice 1"]),
    ]  # fmt: skip
    invoice(world, "2", payer)
    world.run()
    states = [e.state for e in sorted(world.open_exceptions(), key=lambda e: e.id)]
    world.run()
    assert [e.state for e in sorted(world.open_exceptions(), key=lambda e: e.id)] == states == [IGNORED, OPEN]


def test_an_ignored_passing_fault_is_tried_again_when_another_record_waits_for_it(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    world.quickbooks.script = ["lost before it arrived"]
    world.run()
    ignore(world)
    world.run()
    assert (only(world).state, world.quickbooks.live("customer")) == (IGNORED, {})
    invoice(world, "1", payer)
    world.run()
    assert (only(world).state, only(world).blocks) == (ExceptionState.RETRYING, ["Invoice 1"])
    world.run()
    assert (world.codes(), len(world.quickbooks.live("invoice"))) == ([], 1)


def replace_code(one: Reported, code: str) -> Problem:
    """The same problem as it would be reported under another code."""
    names = {f.name for f in fields(Problem)}
    return Problem(**{**{k: v for k, v in vars(one).items() if k in names}, "code": code})
