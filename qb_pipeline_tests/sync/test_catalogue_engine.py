"""Every situation of the engine's own is produced here; one without a story fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from types import ModuleType
from typing import Any, cast

import pytest

from qb_pipeline.contractor import situations as contractor
from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Direction, Policy, Side
from qb_pipeline.errors import FixTheData, Misconfigured, OwnerMustAct, PipelineError, PlanAgain, RetryLater
from qb_pipeline.quickbooks import catalogue as quickbooks
from qb_pipeline.quickbooks.codecs import situations as codecs
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline.situations import Situation
from qb_pipeline.store import links
from qb_pipeline.store import situations as store
from qb_pipeline.store.links import NewLink
from qb_pipeline.sync import blockers, refusals, screen, situations
from qb_pipeline.sync.plan import plan
from qb_pipeline.sync.refusals import Problem
from qb_pipeline.sync.rules import Brake, Limit, Override, Rules
from qb_pipeline.sync.trees import owed_of
from qb_pipeline.sync.undo import undo
from qb_pipeline_tests.sync.fakes import refusal
from qb_pipeline_tests.sync.test_merging import invoice, merge, pair
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS


def document(world: World, **values: Any) -> tuple[str, str]:
    """An invoice that both sides have."""
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    record = world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=(), **values)
    world.run()
    [twin] = world.quickbooks.live("invoice")
    return record, twin


def missing_reference(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=())
    world.rules = Rules({"customer": Override(direction=Direction.TO_CONTRACTOR)})
    world.run()


def undecided_pair(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer("Hazel Roofing", phone="555 010 2000"))
    world.quickbooks.add("customer", **customer("Hazel Roofing LLC", phone="555 010 9000"))
    world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=())
    world.run()


def inactive_reference(world: World) -> None:
    world.entities = ("customer", "invoice")
    payer = world.contractor.add("customer", **customer())
    world.rules = Rules({"customer.active": Override(policy=Policy.ASK)})
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.edit("customer", payer, notes="x")
    world.quickbooks.edit("customer", twin, active=False)
    world.contractor.refuses = lambda _item: refusal()
    world.contractor.add("invoice", number="1", customer=payer, date=date(2026, 2, 10), lines=())
    world.run()


def merged_on_one_side(world: World) -> None:
    world.entities = ("customer", "invoice")
    (a, _), (b, _) = pair(world, "Hazel Roofing", "555 010 1000"), pair(world, "Birch Plumbing", "555 010 2000")
    invoice(world, "1", a)
    invoice(world, "2", b)
    world.run()
    merge(world, CONTRACTOR, a, b)
    world.run()


def name_gone(world: World) -> None:
    world.entities = ("customer",)
    world.contractor.add("customer", **customer())
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.quickbooks.let_go("customer", twin)
    world.run()


def linked_elsewhere(world: World) -> None:
    record = world.contractor.add("customer", **customer())

    def meanwhile(_item: object) -> None:
        with world.engine.begin() as conn:
            links.create_many(conn, [NewLink(COMPANY, "customer", record, "another")])

    world.quickbooks.on_request = meanwhile
    world.contractor.refuses = lambda _item: refusal()
    world.run()


def copy_taken(world: World) -> None:
    world.contractor.add("customer", **customer())

    def meanwhile(_item: object) -> None:
        with world.engine.begin() as conn:
            links.create_many(conn, [NewLink(COMPANY, "customer", "another", "q1")])  # q1 is about to be made

    world.quickbooks.on_request = meanwhile
    world.run()


def counterpart_unread(world: World) -> None:
    record = world.contractor.add("customer", **customer())
    with world.engine.begin() as conn:
        links.create_many(conn, [NewLink(COMPANY, "customer", record, "never read")])
    world.run()


def conflict(world: World) -> None:
    world.rules = Rules({"customer": Override(policy=Policy.ASK)})
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    [twin] = world.quickbooks.live("customer")
    world.contractor.edit("customer", record, notes="left")
    world.quickbooks.edit("customer", twin, notes="right")
    world.run()


def fixed_at_creation(world: World) -> None:
    world.entities = ("item",)
    world.contractor.add("item", name="Hour", kind="service", active=True)
    world.run()
    [twin] = world.quickbooks.live("item")
    world.quickbooks.edit("item", twin, kind="goods")
    world.run()


def removed_but_edited(world: World) -> None:
    record, twin = document(world, memo="a")
    world.contractor.edit("invoice", record, memo="b")
    world.quickbooks.let_go("invoice", twin, State.VOIDED)
    world.run()


def undone(world: World) -> None:
    world.contractor.add("customer", **customer())
    undo(world.context(), world.run().run_id)


def frozen(world: World) -> Problem:
    record, _ = document(world, memo="a")
    world.contractor.edit("invoice", record, memo="b")
    world.run_only_reading()
    ctx = world.context()
    with world.engine.connect() as conn:
        [link] = links.everything(conn, COMPANY, "invoice")
    [owed] = owed_of(ctx, ENTITIES["invoice"], [link.id])
    assert owed.tree.quickbooks is not None
    tree = replace(owed.tree, quickbooks=replace(owed.tree.quickbooks, frozen="it has been deposited"))
    [problem] = plan(ENTITIES["invoice"], tree, world.rules).problems
    return problem


def books_closed(world: World) -> None:
    record, _ = document(world, memo="a")
    world.rules = Rules(closed_through=date(2026, 3, 31))
    world.contractor.edit("invoice", record, memo="b")
    world.run()


def class_tracking_off(world: World) -> None:
    world.entities = ("division",)
    world.contractor.add("division", name="Roofing", active=True)
    world.run_only_reading()
    cast(Any, world.quickbooks).facts = Facts(class_tracking="off")
    ctx = world.context()
    with ctx.begin() as conn:
        blockers.report_untracked_divisions(ctx, conn)


def mass_change(world: World) -> None:
    world.rules = Rules(brake=Brake(overwrite=Limit(percent=50, fewest=1)))
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    world.contractor.edit("customer", record, notes="new")
    world.run()


def not_taken(world: World) -> None:
    record = world.contractor.add("customer", **customer(notes="old"))
    world.run()
    world.quickbooks.ignores = {"notes"}
    world.contractor.edit("customer", record, notes="new")
    world.run()


STORIES: dict[str, Callable[[World], Problem | None]] = {
    "missing_reference": missing_reference,
    "undecided_pair": undecided_pair,
    "inactive_reference": inactive_reference,
    "merged_on_one_side": merged_on_one_side,
    "name_gone": name_gone,
    "linked_elsewhere": linked_elsewhere,
    "copy_taken": copy_taken,
    "counterpart_unread": counterpart_unread,
    "conflict_{field}": conflict,
    "fixed_at_creation": fixed_at_creation,
    "removed_but_edited": removed_but_edited,
    "undone": undone,
    "frozen": frozen,
    "books_closed": books_closed,
    "class_tracking_off": class_tracking_off,
    "mass_change": mass_change,
    "not_taken": not_taken,
}


@pytest.mark.parametrize("situation", refusals.SITUATIONS, ids=lambda s: s.code)
def test_the_engine_comes_to_say_it(world: World, situation: Situation) -> None:
    story = STORIES.get(situation.code)
    assert story is not None, f"no story leads to {situation.code}"
    said = story(world)
    found = [said] if said is not None else [e for e in world.open_exceptions() if situations.find(e.code) is situation]
    assert found, f"the story ended with {world.codes()}"
    assert "{" not in found[0].cause + found[0].fix + found[0].title
    assert found[0].who == situation.who


def test_every_code_of_the_catalogue_stands_in_it_once_and_there_are_more_than_forty() -> None:
    codes = [s.code for s in situations.every()]
    assert len(codes) == len(set(codes)) > 40
    parts = (refusals, quickbooks, codecs, contractor, store)  # each part has its own file of stories
    defined = {one for part in parts for one in _situations_of(part)}
    assert set(situations.every()) == defined
    assert len(situations.every()) == len(codes)


def _situations_of(part: ModuleType) -> Iterator[Situation]:
    for value in vars(part).values():
        yield from [value] if isinstance(value, Situation) else ()
        yield from (v for v in value if isinstance(v, Situation)) if isinstance(value, tuple) else ()


def _in_the_table(error: type[PipelineError]) -> bool:
    """Whether an error of the class may be noted of a record; the others end a command."""
    return issubclass(error, FixTheData | PlanAgain | OwnerMustAct | RetryLater)


def test_a_code_that_may_be_noted_of_a_record_is_written_in_the_catalogue_alone() -> None:
    known = {s.code for s in situations.every()}
    stray = {r.code: r.where for r in screen.raised() if _in_the_table(r.recovery) and r.code not in known}
    assert {code: where for code, where in stray.items() if code not in _NEVER_OF_A_RECORD} == {}


# Of a command, a web request, the database or a mail, or of a fault in our own program that a test would have found.
_NEVER_OF_A_RECORD = {
    "bad_webhook", "company_busy", "consent_not_waiting", "database_busy", "database_lost", "qbo_callback",
    "qbo_http_{status_code}", "qbo_malformed_request", "qbo_void_unsupported", "rotation_busy",
}  # fmt: skip


def test_every_other_code_has_its_words_on_the_page_of_the_documentation() -> None:
    page = situations.page()
    assert len(screen.raised()) > 50
    for one in screen.raised():
        assert f"`{one.code}`" in page
        assert one.cause, one.where
        assert one.fix or issubclass(one.recovery, RetryLater), one.where


def test_words_that_are_put_together_are_shown_with_the_names_of_what_is_filled_in() -> None:
    by_code = {one.code: one for one in screen.raised()}
    assert by_code["unknown_run"].fix == "Give the id as qb-pipeline status --json shows it."
    assert by_code["which_company"].recovery is Misconfigured
    assert "{contractor_id}" in next(o.cause for o in screen.raised() if o.code == "not_linked")


@pytest.mark.parametrize("situation", situations.every(), ids=lambda s: s.code)
def test_every_situation_says_what_is_wrong_what_to_do_and_who_can(situation: Situation) -> None:
    assert situation.title
    assert situation.cause.rstrip("}").endswith((".", "said", "why"))
    assert len(situation.fix) > 10
    assert issubclass(situation.recovery, PipelineError)


def test_the_page_of_the_documentation_is_the_catalogue_of_today() -> None:
    from pathlib import Path  # used here alone

    page = Path(__file__).parents[2] / "docs" / "exceptions.md"
    assert page.read_text() == situations.page(), "run `make docs`"
