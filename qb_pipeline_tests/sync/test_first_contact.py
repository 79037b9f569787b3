"""First contact: what is certainly the same is linked, what may be waits, what a person refused stays apart."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Direction, Side
from qb_pipeline.store import candidates, links
from qb_pipeline.store.candidates import Decision
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS
WHERE = {"billing_line1": "1 Elm Street", "billing_city": "Austin", "billing_postal_code": "73301"}


def same_on_both(world: World, name: str = "Hazel Roofing", other: str | None = None) -> tuple[str, str]:
    left = world.contractor.add("customer", **customer(name, email="ann@hazel.example", phone="555 010 2000", **WHERE))
    right = world.quickbooks.add(
        "customer", **customer(other or name, email="ann@hazel.example", phone="(555) 010-2000", **WHERE)
    )
    return left, right


def weak_pair(world: World) -> tuple[str, str]:
    """Two customers of nearly one name and two phones, which is for a person to decide."""
    left = world.contractor.add("customer", **customer("Hazel Roofing", phone="555 010 2000"))
    right = world.quickbooks.add("customer", **customer("Hazel Roofing LLC", phone="555 010 9000"))
    return left, right


def decisions(world: World) -> list[tuple[str, str, Decision]]:
    with world.engine.connect() as conn:
        found = candidates.listing(conn, COMPANY, decision=None)
    return [(c.contractor_id, c.quickbooks_id, c.decision) for c in found]


def test_what_is_certainly_the_same_is_linked_and_written_to_neither_side(world: World) -> None:
    left, right = same_on_both(world)
    ctx = world.run()
    assert world.links() == {left: right}
    assert ctx.tally.of("customer")["linked"] == 1
    assert world.writes() == 0


def test_blanks_are_filled_from_the_other_side_when_two_records_meet(world: World) -> None:
    left, right = same_on_both(world)
    world.contractor.edit("customer", left, notes="gate 12")
    world.run()
    assert world.quickbooks.live("customer")[right]["notes"] == "gate 12"
    assert len(world.contractor.requests) == 0


def test_a_weak_match_waits_and_neither_record_is_copied_meanwhile(world: World) -> None:
    left, right = weak_pair(world)
    ctx = world.run()
    world.run()
    assert ctx.tally.of("customer")["review"] == 2
    assert decisions(world) == [(left, right, Decision.OPEN)]
    assert world.links() == {}
    assert world.writes() == 0


def test_a_rejected_pair_is_never_proposed_again_and_both_are_copied(world: World) -> None:
    left, right = weak_pair(world)
    world.run()
    with world.engine.begin() as conn:
        [found] = candidates.listing(conn, COMPANY)
        candidates.decide(conn, COMPANY, found.id, Decision.REJECTED)
    world.run()
    world.run()
    assert decisions(world) == [(left, right, Decision.REJECTED)]
    assert world.links().get(left) != right
    assert len(world.names(CONTRACTOR)) == len(world.names(QUICKBOOKS)) == 2


def test_even_certain_matches_stay_apart_once_a_person_has_refused_them(world: World) -> None:
    left, right = weak_pair(world)
    world.run()
    with world.engine.begin() as conn:
        [found] = candidates.listing(conn, COMPANY)
        candidates.decide(conn, COMPANY, found.id, Decision.REJECTED)
    world.quickbooks.edit("customer", right, name="Hazel Roofing", phone="555 010 2000")
    world.run()
    assert world.links().get(left) != right


def test_a_strong_match_is_linked_in_any_order_the_records_come(world: World) -> None:
    pairs = [same_on_both(world)]
    left = world.contractor.add("customer", **customer("Birch Plumbing", phone="555 010 3000"))
    right = world.quickbooks.add("customer", **customer("Birch Plumbing", phone="555 010 3000"))
    world.run()
    assert world.links() == dict([*pairs, (left, right)])


def test_a_deleted_record_is_linked_to_nothing(world: World) -> None:
    left, right = same_on_both(world)
    world.quickbooks.let_go("customer", right, State.DELETED)
    world.run()
    assert world.links().get(left) != right


def test_documents_meet_by_number_party_and_total(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer, payer_there = same_on_both(world)
    values = {"number": "1042", "date": date(2026, 2, 10), "lines": (), "total": Decimal("10.00")}
    left = world.contractor.add("invoice", customer=payer, **values)
    right = world.quickbooks.add("invoice", customer=payer_there, **values)
    world.run()
    assert world.links("invoice") == {left: right}
    assert [r for r in world.quickbooks.requests if r.verb == "create"] == []


def test_an_entity_that_is_only_observed_is_not_matched(world: World) -> None:
    world.rules = Rules({"customer": Override(direction=Direction.NONE)})
    same_on_both(world)
    world.run()
    assert world.links() == {}
    assert world.writes() == 0


@pytest.mark.parametrize("pair", [("c1", "q2"), ("c2", "q1")])
def test_a_record_is_linked_to_one_counterpart_only(engine: Engine, pair: tuple[str, str]) -> None:
    with engine.begin() as conn:
        links.create_many(conn, [links.NewLink(COMPANY, "customer", "c1", "q1")])
    with pytest.raises(IntegrityError), engine.begin() as conn:
        links.create_many(conn, [links.NewLink(COMPANY, "customer", *pair)])
