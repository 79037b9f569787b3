"""A process that ends anywhere between planning and binding: the next run ends with the same records, and one copy."""

from __future__ import annotations

from random import Random

import pytest
from sqlalchemy import update

from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.store import journal, tables
from qb_pipeline.store.journal import Phase
from qb_pipeline_tests.sync.fakes import PowerCut
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS

# What the journal and the other system hold when the process ends.
ENDS = {
    "planned": "cut before it leaves",
    "sent, not done": "cut before it arrives",
    "sent, done": "cut before the answer",
    "answered": "cut before the answer",
}


def stop_at(world: World, side: Side, phase: str) -> None:
    """Run until the first write to `side` reaches `phase`, and end there."""
    port = world.port(side)
    port.script = [ENDS[phase]]
    with pytest.raises(PowerCut):
        world.run()
    [row] = [r for r in world.journal() if r.side is side and r.bound_at is None and r.phase is not Phase.FAILED]
    with world.engine.begin() as conn:
        if phase == "planned":  # the run tidies up on its way out; a power cut would not have
            conn.execute(
                update(tables.journal).where(tables.journal.c.id == row.id).values(phase="planned", error=None)
            )
        elif phase == "answered":
            _, answer = port._answers[port.requests[-1].key]
            journal.store_answer(conn, COMPANY, row.id, answer)
    [after] = [r for r in world.journal() if r.id == row.id]
    assert after.phase is Phase(phase.partition(",")[0])


@pytest.mark.parametrize("phase", list(ENDS))
@pytest.mark.parametrize("side", list(Side))
def test_a_creation_ends_as_one_copy_wherever_the_process_stopped(world: World, side: Side, phase: str) -> None:
    source = world.port(side.other).add("customer", **customer())
    stop_at(world, side, phase)
    world.run()
    assert world.names(CONTRACTOR) == world.names(QUICKBOOKS) == ["Hazel Roofing"]
    [created] = world.port(side).live("customer")
    pair = (source, created) if side is QUICKBOOKS else (created, source)
    assert list(world.links().items()) == [pair]
    settled(world)


@pytest.mark.parametrize("phase", list(ENDS))
def test_an_update_is_done_once_wherever_the_process_stopped(world: World, phase: str) -> None:
    record = world.contractor.add("customer", **customer())
    world.run()
    world.contractor.edit("customer", record, notes="gate 12")
    stop_at(world, QUICKBOOKS, phase)
    world.run()
    [twin] = world.quickbooks.rows["customer"].values()
    assert (twin.values["notes"], twin.version) == ("gate 12", 1)
    settled(world)


@pytest.mark.parametrize("phase", list(ENDS))
@pytest.mark.parametrize("side", list(Side))
def test_a_void_is_done_once_wherever_the_process_stopped(world: World, side: Side, phase: str) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    invoice = world.contractor.add("invoice", number="1042", customer=payer, lines=())
    world.run()
    there = world.links("invoice")[invoice] or ""
    world.port(side.other).let_go("invoice", invoice if side is QUICKBOOKS else there, State.VOIDED)
    stop_at(world, side, phase)
    world.run()
    states = [(row.state, row.version) for s in Side for row in world.port(s).rows["invoice"].values()]
    assert states == [(State.VOIDED, 1), (State.VOIDED, 1)]
    settled(world)


@pytest.mark.parametrize("phase", ["sent, not done", "sent, done"])
def test_what_was_sent_is_asked_for_again_with_the_same_key_and_bytes(world: World, phase: str) -> None:
    world.contractor.add("customer", **customer())
    stop_at(world, QUICKBOOKS, phase)
    world.run()
    first, again = world.quickbooks.requests
    assert (first.key, first.body) == (again.key, again.body)


@pytest.mark.parametrize("phase", ["planned", "answered"])
def test_what_never_left_or_was_answered_is_not_asked_for_again(world: World, phase: str) -> None:
    world.contractor.add("customer", **customer())
    stop_at(world, QUICKBOOKS, phase)
    world.run()
    assert len(world.quickbooks.requests) == 1


def test_a_batch_is_sent_again_whole(world: World) -> None:
    world.quickbooks.batch = 3
    for n in range(3):
        world.contractor.add("customer", **customer(f"Customer {n}"))
    world.quickbooks.script = ["ok", "ok", "cut before it arrives"]
    with pytest.raises(PowerCut):
        world.run()
    world.run()
    first, again = world.quickbooks.requests[:3], world.quickbooks.requests[3:]
    assert first == again
    assert world.names(QUICKBOOKS) == ["Customer 0", "Customer 1", "Customer 2"]
    settled(world)


def test_an_edit_made_while_the_process_was_down_is_not_lost(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    stop_at(world, QUICKBOOKS, "sent, done")
    world.contractor.edit("customer", record, name="Hazel & Sons")
    [twin] = world.quickbooks.live("customer")
    world.quickbooks.edit("customer", twin, notes="pays late")
    world.run()
    assert world.names(CONTRACTOR) == world.names(QUICKBOOKS) == ["Hazel & Sons"]
    assert world.contractor.live("customer")[record]["notes"] == "pays late"
    settled(world)


def test_a_replayed_creation_whose_record_was_deleted_meanwhile_is_made_anew_under_another_key(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    world.run()
    world.contractor.add("invoice", number="1042", customer=payer, lines=())
    stop_at(world, QUICKBOOKS, "sent, done")
    [ghost] = world.quickbooks.live("invoice")
    world.quickbooks.let_go("invoice", ghost)
    world.run()
    assert world.names(QUICKBOOKS, "invoice") == ["1042"]
    keys = [r.key for r in world.quickbooks.requests if r.entity == "invoice"]
    assert keys[0] == keys[1] != keys[2]
    assert len(keys) == 3
    settled(world)


@pytest.mark.parametrize("seed", range(8))
def test_crash_after_crash_still_ends_with_one_copy_of_each(world: World, seed: int) -> None:
    random = Random(seed)
    for n in range(3):
        world.contractor.add("customer", **customer(f"Left {n}"))
        world.quickbooks.add("customer", **customer(f"Right {n}"))
    cuts = 0
    for _ in range(4):
        for side in Side:
            world.port(side).script = [*["ok"] * random.randrange(3), random.choice(list(ENDS.values()))]
        try:
            world.run()
        except PowerCut:
            cuts += 1
    assert cuts
    world.contractor.script, world.quickbooks.script = [], []
    world.run()
    everyone = sorted([f"Left {n}" for n in range(3)] + [f"Right {n}" for n in range(3)])
    assert world.names(CONTRACTOR) == world.names(QUICKBOOKS) == everyone
    settled(world)


def settled(world: World) -> None:
    """Nothing is open or wrong, and another run writes nothing."""
    before = world.writes()
    world.run()
    assert world.writes() == before
    with world.engine.connect() as conn:
        assert journal.open_rows(conn, COMPANY) == []
    assert world.codes() == []
    for name in world.entities:
        assert set(world.links(name)) == set(world.contractor.rows[name])
