"""An exception about what was owed ends when both sides are again as they agreed; what was read or is open remains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Policy, Side
from qb_pipeline.errors import FixTheData
from qb_pipeline.sync import problems
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline_tests.sync.fakes import ValuesCodec, refusal
from qb_pipeline_tests.sync.world import World, customer

CUSTOMER, QUICKBOOKS = ENTITIES["customer"], Side.QUICKBOOKS
ASK = Rules({"customer": Override(policy=Policy.ASK)})


class Narrow(ValuesCodec):
    """Of a system that can't hold long names."""

    def encode_update(self, values: Any, changed: frozenset[str], current: Any) -> dict[str, Any]:
        if len(values["name"]) > 9:
            raise FixTheData(f"{values['name']} is too long.", code="not_expressible", fix="Shorten it.")
        return super().encode_update(values, changed, current)


def refused(world: World) -> Callable[[], None]:
    world.quickbooks.refuses = lambda _item: refusal()
    return renamed(world, "Refused")


def not_expressible(world: World) -> Callable[[], None]:
    world.quickbooks.codec = Narrow  # type: ignore[method-assign]  # its class takes the entity as the method does
    return renamed(world, "Hazel Roofing and Sons")


def renamed(world: World, name: str) -> Callable[[], None]:
    world.contractor.edit("customer", "c1", name=name)
    return lambda: world.contractor.edit("customer", "c1", name="Hazel")


def removed_and_refused(world: World) -> Callable[[], None]:
    world.quickbooks.refuses = lambda _item: refusal()
    world.contractor.let_go("customer", "c1")
    return lambda: world.contractor.let_go("customer", "c1", State.LIVE)


def in_conflict(world: World) -> Callable[[], None]:
    world.rules = ASK
    world.quickbooks.edit("customer", "q1", name="Hazel Sons")
    contractors = renamed(world, "Hazel Inc")

    def put_back() -> None:
        contractors()
        world.quickbooks.edit("customer", "q1", name="Hazel")

    return put_back


def agreed(world: World) -> World:
    world.contractor.add("customer", **customer("Hazel", notes="old"))
    world.run()
    return world


@pytest.mark.parametrize("owing", [refused, not_expressible, removed_and_refused, in_conflict])
def test_what_was_said_of_a_write_ends_when_its_record_is_again_as_it_was_agreed(
    world: World, owing: Callable[[World], Callable[[], None]]
) -> None:
    put_back = owing(agreed(world))
    world.run()
    assert len(world.codes()) == 1
    world.run()
    assert len(world.codes()) == 1, "it is owed as before"
    put_back()
    writes = world.writes()
    world.run()
    assert (world.codes(), world.writes()) == ([], writes)


def test_an_edit_that_was_refused_and_taken_back_lends_its_time_to_no_later_one(world: World) -> None:
    put_back = refused(agreed(world))
    world.run()
    put_back()
    world.run()
    world.quickbooks.refuses = lambda _item: None
    world.quickbooks.edit("customer", "q1", name="Hazel the former")
    world.contractor.edit("customer", "c1", name="Hazel the latter")
    world.run()
    assert world.names(QUICKBOOKS) == ["Hazel the latter"]


def test_what_may_have_been_written_is_said_until_its_outcome_is_known(world: World) -> None:
    put_back = renamed(agreed(world), "Hazel Inc")
    world.quickbooks.script = ["lost before it arrived"] * 2
    world.run()
    put_back()
    world.run()
    assert world.codes() == ["timeout"]
    world.run()
    assert world.codes() == []


def test_what_was_said_on_reading_a_record_remains(world: World) -> None:
    ctx = agreed(world).context()
    unreadable = FixTheData("It can't be read.", code="unreadable_field", fix="Correct it.")
    found = problems.from_error(ctx, CUSTOMER, (QUICKBOOKS, "q1"), "Customer Hazel", unreadable, None)
    with ctx.begin() as conn:
        problems.report(ctx, conn, CUSTOMER, [found])
    world.run()
    assert world.codes() == ["unreadable_field"]
