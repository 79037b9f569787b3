"""What a person edits while the outcome of a write of ours is unknown is carried on, never taken for older than it."""

from __future__ import annotations

import pytest

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline_tests.sync.world import World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS
unanswered = pytest.mark.parametrize("how", ["lost before it arrived", "lost after it was done"])


def names(world: World) -> list[str]:
    return world.names(CONTRACTOR) + world.names(QUICKBOOKS)


def twice_unanswered(world: World, how: str) -> None:
    """What is written next has no answer in this run, and none when it is asked for again."""
    world.quickbooks.script = [how] * 2
    world.run()


@unanswered
@pytest.mark.parametrize("later", ["Hazel", "Hazel Homes"])
def test_an_edit_made_while_an_update_is_unanswered_is_not_lost_to_the_update(
    world: World, how: str, later: str
) -> None:
    """`later`: back to what it was, and something new."""
    world.contractor.add("customer", **customer("Hazel"))
    world.run()
    world.contractor.edit("customer", "c1", name="Hazel Roofing")
    twice_unanswered(world, how)
    world.contractor.edit("customer", "c1", name=later)
    world.run()
    assert world.names(CONTRACTOR) == [later], "nothing is carried back meanwhile"
    world.run()
    assert (names(world), world.codes()) == ([later, later], [])


@unanswered
def test_an_edit_made_while_a_creation_is_unanswered_is_not_lost_to_the_creation(world: World, how: str) -> None:
    world.contractor.add("customer", **customer("Hazel"))
    twice_unanswered(world, how)
    world.contractor.edit("customer", "c1", name="Hazel Homes")
    world.run()
    world.run()
    assert (names(world), world.codes()) == (["Hazel Homes"] * 2, [])


@unanswered
def test_a_customer_that_is_back_while_its_removal_is_unanswered_is_in_use_on_both_sides(
    world: World, how: str
) -> None:
    world.contractor.add("customer", **customer("Hazel"))
    world.run()
    world.contractor.let_go("customer", "c1")
    twice_unanswered(world, how)
    world.contractor.let_go("customer", "c1", State.LIVE)
    world.run()
    world.run()
    assert [row["active"] for side in Side for row in world.port(side).live("customer").values()] == [True, True]
    assert world.codes() == []


@unanswered
def test_an_edit_in_quickbooks_is_carried_on_once_the_unanswered_write_is_settled(world: World, how: str) -> None:
    world.contractor.add("customer", **customer("Hazel", notes="old"))
    world.run()
    world.contractor.edit("customer", "c1", name="Hazel Roofing")
    twice_unanswered(world, how)
    world.quickbooks.edit("customer", "q1", notes="new")
    for _ in range(3):
        world.run()
    assert (names(world), world.codes()) == (["Hazel Roofing"] * 2, [])
    assert [row["notes"] for side in Side for row in world.port(side).live("customer").values()] == ["new", "new"]
