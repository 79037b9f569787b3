"""What a side refuses, doubts or leaves unanswered: said once, tried again only when something moved, lost never."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import PlanAgain, Reconnect, RetryLater
from qb_pipeline.store import attempts, candidates, exceptions
from qb_pipeline.store.candidates import Decision, Proposal
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline.store.journal import Phase
from qb_pipeline_tests.sync.fakes import refusal
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS


def sent(world: World, side: Side = QUICKBOOKS) -> int:
    return len(world.port(side).requests)


# --- refused ---


def test_a_refused_write_is_an_exception_with_cause_and_fix_and_stops_no_other(world: World) -> None:
    world.contractor.add("customer", **customer("Good"))
    world.contractor.add("customer", **customer("Bad"))
    world.quickbooks.refuses = lambda item: refusal() if b"Bad" in item.body else None
    world.run()
    assert world.names(QUICKBOOKS) == ["Good"]
    [problem] = world.open_exceptions()
    assert (problem.code, problem.cause, problem.fix, problem.who) == (
        "refused", "The name is too long.", "Shorten it.", "office",
    )  # fmt: skip
    assert problem.record_label == "Customer Bad"
    assert {r.phase for r in world.journal()} == {Phase.BOUND, Phase.FAILED}


def test_a_refused_write_is_not_repeated_unchanged_by_later_runs(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.refuses = lambda _item: refusal()
    world.run()
    first = sent(world)
    world.run()
    world.run()
    assert sent(world) == first == 1
    assert world.codes() == ["refused"]


def test_a_write_refused_for_another_reason_than_before_has_one_exception_and_rests(world: World) -> None:
    world.entities = ("customer", "job")
    owner = world.contractor.add("customer", **customer())
    world.contractor.add("job", name="Kitchen", customer=owner, active=True)
    world.quickbooks.refuses = lambda item: refusal("duplicate_number") if item.entity == "job" else None
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.quickbooks.edit("customer", twin, notes="moved")
    world.quickbooks.refuses = lambda item: refusal("dangling_reference") if item.entity == "job" else None
    world.run()
    assert world.codes() == ["dangling_reference"]
    asked = sent(world)
    world.run()
    assert sent(world) == asked


def test_a_write_refused_with_the_connection_does_not_rest_and_is_written_once_contact_is_back(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.script = [Reconnect("The key is refused.", code="http_401", fix="Connect again.")]
    world.run()
    assert world.names(QUICKBOOKS) == []
    assert world.codes() == []
    world.run()
    assert world.names(QUICKBOOKS) == ["Hazel Roofing"]
    assert [r.phase for r in world.journal()] == [Phase.FAILED, Phase.BOUND]


def test_a_refused_write_is_repeated_once_the_record_changes(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    world.quickbooks.refuses = lambda item: None if b"short" in item.body else refusal()
    world.run()
    world.contractor.edit("customer", record, name="short")
    world.run()
    assert world.names(QUICKBOOKS) == ["short"]
    assert world.codes() == []


def test_a_refused_write_is_repeated_when_a_person_asks_for_it(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.script = [refusal()]
    world.run()
    with world.engine.begin() as conn:
        exceptions.retry(conn, COMPANY, now=world.now())
    world.run()
    assert world.names(QUICKBOOKS) == ["Hazel Roofing"]
    assert world.codes() == []


def test_an_ignored_refusal_stays_quiet_until_the_record_changes(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    world.quickbooks.refuses = lambda _item: refusal()
    world.run()
    with world.engine.begin() as conn:
        exceptions.ignore(conn, COMPANY, [e.id for e in world.open_exceptions()])
    world.run()
    assert sent(world) == 1
    world.contractor.edit("customer", record, name="Other")
    world.run()
    assert sent(world) == 2
    assert [e.state for e in world.open_exceptions()] == [ExceptionState.OPEN]


@pytest.mark.parametrize("side", list(Side))
def test_a_refused_update_leaves_the_base_where_it_was(world: World, side: Side) -> None:
    record = world.port(side.other).add("customer", **customer())
    world.run()
    world.port(side.other).edit("customer", record, notes="gate 12")
    world.port(side).script = [refusal()]
    world.run()
    world.port(side.other).edit("customer", record, notes="gate 13")
    world.run()
    assert [row["notes"] for row in world.port(side).live("customer").values()] == ["gate 13"]
    assert world.codes() == []


def test_an_exception_of_a_record_that_agrees_again_by_itself_is_closed(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    world.run()
    world.contractor.edit("customer", record, notes="gate 12")
    world.quickbooks.script = [refusal()]
    world.run()
    assert world.codes() == ["refused"]
    [twin] = world.quickbooks.live("customer")
    world.quickbooks.edit("customer", twin, notes="gate 12")
    world.run()
    assert world.codes() == []


# --- accepted without effect ---


def test_a_write_without_effect_is_told_and_not_repeated_for_ever(world: World) -> None:
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    world.quickbooks.ignores = {"notes"}
    world.contractor.edit("customer", record, notes="new")
    world.run()
    assert sent(world) == 2
    [problem] = world.open_exceptions()
    assert problem.code == "not_taken"
    assert "notes" in problem.cause
    world.run()
    world.run()
    assert sent(world) == 2
    assert world.codes() == ["not_taken"]


def test_a_write_without_effect_does_not_take_the_other_sides_edit_back(world: World) -> None:
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    world.quickbooks.ignores = {"notes"}
    world.contractor.edit("customer", record, notes="new")
    world.run()
    world.run()
    assert world.contractor.live("customer")[record]["notes"] == "new"
    assert sent(world, CONTRACTOR) == 0


def test_what_a_creation_could_not_set_is_written_as_an_update(world: World) -> None:
    world.contractor.add("customer", **customer(active=False))
    world.quickbooks.ignores = {"active"}
    original = world.quickbooks._create

    def active_at_birth(entity: Any, values: dict[str, Any]) -> Any:
        row = original(entity, {**values})
        row.values["active"] = True
        world.quickbooks.ignores = set()
        return row

    world.quickbooks._create = active_at_birth  # type: ignore[method-assign]  # QuickBooks creates names active
    world.run()
    assert [r.verb for r in world.quickbooks.requests] == ["create", "update"]
    assert [row["active"] for row in world.quickbooks.live("customer").values()] == [False]
    assert sent(world, CONTRACTOR) == 0


# --- the record moved under us ---


def test_a_stale_write_is_read_again_merged_again_and_both_edits_survive(world: World) -> None:
    record = world.contractor.add("customer", **customer(notes="old", email="a@x.example"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.edit("customer", record, notes="new")
    world.quickbooks.meanwhile = [lambda: world.quickbooks.edit("customer", twin, email="b@x.example")]
    world.run()
    for side in Side:
        [row] = world.port(side).live("customer").values()
        assert (row["notes"], row["email"]) == ("new", "b@x.example")
    assert [r.phase for r in world.journal()].count(Phase.ABANDONED) == 1
    keys = [r.key for r in world.quickbooks.requests]
    assert len(keys) == len(set(keys)) == 3
    assert world.codes() == []


def test_a_record_deleted_while_we_wrote_to_it_is_a_conflict_and_not_a_loss(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.edit("customer", record, notes="new")
    world.quickbooks.meanwhile = [lambda: world.quickbooks.let_go("customer", twin)]
    world.run()
    assert world.codes() == ["removed_but_edited"]
    assert world.contractor.live("customer")[record]["notes"] == "new"


def test_a_write_sent_back_although_nothing_moved_rests_until_the_record_does(world: World) -> None:
    """QuickBooks answers so when payments hold an invoice: the invoice is as it was, and is refused every time."""
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.edit("customer", record, notes="new")
    world.quickbooks.refuses = lambda _item: PlanAgain(
        "Payments hold it.", code="qbo_620", fix="Again.", who="accountant"
    )
    world.run()
    world.run()
    assert sent(world) == 2
    [problem] = world.open_exceptions()
    assert (problem.code, problem.cause, problem.who, problem.state) == (
        "qbo_620", "Payments hold it.", "accountant", ExceptionState.OPEN,
    )  # fmt: skip
    world.quickbooks.refuses = lambda _item: None
    world.quickbooks.edit("customer", twin, email="b@x.example")
    world.run()
    assert world.quickbooks.live("customer")[twin]["notes"] == "new"
    assert world.codes() == []


# --- no answer, or not now ---


@pytest.mark.parametrize("fault", ["lost before it arrived", "lost after it was done"])
@pytest.mark.parametrize("side", list(Side))
def test_an_unanswered_creation_stays_open_and_is_asked_for_again_byte_for_byte(
    world: World, side: Side, fault: str
) -> None:
    world.port(side.other).add("customer", **customer())
    world.port(side).script = [fault]
    world.run()
    assert [r.phase for r in world.journal()] == [Phase.SENT]
    assert world.codes() == ["timeout"]
    world.run()
    assert world.names(side) == ["Hazel Roofing"]
    first, again = world.port(side).requests
    assert (first.key, first.body) == (again.key, again.body)
    assert [r.phase for r in world.journal()] == [Phase.BOUND]
    assert world.codes() == []


def test_an_unanswered_update_is_not_planned_a_second_time_beside_the_first(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    world.run()
    world.contractor.edit("customer", record, notes="new")
    world.quickbooks.script = ["lost before it arrived"] * 2
    world.run()
    world.run()
    assert len(world.open_exceptions()) == 1
    world.run()
    [twin] = world.quickbooks.rows["customer"].values()
    assert (twin.values["notes"], twin.version) == ("new", 1)
    assert len({r.key for r in world.quickbooks.requests}) == 2
    assert world.codes() == []


def test_a_write_that_was_put_off_is_tried_by_the_next_run_and_its_exception_closed(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.script = [RetryLater("Too many requests.", code="throttled")]
    world.run()
    assert [(e.code, e.state) for e in world.open_exceptions()] == [("throttled", ExceptionState.RETRYING)]
    world.ahead += timedelta(minutes=10)
    world.run()
    assert world.names(QUICKBOOKS) == ["Hazel Roofing"]
    assert world.codes() == []


def test_a_passing_fault_rests_as_dead_after_five_attempts_until_a_person_asks(world: World) -> None:
    world.contractor.add("customer", **customer())
    world.quickbooks.refuses = lambda _item: RetryLater("Too many requests.", code="throttled")
    for _ in range(7):
        world.run()
    assert sent(world) == attempts.MAX_ATTEMPTS
    [problem] = world.open_exceptions()
    assert problem.state is ExceptionState.DEAD
    world.quickbooks.refuses = lambda _item: None
    with world.engine.begin() as conn:
        exceptions.retry(conn, COMPANY, [problem.id], now=world.now())
    world.run()
    assert world.names(QUICKBOOKS) == ["Hazel Roofing"]
    assert world.codes() == []


# --- possible duplicates ---


def test_a_record_made_by_hand_while_we_ran_is_adopted_and_not_copied(world: World) -> None:
    record = world.contractor.add("customer", **customer(notes="gate 12"))
    world.quickbooks.unique = {"customer": "name"}
    world.quickbooks.meanwhile = [lambda: world.quickbooks.add("customer", **customer(email="a@x.example"))]
    world.run()
    [twin] = world.quickbooks.live("customer")
    assert world.links() == {record: twin}
    for side in Side:
        [row] = world.port(side).live("customer").values()
        assert (row["notes"], row["email"]) == ("gate 12", "a@x.example")
    assert world.codes() == []


def test_a_duplicate_that_is_linked_to_another_record_is_an_exception(world: World) -> None:
    first = world.contractor.add("customer", **customer())
    world.run()
    [taken] = world.quickbooks.live("customer")
    world.quickbooks.unique = {"customer": "name"}
    world.contractor.add("customer", **customer())
    world.run()
    assert world.links() == {first: taken}
    assert world.codes() == ["duplicate_name"]
    world.run()
    assert len(world.quickbooks.live("customer")) == 1


def test_a_pair_that_a_person_has_called_different_is_not_adopted(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    twin = world.quickbooks.add("customer", **customer())
    pair = Proposal("customer", record, twin, "weak", Decimal("0.7"))
    with world.engine.begin() as conn:
        candidates.propose(conn, COMPANY, [pair])
        [found] = candidates.listing(conn, COMPANY)
        candidates.decide(conn, COMPANY, found.id, Decision.REJECTED)
    world.quickbooks.unique = world.contractor.unique = {"customer": "name"}
    world.run()
    assert world.links() == {}
    assert world.codes() == ["duplicate_name", "duplicate_name"]


@pytest.mark.parametrize(
    ("difference", "adopted"),
    [({}, True), ({"total": Decimal("99.00")}, False), ({"date": date(2026, 1, 1)}, False), ({"customer": 2}, False)],
    ids=["exactly the same", "another total", "another date", "another customer"],
)
def test_an_invoice_is_adopted_only_if_number_party_total_and_date_are_the_same(
    world: World, difference: dict[str, Any], adopted: bool
) -> None:
    world.entities = ("customer", "invoice")
    payers = [world.contractor.add("customer", **customer(name)) for name in ("Hazel", "Birch")]
    world.run()
    there = [world.links()[p] for p in payers]
    values: dict[str, Any] = {"number": "1042", "date": date(2026, 2, 10), "total": Decimal("10.00"), "lines": ()}
    world.contractor.add("invoice", customer=payers[0], **values)
    other = {**values, "customer": there[0], **difference}
    if "customer" in difference:
        other["customer"] = there[1]
    world.quickbooks.unique = {"invoice": "number"}
    world.quickbooks.meanwhile = [lambda: world.quickbooks.add("invoice", **other)]
    world.run()
    assert (len(world.links("invoice")) == 1) is adopted
    assert [row["date"] for row in world.quickbooks.live("invoice").values()] == [other["date"]]
    assert ("duplicate_name" in world.codes()) is not adopted


# --- the other way round ---


def test_a_record_brought_back_by_the_contractor_is_active_again_in_quickbooks(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    world.run()
    world.contractor.let_go("customer", record)
    world.run()
    [twin] = world.quickbooks.live("customer")
    assert world.quickbooks.live("customer")[twin]["active"] is False
    world.contractor.let_go("customer", record, State.LIVE)
    world.run()
    assert world.quickbooks.live("customer")[twin]["active"] is True
    assert world.contractor.live("customer")[record]["active"] is True
    world.contractor.let_go("customer", record)
    world.run()
    assert world.quickbooks.live("customer")[twin]["active"] is False
