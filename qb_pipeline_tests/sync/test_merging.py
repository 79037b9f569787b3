"""Two names become one on one side: links, documents and the other side follow, and no later sync undoes it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import aliases, exceptions
from qb_pipeline.store.exceptions import ExceptionState, Reported
from qb_pipeline.store.inbox import Stored
from qb_pipeline.sync import merging
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS


@pytest.fixture
def books(world: World) -> World:
    world.entities = ("customer", "invoice")
    return world


def pair(world: World, name: str, phone: str) -> tuple[str, str]:
    """One customer known on both sides and linked."""
    fields = {"phone": phone, "email": f"{phone[-4:]}@example.test"}
    return (
        world.contractor.add("customer", **customer(name, **fields)),
        world.quickbooks.add("customer", **customer(name, **fields)),
    )


def invoice(world: World, number: str, left: str) -> None:
    values: dict[str, Any] = {"number": number, "date": date(2026, 2, 10), "lines": (), "total": Decimal("10.00")}
    world.contractor.add("invoice", customer=left, **values)


def merge(world: World, side: Side, loser: str, survivor: str) -> None:
    """As a person merges: the documents point at the survivor, the loser is gone."""
    port = world.port(side)
    for number, row in list(port.live("invoice").items()):
        if row["customer"] == loser:
            port.edit("invoice", number, customer=survivor)
    port.let_go("customer", loser, State.DELETED)


def payers(world: World, side: Side) -> dict[str, str]:
    return {str(row["number"]): str(row["customer"]) for row in world.port(side).live("invoice").values()}


@pytest.mark.parametrize("side", list(Side))
def test_a_merge_of_two_linked_names_changes_nothing_on_the_other_side(books: World, side: Side) -> None:
    (a, x), (b, y) = pair(books, "Hazel Roofing", "555 010 1000"), pair(books, "Birch Plumbing", "555 010 2000")
    invoice(books, "1", a)
    invoice(books, "2", b)
    books.run()
    assert payers(books, QUICKBOOKS) == {"1": x, "2": y}
    loser, survivor = (a, b) if side is CONTRACTOR else (x, y)
    merge(books, side, loser, survivor)
    written = books.writes()
    books.run()
    books.run()
    assert books.writes() == written, "no later sync undoes it, and nothing is repeated"
    assert books.links() == {b: y}
    assert books.codes() == ["merged_on_one_side"]
    there = side.other
    assert len(books.names(there)) == 2, "the twin is left to a person"


def test_new_documents_of_the_twin_go_to_the_survivor(books: World) -> None:
    (a, x), (_, y) = pair(books, "Hazel Roofing", "555 010 1000"), pair(books, "Birch Plumbing", "555 010 2000")
    invoice(books, "1", a)
    books.run()
    merge(books, QUICKBOOKS, x, y)
    books.run()
    invoice(books, "2", a)
    books.run()
    assert payers(books, QUICKBOOKS) == {"1": y, "2": y}
    assert payers(books, CONTRACTOR) == {"1": a, "2": a}


def test_the_question_closes_when_the_twin_is_merged_or_made_inactive_too(books: World) -> None:
    (a, x), (b, y) = pair(books, "Hazel Roofing", "555 010 1000"), pair(books, "Birch Plumbing", "555 010 2000")
    invoice(books, "1", a)
    books.run()
    merge(books, QUICKBOOKS, x, y)
    books.run()
    merge(books, CONTRACTOR, a, b)
    written = books.writes()
    books.run()
    assert books.codes() == []
    assert books.writes() == written
    assert books.links() == {b: y}


def test_the_same_two_merged_on_both_sides_in_opposite_directions_end_as_one(books: World) -> None:
    (a, x), (b, y) = pair(books, "Hazel Roofing", "555 010 1000"), pair(books, "Birch Plumbing", "555 010 2000")
    invoice(books, "1", a)
    invoice(books, "2", b)
    books.run()
    merge(books, QUICKBOOKS, x, y)
    merge(books, CONTRACTOR, b, a)
    books.run()
    books.run()
    assert books.links() == {a: y}
    assert set(payers(books, QUICKBOOKS).values()) == {y}
    assert set(payers(books, CONTRACTOR).values()) == {a}
    assert len(books.names(CONTRACTOR)) == len(books.names(QUICKBOOKS)) == 1


def test_a_merge_into_a_name_the_other_side_does_not_know_moves_the_link(books: World) -> None:
    a, x = pair(books, "Hazel Roofing", "555 010 1000")
    invoice(books, "1", a)
    books.run()
    new = books.quickbooks.add("customer", **customer("Hazel Roofing of Austin"))
    merge(books, QUICKBOOKS, x, new)
    books.run()
    assert books.links()[a] == new
    assert len(books.names(CONTRACTOR)) == 1, "the survivor was not copied beside its counterpart"


def test_a_webhook_tells_the_survivor_where_no_document_does(books: World) -> None:
    (a, x), (b, y) = pair(books, "Hazel Roofing", "555 010 1000"), pair(books, "Birch Plumbing", "555 010 2000")
    books.run()
    books.quickbooks.let_go("customer", x, State.DELETED)
    told = Stored("quickbooks", "Customer", y, "merged", "k", detail={"deleted_id": x})
    assert merging.note_merges(books.context(), [told]) == 1
    books.run()
    assert books.links() == {b: y}
    assert a in books.contractor.live("customer")
    with books.engine.connect() as conn:
        assert aliases.everything(conn, COMPANY, "customer", QUICKBOOKS) == {x: y}


def test_a_name_that_vanished_without_a_trace_is_asked_about_and_its_counterpart_kept(books: World) -> None:
    a, x = pair(books, "Hazel Roofing", "555 010 1000")
    books.run()
    books.quickbooks.let_go("customer", x, State.DELETED)
    written = books.writes()
    books.run()
    books.run()
    assert books.codes() == ["name_gone"]
    assert books.writes() == written
    assert a in books.contractor.live("customer")


def merged_in_quickbooks(books: World) -> tuple[str, str]:
    """Two customers of which QuickBooks made one; returns the ids of the two that the contractor still has."""
    (a, x), (b, y) = pair(books, "Hazel Roofing", "555 010 1000"), pair(books, "Birch Plumbing", "555 010 2000")
    invoice(books, "1", a)
    books.run()
    merge(books, QUICKBOOKS, x, y)
    books.run()
    return a, b


def asked(books: World) -> Reported:
    [one] = books.open_exceptions()
    assert one.code == "merged_on_one_side"
    return one


def test_the_question_of_a_merge_is_put_once_while_its_two_records_stay_as_they_are(books: World) -> None:
    merged_in_quickbooks(books)
    before = asked(books)
    books.run()
    assert asked(books) == before
    with books.engine.begin() as conn:
        exceptions.ignore(conn, COMPANY, [before.id])
    ignored = asked(books)
    books.run()
    assert asked(books) == ignored
    assert ignored.state is ExceptionState.IGNORED


def test_an_ignored_question_of_a_merge_is_put_again_when_its_record_is_edited_in_vain(books: World) -> None:
    a, b = merged_in_quickbooks(books)
    with books.engine.begin() as conn:
        exceptions.ignore(conn, COMPANY, [asked(books).id])
    books.contractor.edit("customer", b, notes="of the survivor, which is copied")
    books.run()
    assert asked(books).state is ExceptionState.IGNORED
    books.contractor.edit("customer", a, name="Hazel Roofing of Austin")
    books.run()
    again = asked(books)
    assert (again.state, again.attempts) == (ExceptionState.OPEN, 1)
    assert again.cause.startswith("Customer Hazel Roofing of Austin and Customer Birch Plumbing were merged")
    books.run()
    assert asked(books) == again


def test_a_question_of_a_merge_that_is_to_be_tried_again_is_looked_at_by_the_next_run(books: World) -> None:
    merged_in_quickbooks(books)
    with books.engine.begin() as conn:
        exceptions.retry(conn, COMPANY, [asked(books).id])
    books.run()
    again = asked(books)
    assert (again.state, again.attempts, again.next_attempt_at) == (ExceptionState.OPEN, 1, None)


@pytest.mark.parametrize(("side", "told"), [(CONTRACTOR, False), (QUICKBOOKS, False), (QUICKBOOKS, True)])
def test_a_name_brought_back_into_which_its_survivor_is_merged_survives(books: World, side: Side, told: bool) -> None:
    (a, x), (b, y) = pair(books, "Hazel Roofing", "555 010 1000"), pair(books, "Birch Plumbing", "555 010 2000")
    invoice(books, "1", a)
    invoice(books, "2", b)
    books.run()
    back, other = (a, b) if side is CONTRACTOR else (x, y)
    merge(books, side, back, other)
    books.run()
    books.port(side).let_go("customer", back, State.LIVE)
    books.run()
    merge(books, side, other, back)
    if told:
        event = Stored("quickbooks", "Customer", back, "merged", "k", detail={"deleted_id": other})
        assert merging.note_merges(books.context(), [event]) == 1
    books.run()
    written = books.writes()
    books.run()
    questions = books.open_exceptions()  # put once more, with the name that the survivor was given
    books.run()
    assert books.writes() == written
    assert books.links() == ({a: y} if side is CONTRACTOR else {b: x})
    assert books.open_exceptions() == questions
    assert [q.code for q in questions] == ["merged_on_one_side"], "of the two on the other side, as before"
    with books.engine.connect() as conn:
        assert aliases.everything(conn, COMPANY, "customer", side) == {other: back}


def test_a_record_told_to_be_its_own_survivor_stops_nothing(books: World) -> None:
    a, x = pair(books, "Hazel Roofing", "555 010 1000")
    books.run()
    told = Stored("quickbooks", "Customer", x, "merged", "k", detail={"deleted_id": x})
    assert merging.note_merges(books.context(), [told]) == 0
    books.run()
    assert (books.links(), books.codes()) == ({a: x}, [])


def test_the_twin_may_be_merged_the_other_way_round_in_a_later_run(books: World) -> None:
    (a, x), (b, y) = pair(books, "Hazel Roofing", "555 010 1000"), pair(books, "Birch Plumbing", "555 010 2000")
    invoice(books, "1", a)
    invoice(books, "2", b)
    books.run()
    merge(books, QUICKBOOKS, x, y)
    books.run()
    merge(books, CONTRACTOR, b, a)
    books.run()
    assert (books.links(), books.codes()) == ({a: y}, [])
    assert books.names(CONTRACTOR) == books.names(QUICKBOOKS) == ["Hazel Roofing"]
    written = books.writes()
    books.run()
    assert books.writes() == written


def test_the_question_of_a_merge_is_put_again_when_its_record_is_in_use_again(books: World) -> None:
    a, _ = merged_in_quickbooks(books)
    books.contractor.edit("customer", a, active=False)
    books.run()
    assert books.codes() == []
    books.contractor.edit("customer", a, active=True, notes="copied nowhere")
    books.run()
    again = asked(books)
    books.run()
    assert asked(books) == again


def test_two_of_one_name_that_were_merged_on_the_other_side_are_told_apart(books: World) -> None:
    a, b = merged_in_quickbooks(books)
    books.contractor.edit("customer", b, name="Hazel Roofing")
    books.run()
    books.run()
    assert f"Customer Hazel Roofing ({a}) and Customer Hazel Roofing ({b}) were merged" in asked(books).cause


def test_a_vanished_name_whose_counterpart_is_out_of_use_asks_nothing_until_that_is_used_again(books: World) -> None:
    a, x = pair(books, "Hazel Roofing", "555 010 1000")
    books.run()
    books.contractor.edit("customer", a, active=False)
    books.quickbooks.let_go("customer", x, State.DELETED)
    written = books.writes()
    books.run()
    books.run()
    assert books.codes() == []
    assert books.writes() == written
    books.contractor.edit("customer", a, active=True)
    books.run()
    books.run()
    assert books.codes() == ["removed_but_edited"]
