"""What an undo left to a person: it is heard of again when a record is edited, and ends when nothing is to decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from qb_pipeline.commands.undo import _found
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.store import exceptions, runs
from qb_pipeline.store.exceptions import ExceptionState, Reported
from qb_pipeline.sync import reviewing
from qb_pipeline_tests.sync.fakes import PowerCut, refusal
from qb_pipeline_tests.sync.test_undo import edited, quiet, take, undone, values
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS
OPEN, IGNORED = ExceptionState.OPEN, ExceptionState.IGNORED
each_side = pytest.mark.parametrize("side", list(Side))


def only(world: World) -> Reported:
    [one] = world.open_exceptions()
    return one


def ignore(world: World) -> None:
    with world.engine.begin() as conn:
        exceptions.ignore(conn, COMPANY, [e.id for e in world.open_exceptions()])


def edit(world: World, side: Side, **changes: object) -> None:
    [record] = world.port(side).live("customer")
    world.port(side).edit("customer", record, **changes)


# --- ignored ---


@each_side
@pytest.mark.parametrize("editor", list(Side))
def test_an_ignored_record_that_was_taken_back_is_asked_about_again_when_either_side_edits_it(
    world: World, side: Side, editor: Side
) -> None:
    undone(world, edited(world, side))
    ignore(world)
    ignored = only(world)
    assert quiet(world)
    assert (only(world), ignored.state) == (ignored, IGNORED)
    edit(world, editor, email="a@x.example")
    world.run()
    again = only(world)
    assert again == replace(ignored, state=OPEN, fingerprint=again.fingerprint, last_seen=again.last_seen)
    assert quiet(world)
    assert only(world) == again, "it is said once"
    ignore(world)
    edit(world, editor, email="b@x.example")
    world.run()
    assert only(world).state is OPEN
    take(world, editor)
    world.run()
    assert values(world, "email") == ["b@x.example"] * 2


@each_side
def test_an_ignored_removal_by_an_undo_is_asked_about_again_when_what_is_left_is_edited(
    world: World, side: Side
) -> None:
    world.port(side).add("customer", **customer())
    undone(world, world.run().run_id)
    ignore(world)
    ignored = only(world)
    assert quiet(world)
    assert (only(world), ignored.state) == (ignored, IGNORED)
    edit(world, side, notes="still a customer")
    world.run()
    assert only(world).state is OPEN


def test_an_ignored_voided_invoice_is_asked_about_again_when_the_one_that_is_left_is_edited(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    world.run()
    record = world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=())
    undone(world, world.run().run_id)
    ignore(world)
    ignored = only(world)
    assert quiet(world)
    assert (only(world), ignored.state) == (ignored, IGNORED)
    world.contractor.edit("invoice", record, number="1a")
    world.run()
    assert only(world).state is OPEN
    world.contractor.let_go("invoice", record, State.VOIDED)
    world.run()
    assert world.codes() == []


def test_an_undo_without_an_answer_that_is_ignored_is_told_once_more_when_it_is_settled(world: World) -> None:
    run = edited(world)
    world.quickbooks.script = ["lost after it was done"]
    undone(world, run)
    with world.engine.begin() as conn:
        exceptions.ignore(conn, COMPANY, [e.id for e in world.open_exceptions() if e.code == "undone"])
    world.run()
    assert (only(world).code, only(world).state) == ("undone", OPEN)
    ignore(world)
    assert quiet(world)
    assert only(world).state is IGNORED


# --- over ---


def test_an_undo_killed_before_anything_left_holds_nothing_after_the_next_sync(world: World) -> None:
    run = edited(world)
    world.quickbooks.script = ["cut before it leaves"]
    with pytest.raises(PowerCut):
        undone(world, run)
    assert world.codes() == ["undone"]
    world.run()
    assert world.codes() == []
    edit(world, CONTRACTOR, email="a@x.example")
    world.run()
    assert values(world, "email") == ["a@x.example"] * 2


def test_an_undo_killed_before_anything_left_is_done_by_repeating_it(world: World) -> None:
    run = edited(world)
    world.quickbooks.script = ["cut before it leaves"]
    with pytest.raises(PowerCut):
        undone(world, run)
    world.run()
    assert [i.name for i in undone(world, run).done] == ["Customer Hazel Roofing"]
    assert quiet(world)
    assert (world.codes(), values(world, "notes")) == (["undone"], ["new", "old"])


def test_an_undo_that_was_undone_leaves_no_question(world: World) -> None:
    run = edited(world)
    undone(world, run)
    undone(world, f"run-{world.runs}")
    assert values(world, "notes") == ["new", "new"]
    assert quiet(world)
    assert world.codes() == []


def test_what_was_taken_back_is_asked_about_no_more_once_it_is_unlinked(world: World) -> None:
    undone(world, edited(world))
    [(contractor_id, quickbooks_id)] = world.links().items()
    with world.engine.begin() as conn:
        reviewing.unlink(conn, COMPANY, reviewing.Pair("customer", str(contractor_id), str(quickbooks_id)))
    world.run()
    assert "undone" not in world.codes()


def test_a_refused_undo_of_a_run_leaves_what_another_undo_took_back_held(world: World) -> None:
    first = edited(world)
    edit(world, CONTRACTOR, email="a@x.example")
    undone(world, world.run().run_id)
    held = only(world)
    world.quickbooks.refuses = lambda _item: refusal()
    assert [i.why_not for i in undone(world, first).refused] == ["The name is too long"]
    world.quickbooks.refuses = lambda _item: None
    assert only(world) == held
    assert quiet(world)
    assert values(world, "email") == ["a@x.example", None]


# --- which run ---


def test_a_run_is_found_however_many_came_after_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=30)
    with world.engine.begin() as conn:
        runs.start(conn, COMPANY, "sync", "the-one", long_ago)
        for n in range(1001):
            runs.start(conn, COMPANY, "sync", f"later-{n}", long_ago + timedelta(minutes=n + 1))
    company = type("Named", (), {"name": COMPANY})
    monkeypatch.setattr("qb_pipeline.commands.undo.chosen_companies", lambda _conn, _name: [company])
    with world.engine.connect() as conn:
        assert _found(conn, None, "the-") == (COMPANY, "the-one")
        assert _found(conn, None, "later-1") == (COMPANY, "later-1")
        with pytest.raises(Misconfigured, match="1001 runs"):
            _found(conn, None, "later")
