"""Removals are counted over a day, however they are spread over runs, and what was stopped waits for a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import exceptions
from qb_pipeline.store.exceptions import ExceptionState
from qb_pipeline.sync.rules import Brake, Limit, Rules
from qb_pipeline.sync.undo import undo
from qb_pipeline_tests.sync.fakes import PowerCut, refusal
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS
TIGHT = Rules(brake=Brake(remove=Limit(percent=25, fewest=2), overwrite=Limit(percent=50, fewest=2)))


def linked(world: World, count: int) -> list[str]:
    """`count` linked customers, of which three may be removed a day where there are twelve; the contractor's ids."""
    world.rules = TIGHT
    made = [world.contractor.add("customer", **customer(f"Customer {n:03}", notes="old")) for n in range(count)]
    world.run()
    return made


def removed_one_a_run(world: World, records: list[str]) -> None:
    for record in records:
        world.contractor.let_go("customer", record)
        world.run()


def inactive(world: World) -> int:
    return sum(not row["active"] for row in world.quickbooks.live("customer").values())


@pytest.fixture
def stopped(world: World) -> World:
    """Twelve customers of which six were removed one by one: three are, three wait."""
    removed_one_a_run(world, linked(world, 12)[:6])
    return world


# --- the count ---


def test_removals_made_one_a_run_stop_at_the_share_of_what_there_was(stopped: World) -> None:
    assert inactive(stopped) == 3
    [asked] = stopped.open_exceptions()
    assert (asked.code, asked.side) == ("mass_change", QUICKBOOKS)
    assert asked.cause.startswith(
        "This run would remove 3 of 12 customers in QuickBooks, where the last day removed 3 already: Customer Customer"
    )
    assert "qb-pipeline sync --allow-mass-change" in asked.fix
    assert "Until then they wait" in asked.fix
    assert len(asked.blocks) == 3


def test_removals_in_the_contractors_system_are_counted_over_the_day_as_well(world: World) -> None:
    linked(world, 12)
    for record in list(world.quickbooks.live("customer"))[:6]:
        world.quickbooks.edit("customer", record, active=False)
        world.run()
    assert sum(bool(row["active"]) for row in world.contractor.live("customer").values()) == 9
    assert [(e.code, e.side) for e in world.open_exceptions()] == [("mass_change", CONTRACTOR)]


def test_removals_of_the_day_before_count_no_more(world: World) -> None:
    records = linked(world, 20)
    removed_one_a_run(world, records[:4])
    world.ahead += timedelta(hours=25)
    removed_one_a_run(world, records[4:8])
    assert inactive(world) == 8
    assert world.codes() == []


def test_overwriting_is_counted_by_the_run(world: World) -> None:
    for record in linked(world, 6):
        world.contractor.edit("customer", record, notes="new")
        world.run()
    assert {row["notes"] for row in world.quickbooks.live("customer").values()} == {"new"}
    assert world.codes() == []


def test_a_refused_removal_is_not_counted(world: World) -> None:
    records = linked(world, 12)
    world.quickbooks.refuses = lambda _item: refusal()
    removed_one_a_run(world, records[:2])
    for record in records[:2]:
        world.contractor.let_go("customer", record, State.LIVE)
    world.quickbooks.refuses = lambda _item: None
    removed_one_a_run(world, records[2:5])
    assert (inactive(world), "mass_change" in world.codes()) == (3, False)


def test_a_removal_without_an_answer_is_counted(world: World) -> None:
    records = linked(world, 12)
    world.quickbooks.script = ["lost after it was done"]
    removed_one_a_run(world, records[:1])
    with world.engine.begin() as conn:  # nobody asks again for what became of it
        conn.execute(text("UPDATE qb.exception SET state = 'dead'"))
    removed_one_a_run(world, records[1:6])
    assert inactive(world) == 3
    assert "mass_change" in world.codes()


def test_a_customer_put_back_into_use_counts_no_more(world: World) -> None:
    records = linked(world, 12)
    for _ in range(3):
        for active in (False, True):
            world.contractor.edit("customer", records[0], active=active)
            world.run()
    removed_one_a_run(world, records[1:4])
    assert (inactive(world), world.codes()) == (3, [])


# --- what was stopped ---


def test_what_was_stopped_does_not_trickle_through_day_by_day(stopped: World) -> None:
    for _ in range(3):
        stopped.ahead += timedelta(hours=25)
        stopped.run()
    assert inactive(stopped) == 3
    assert stopped.codes() == ["mass_change"]


def test_a_later_removal_waits_with_those_that_were_stopped(stopped: World) -> None:
    stopped.ahead += timedelta(days=3)
    removed_one_a_run(stopped, list(stopped.contractor.live("customer"))[:1])
    assert inactive(stopped) == 3
    assert len(stopped.open_exceptions()[0].blocks) == 4


def test_the_question_stays_one_with_one_fingerprint_and_writes_nothing(stopped: World) -> None:
    [before] = stopped.open_exceptions()
    writes = stopped.writes()
    stopped.ahead += timedelta(days=2)
    stopped.run()
    [after] = stopped.open_exceptions()
    assert (after.id, after.fingerprint, after.blocks) == (before.id, before.fingerprint, before.blocks)
    assert stopped.writes() == writes
    with stopped.engine.connect() as conn:
        assert exceptions.listing(conn, COMPANY, states=[ExceptionState.RESOLVED]) == []


def test_the_question_ends_when_what_waits_is_back(stopped: World) -> None:
    for row in stopped.contractor.rows["customer"].values():
        if row.state is State.DELETED and row.id in ("c4", "c5", "c6"):
            stopped.contractor.let_go("customer", row.id, State.LIVE)
    stopped.run()
    assert (inactive(stopped), stopped.codes()) == (3, [])


# --- the answer ---


def test_an_answer_releases_what_waits_and_the_count_begins_anew(stopped: World) -> None:
    stopped.run(allow_mass_change=True)
    assert (inactive(stopped), stopped.codes()) == (6, [])
    removed_one_a_run(stopped, list(stopped.contractor.live("customer"))[:1])
    assert (inactive(stopped), stopped.codes()) == (7, [])


def test_an_answer_days_later_releases_what_waits(stopped: World) -> None:
    stopped.ahead += timedelta(days=5)
    stopped.run(allow_mass_change=True)
    assert (inactive(stopped), stopped.codes()) == (6, [])


def test_an_answer_is_none_to_the_next_mass_removal(stopped: World) -> None:
    stopped.run(allow_mass_change=True)
    removed_one_a_run(stopped, list(stopped.contractor.live("customer"))[:4])
    assert inactive(stopped) == 7, "of the six that are left a quarter is one"
    assert "would remove 3 of 6 customers" in stopped.open_exceptions()[0].cause


def test_a_run_that_may_remove_much_and_removes_little_answers_nothing(world: World) -> None:
    records = linked(world, 12)
    removed_one_a_run(world, records[:2])
    world.contractor.let_go("customer", records[2])
    world.run(allow_mass_change=True)
    removed_one_a_run(world, records[3:5])
    assert (inactive(world), world.codes()) == (3, ["mass_change"])


def test_an_allowed_removal_that_is_refused_is_not_asked_for_again(stopped: World) -> None:
    stopped.quickbooks.refuses = lambda _item: refusal()
    stopped.run(allow_mass_change=True)
    stopped.run()
    assert stopped.codes() == ["refused"] * 3
    stopped.quickbooks.refuses = lambda _item: None
    with stopped.engine.begin() as conn:
        exceptions.retry(conn, COMPANY)
    stopped.run()
    assert (inactive(stopped), stopped.codes()) == (6, [])


def test_allowed_removals_that_a_crash_cut_off_go_on_with_the_next_run(stopped: World) -> None:
    stopped.quickbooks.script = ["cut before the answer"]
    with pytest.raises(PowerCut):
        stopped.run(allow_mass_change=True)
    stopped.run()
    assert (inactive(stopped), stopped.codes()) == (6, [])


def test_an_allowed_removal_that_goes_again_later_covers_none_of_that_day(stopped: World) -> None:
    refused_though_allowed(stopped)
    stopped.ahead += timedelta(days=3)
    removed_one_a_run(stopped, list(stopped.contractor.live("customer"))[:2])
    with stopped.engine.begin() as conn:
        exceptions.retry(conn, COMPANY)
    stopped.run()
    assert (inactive(stopped), stopped.codes()) == (8, [])
    removed_one_a_run(stopped, list(stopped.contractor.live("customer"))[:1])
    assert (inactive(stopped), stopped.codes()) == (8, ["mass_change"])


def test_an_allowed_removal_whose_record_came_back_is_asked_for_when_it_is_removed_anew(stopped: World) -> None:
    refused_though_allowed(stopped)
    for state in (State.LIVE, State.DELETED):
        for record in ("c4", "c5", "c6"):
            stopped.contractor.let_go("customer", record, state)
        stopped.run()
    assert (inactive(stopped), stopped.codes()) == (3, ["mass_change"])


def test_an_answer_has_what_was_refused_before_it_tried_again_and_is_not_asked_for_twice(world: World) -> None:
    records = linked(world, 12)
    world.quickbooks.refuses = lambda _item: refusal()
    removed_one_a_run(world, records[:4])
    assert world.codes() == ["mass_change", *["refused"] * 3]
    world.run(allow_mass_change=True)
    assert world.codes() == ["refused"] * 4
    world.run()
    assert world.codes() == ["refused"] * 4
    world.quickbooks.refuses = lambda _item: None
    removed_one_a_run(world, records[4:6])
    assert (inactive(world), world.codes()) == (2, ["refused"] * 4)


def refused_though_allowed(world: World) -> None:
    """What waits is allowed and refused; QuickBooks takes anything from then on."""
    world.quickbooks.refuses = lambda _item: refusal()
    world.run(allow_mass_change=True)
    world.quickbooks.refuses = lambda _item: None


# --- undo ---


def test_what_an_undo_removes_is_not_counted(world: World) -> None:
    linked(world, 12)
    for n in range(8):
        world.contractor.add("customer", **customer(f"Mistake {n}"))
    assert len(undo(world.context(), world.run().run_id).done) == 8
    removed_one_a_run(
        world, [i for i, row in world.contractor.live("customer").items() if "Customer" in row["name"]][:1]
    )
    assert inactive(world) == 9
    assert "mass_change" not in world.codes()


def test_what_an_undo_puts_back_into_use_counts_no_more(world: World) -> None:
    records = linked(world, 12)
    for record in records[:3]:
        world.contractor.edit("customer", record, active=False)
    run = world.run().run_id
    assert inactive(world) == 3
    assert len(undo(world.context(), run).done) == 3
    removed_one_a_run(world, records[3:6])
    assert (inactive(world), "mass_change" in world.codes()) == (3, False)


def test_an_undo_answers_no_question(stopped: World) -> None:
    stopped.contractor.add("customer", **customer("Mistake"))
    run = stopped.run().run_id
    assert len(undo(stopped.context(), run).done) == 1
    assert "mass_change" in stopped.codes()
    stopped.ahead += timedelta(days=2)
    stopped.run()
    assert inactive(stopped) == 3 + 1
