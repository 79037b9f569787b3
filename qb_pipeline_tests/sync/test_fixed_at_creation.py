"""What is chosen only when a record is made can't be carried over later: a change of it is named, never swallowed."""

from __future__ import annotations

from typing import Any

import pytest

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import aliases, exceptions
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline_tests.sync.world import COMPANY, World

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS
CODES = ["fixed_at_creation"]


@pytest.fixture
def books(world: World) -> World:
    world.entities = ("item",)
    return world


def item(name: str = "Shingle", kind: str = "goods", **values: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "active": True, **values}


def changed(books: World, side: Side) -> tuple[str, str]:
    """One item on both sides, whose kind somebody changed on `side`."""
    record = books.contractor.add("item", **item())
    books.run()
    [twin] = books.quickbooks.live("item")
    books.port(side).edit("item", record if side is CONTRACTOR else twin, kind="service")
    books.run()
    return record, twin


@pytest.mark.parametrize("side", list(Side))
def test_a_changed_kind_is_named_once_and_no_run_writes_anything(books: World, side: Side) -> None:
    changed(books, side)
    written = books.writes()
    assert books.codes() == CODES
    [told] = books.open_exceptions()
    says = {CONTRACTOR: "'service', QuickBooks says 'goods'", QUICKBOOKS: "'goods', QuickBooks says 'service'"}
    assert told.cause.startswith(f"Item Shingle: the contractor's system says {says[side]}.")
    books.run()
    books.run()
    assert books.codes() == CODES
    assert books.writes() == written


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("mended", list(Side))
def test_it_is_closed_as_soon_as_both_sides_say_the_same_whoever_gives_way(
    books: World, side: Side, mended: Side
) -> None:
    record, twin = changed(books, side)
    kind = "goods" if mended is side else "service"
    books.port(mended).edit("item", record if mended is CONTRACTOR else twin, kind=kind)
    books.run()
    assert books.codes() == []
    books.port(side).edit("item", record if side is CONTRACTOR else twin, kind="goods" if kind == "service" else kind)
    books.run()
    assert books.codes() == ([] if mended is side else CODES)


@pytest.mark.parametrize("side", list(Side))
def test_everything_else_of_the_record_is_still_carried_both_ways(books: World, side: Side) -> None:
    record, twin = changed(books, side)
    books.contractor.edit("item", record, description="30 years")
    books.quickbooks.edit("item", twin, sku="S-30")
    books.run()
    both = [books.contractor.live("item")[record], books.quickbooks.live("item")[twin]]
    assert [(row["description"], row["sku"]) for row in both] == [("30 years", "S-30")] * 2
    assert sorted(str(row["kind"]) for row in both) == ["goods", "service"]
    assert books.codes() == CODES


def test_a_difference_that_was_accepted_is_asked_about_again_only_when_the_two_were_alike_meanwhile(
    books: World,
) -> None:
    record, twin = changed(books, QUICKBOOKS)
    with books.engine.begin() as conn:
        exceptions.ignore(conn, COMPANY, [e.id for e in books.open_exceptions()])
    books.contractor.edit("item", record, description="30 years")
    books.run()
    assert [e.state for e in books.open_exceptions()] == [ExceptionState.IGNORED]
    books.quickbooks.edit("item", twin, kind="goods")
    books.run()
    assert books.codes() == []
    books.quickbooks.edit("item", twin, kind="service")
    books.run()
    assert [e.state for e in books.open_exceptions()] == [ExceptionState.OPEN]


def test_two_records_of_different_kinds_that_were_matched_by_name_are_left_as_they_are(books: World) -> None:
    books.contractor.add("item", **item(sku="S-1"))
    books.quickbooks.add("item", **item(sku="S-1", kind="service"))
    books.run()
    books.run()
    assert len(books.links("item")) == 1
    assert books.codes() == []


def test_a_merge_that_gives_a_record_a_twin_of_another_kind_is_named(books: World) -> None:
    material = books.contractor.add("item", **item("Shingle", sku="S-1"))
    labor = books.contractor.add("item", **item("Labor", "service", sku="L-1"))
    books.run()
    twins = {str(row["name"]): number for number, row in books.quickbooks.live("item").items()}
    books.contractor.let_go("item", labor, State.DELETED)
    books.quickbooks.let_go("item", twins["Shingle"], State.DELETED)
    told(books, twins["Shingle"], twins["Labor"])
    books.run()
    assert books.links("item") == {material: twins["Labor"]}
    assert CODES[0] in books.codes()
    books.contractor.edit("item", material, kind="service")
    books.run()
    assert books.codes() == []


def told(books: World, loser: str, survivor: str) -> None:
    """What a webhook says of a merge in QuickBooks."""
    with books.engine.begin() as conn:
        aliases.add(conn, COMPANY, "item", QUICKBOOKS, loser, survivor, "webhook")
