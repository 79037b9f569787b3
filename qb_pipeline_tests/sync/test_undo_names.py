"""An undo where a name is borne once: whoever bears it now goes first, and where each waits for another all is said."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest
import simplejson

from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import FixTheData, PipelineError
from qb_pipeline.sync.ports import Sendable
from qb_pipeline.sync.undo import Undone, plan_undo, undo
from qb_pipeline.sync.undoing.order import each_after
from qb_pipeline_tests.sync.fakes import FakePort
from qb_pipeline_tests.sync.test_undo import quiet, take
from qb_pipeline_tests.sync.world import World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS
TAKEN = FixTheData("The name is taken.", code="name_taken", fix="Rename one of the two.", who="office")


def borne_once(port: FakePort) -> None:
    """The side refuses a name, or a number, that another record in use bears, as QuickBooks does with 6240."""

    def refuses(sent: Sendable) -> PipelineError | None:
        rows = port.live(sent.entity)
        told = {**rows.get(sent.target_id or "", {}), **simplejson.loads(sent.body, use_decimal=True)}
        others = [borne(row) for other, row in rows.items() if other != sent.target_id]
        return TAKEN if sent.verb in ("create", "update") and borne(told) in others else None

    port.refuses = refuses


def borne(row: dict[str, Any]) -> str | None:
    return None if row.get("active") is False else str(row.get("name") or row.get("number")).casefold()


def shown(world: World, side: Side, entity: str = "customer") -> dict[str, str | None]:
    """By id, what each record of a side bears, if it is in use."""
    return {i: borne(row) for i, row in world.port(side).live(entity).items()}


def undone(world: World, run: str) -> Undone:
    """An undo that did what its plan said."""
    planned = [i.name for i in plan_undo(world.context(dry=True), run)]
    result = undo(world.context(), run)
    assert [i.name for i in result.done] == planned
    assert result.refused == []
    return result


@pytest.mark.parametrize("side", list(Side))
def test_a_new_bearer_of_a_name_goes_before_the_former_one_gets_it_back(world: World, side: Side) -> None:
    borne_once(world.port(side))
    there = world.port(side.other)
    first = there.add("customer", **customer("Handed On"))
    world.run()
    [twin] = shown(world, side)
    there.edit("customer", first, name="Renamed")
    there.add("customer", **customer("handed on"))
    result = undone(world, world.run().run_id)
    assert [i.name for i in result.done] == ["Customer handed on", "Customer Renamed"]
    assert shown(world, side)[twin] == "handed on"
    assert quiet(world)
    take(world, side.other)
    world.run()
    assert sorted(map(str, shown(world, side).values())) == ["handed on", "renamed"]
    assert world.codes() == []


@pytest.mark.parametrize("moved", [["one", "two"], ["two", "one"]])
def test_names_that_moved_on_in_a_chain_go_back_from_its_end(world: World, moved: list[str]) -> None:
    """Whichever of the two was there first."""
    borne_once(world.quickbooks)
    ids = {name: world.contractor.add("customer", **customer(name)) for name in moved}
    world.run()
    before = shown(world, QUICKBOOKS)
    world.contractor.edit("customer", ids["two"], name="three")
    world.contractor.edit("customer", ids["one"], name="two")
    run = world.run()
    assert sorted(map(str, shown(world, QUICKBOOKS).values())) == ["three", "two"]
    undone(world, run.run_id)
    assert shown(world, QUICKBOOKS) == before
    assert quiet(world)


def test_a_document_gets_its_number_back_after_the_new_one_that_bears_it(world: World) -> None:
    world.entities = ("customer", "invoice")
    borne_once(world.contractor)
    payer = world.quickbooks.add("customer", **customer())
    body = {"customer": payer, "date": date(2026, 2, 10), "lines": ()}
    first = world.quickbooks.add("invoice", number="1", **body)
    world.run()
    before = shown(world, CONTRACTOR, "invoice")
    world.quickbooks.edit("invoice", first, number="2")
    world.quickbooks.add("invoice", number="1", **body)
    undone(world, world.run().run_id)
    assert shown(world, CONTRACTOR, "invoice") == before
    assert quiet(world)


def test_where_the_new_bearer_has_to_stay_both_are_refused_with_their_reasons(world: World) -> None:
    world.entities = ("customer", "invoice")
    borne_once(world.quickbooks)
    first = world.contractor.add("customer", **customer("Handed On"))
    world.run()
    world.contractor.edit("customer", first, name="Renamed")
    payer = world.contractor.add("customer", **customer("Handed On"))
    run = world.run().run_id
    world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=())
    world.run()
    before = shown(world, QUICKBOOKS)
    result = undo(world.context(), run)
    assert [(i.name, i.why_not) for i in result.refused] == [
        ("Customer Handed On", "1 invoices refer to it"), ("Customer Renamed", "The name is taken"),
    ]  # fmt: skip
    assert (result.done, shown(world, QUICKBOOKS), world.codes()) == ([], before, [])
    assert quiet(world)


def swapped(world: World) -> str:
    """A run that swapped the names of two customers, which QuickBooks let happen; returns the name of the run."""
    ids = [world.contractor.add("customer", **customer(name)) for name in ("left", "right")]
    world.run()
    for record, name in zip(ids, ("right", "left"), strict=True):
        world.contractor.edit("customer", record, name=name)
    return world.run().run_id


def test_a_swap_is_taken_back_where_names_may_meet(world: World) -> None:
    run = swapped(world)
    undone(world, run)
    assert list(shown(world, QUICKBOOKS).values()) == ["left", "right"]
    assert quiet(world)


def test_a_swap_that_can_not_be_taken_back_is_refused_as_a_whole_with_the_reason(world: World) -> None:
    run = swapped(world)
    borne_once(world.quickbooks)
    result = undo(world.context(), run)
    assert result.done == []
    assert [(i.name, i.why_not) for i in result.refused] == [
        ("Customer right", "The name is taken"), ("Customer left", "The name is taken"),
    ]  # fmt: skip
    assert list(shown(world, QUICKBOOKS).values()) == ["right", "left"]
    assert world.codes() == []
    assert quiet(world)


def test_each_comes_right_after_the_last_it_waits_for_and_a_ring_at_the_end() -> None:
    def target(n: int) -> tuple[str, Side, str]:
        return ("customer", QUICKBOOKS, str(n))

    waits = {0: {3}, 1: {2, 0}, 5: {6}, 6: {5}, 7: {6}}
    order = each_after([target(n) for n in range(9)], {target(n): set(map(target, of)) for n, of in waits.items()})
    assert [int(t[2]) for t in order] == [2, 3, 0, 1, 4, 8, 5, 6, 7]
    many = [target(n) for n in range(20_000)]
    assert each_after(many, {a: {b} for a, b in pairwise(many)}) == many[::-1]
