"""Events that need no run: what they tell is staged already, and both sides agree on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import inbox
from qb_pipeline.store.inbox import Event
from qb_pipeline.sync.reading import echoes
from qb_pipeline_tests.sync.world import COMPANY, World, customer


@pytest.fixture
def world(engine: Engine) -> World:
    made = World(engine)
    made.contractor.add("customer", **customer())
    made.run()
    return made


def event(world: World, side: Side, operation: str = "Update", later: float = 0) -> Event:
    """What the side tells of its only customer, at the moment of its last change or seconds later."""
    subject = "Customer" if side is Side.QUICKBOOKS else "customer"
    at = changed(world, side) + timedelta(seconds=later)
    [record_id] = world.port(side).rows["customer"]
    return Event(side.value, subject, record_id, operation, f"{side}-{operation}-{later}", at, COMPANY)


def changed(world: World, side: Side) -> datetime:
    [row] = world.port(side).rows["customer"].values()
    return row.updated_at


def waits(world: World, told: Event) -> bool:
    """Whether the event still wants a run after what is known was let go."""
    with world.engine.begin() as conn:
        assert inbox.store(conn, [told]) == 1
        let_go = echoes.let_go(conn)
        waiting = inbox.waiting(conn)
    assert let_go == (0 if waiting else 1)
    return COMPANY in waiting


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("operation", ["Create", "updated"])
def test_the_echo_of_our_own_write_needs_no_run(world: World, side: Side, operation: str) -> None:
    assert not waits(world, event(world, side, operation))


@pytest.mark.parametrize("side", Side)
def test_a_later_change_is_looked_at(world: World, side: Side) -> None:
    assert waits(world, event(world, side, later=1))


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("ahead", "looked"), [(timedelta(days=700), True), (timedelta(minutes=1), False)])
def test_a_time_in_the_future_hides_no_edit_from_the_webhooks(
    world: World, side: Side, ahead: timedelta, looked: bool
) -> None:
    [(record_id, row)] = world.port(side).rows["customer"].items()
    world.port(side).edit("customer", record_id, notes="shown with another time")
    row.updated_at += ahead
    world.run()
    assert waits(world, replace(event(world, side), occurred_at=row.updated_at - ahead)) is looked


@pytest.mark.parametrize("operation", ["Delete", "Merge", "Void", "deleted"])
def test_removals_and_merges_are_always_looked_at(world: World, operation: str) -> None:
    assert waits(world, event(world, Side.QUICKBOOKS, operation))


def test_what_was_read_and_is_not_agreed_on_yet_is_looked_at(world: World) -> None:
    [record_id] = world.quickbooks.rows["customer"]
    world.quickbooks.edit("customer", record_id, name="Hazel & Sons")
    world.run_only_reading()
    assert waits(world, event(world, Side.QUICKBOOKS))
    world.run()


def test_a_record_that_was_missed_in_a_sweep_is_looked_at(world: World) -> None:
    told = event(world, Side.QUICKBOOKS)
    world.quickbooks.let_go("customer", told.record_id, State.DELETED)
    world.run()
    assert waits(world, told)


def test_another_companys_or_a_foreign_record_is_looked_at(world: World) -> None:
    told = event(world, Side.QUICKBOOKS)
    assert waits(world, replace(told, record_id="999", dedupe_key="other"))


def test_events_without_a_time_are_looked_at(world: World) -> None:
    assert waits(world, replace(event(world, Side.CONTRACTOR), occurred_at=None))
