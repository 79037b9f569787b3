"""The list of what waits holds everything owed, in whatever way it waits."""

from __future__ import annotations

from datetime import date

from qb_pipeline.entities.spec import Policy, Side
from qb_pipeline.errors import RetryLater
from qb_pipeline.store import exceptions
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline.sync.waiting import Waiting, waiting
from qb_pipeline_tests.sync.fakes import refusal
from qb_pipeline_tests.sync.world import COMPANY, World, customer


def listed(world: World) -> list[Waiting]:
    with world.engine.connect() as conn:
        return waiting(conn, COMPANY)


def test_a_refused_record_waits_for_a_person_with_its_cause_its_fix_and_since_when(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.refuses = lambda _item: refusal()
    world.run()
    [one], [refused] = listed(world), world.open_exceptions()
    assert (one.kind, one.record, one.since, one.number) == (
        "open", "Customer Hazel Roofing", refused.first_seen, refused.id,
    )  # fmt: skip
    assert (one.why, one.who) == ("The name is too long.", "office")
    assert one.fix == refused.fix
    with world.engine.begin() as conn:
        exceptions.ignore(conn, COMPANY, [refused.id])
    assert [w.kind for w in listed(world)] == ["ignored"]


def test_an_open_conflict_waits_and_what_was_settled_does_not(world: World) -> None:
    world.rules = Rules({"customer": Override(policy=Policy.ASK)})
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    assert listed(world) == []
    [twin] = world.quickbooks.live("customer")
    world.contractor.edit("customer", record, notes="left")
    world.quickbooks.edit("customer", twin, notes="right")
    world.run()
    [one] = listed(world)
    assert (one.kind, one.record) == ("open", "Customer Hazel Roofing")
    assert "left" in one.why
    world.contractor.edit("customer", record, notes="right")
    world.run()
    assert listed(world) == []


def test_what_closed_books_hold_back_waits_with_the_books_themselves(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    world.rules = Rules(closed_through=date(2026, 1, 31))
    world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 1, 10), lines=())
    world.run()
    assert [(w.kind, w.record, w.who) for w in listed(world)] == [
        ("open", "Closed books", "accountant"), ("parked", "Invoice 1", None),
    ]  # fmt: skip
    assert listed(world)[1].why == "The books are closed for this date."


def test_a_write_without_an_answer_is_listed_once_with_its_next_attempt(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.script = [RetryLater("No answer came.", code="timeout", maybe_written=True)]
    world.run()
    [one] = listed(world)
    assert (one.kind, one.side) == ("unanswered", Side.QUICKBOOKS)
    assert one.next_attempt_at is not None
