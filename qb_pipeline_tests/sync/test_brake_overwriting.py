"""A run that would overwrite much of a list stops and asks; filling in what is empty is no overwriting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Side
from qb_pipeline.errors import Misconfigured
from qb_pipeline.sync.brake import Owing, hold_mass_changes
from qb_pipeline.sync.company_file import read_company_file
from qb_pipeline.sync.context import Context
from qb_pipeline.sync.load import diff, load
from qb_pipeline.sync.rules import Brake, Limit, Rules
from qb_pipeline_tests.sync.world import COMPANY, World, customer

CONTRACTOR, QUICKBOOKS = Side.CONTRACTOR, Side.QUICKBOOKS
TIGHT = Rules(brake=Brake(overwrite=Limit(percent=50, fewest=5)))


def edited(world: World, count: int, changed: int, side: Side = CONTRACTOR, notes: str | None = "old") -> None:
    """`count` linked customers, of which `changed` then get other notes on `side`."""
    world.rules = TIGHT
    world.contractor.batch = world.quickbooks.batch = 30
    for n in range(count):
        world.contractor.add("customer", **customer(f"Customer {n:03}", notes=notes))
    world.run()
    for record in list(world.port(side).live("customer"))[:changed]:
        world.port(side).edit("customer", record, notes="new")


def overwritten(world: World, side: Side = QUICKBOOKS) -> int:
    return sum(row.get("notes") == "new" for row in world.port(side).live("customer").values())


@pytest.mark.parametrize(
    ("count", "changed", "held"),
    [(10, 4, False), (10, 5, False), (10, 6, True)],
    ids=["too few to ask", "half of them", "more than half"],
)
def test_the_brake_holds_when_more_than_the_set_share_would_be_overwritten(
    world: World, count: int, changed: int, held: bool
) -> None:
    edited(world, count, changed)
    world.run()
    assert overwritten(world) == (0 if held else changed)
    assert world.codes() == (["mass_change"] if held else [])


@pytest.mark.parametrize("side", list(Side))
def test_the_brake_names_the_side_the_count_and_examples(world: World, side: Side) -> None:
    edited(world, 10, 8, side)
    world.run()
    [brake] = world.open_exceptions()
    assert brake.side is side.other
    assert "overwrite 8 of 10 customers" in brake.cause
    assert "Customer Customer 000" in brake.cause
    assert len(brake.blocks) == 8
    assert f"qb-pipeline sync --allow-mass-change --company '{COMPANY}'." in brake.fix


def test_held_overwriting_does_not_hold_up_new_records_nor_other_kinds(world: World) -> None:
    world.entities = ("customer", "item")
    edited(world, 10, 8)
    world.contractor.add("customer", **customer("Newcomer"))
    world.contractor.add("item", name="Framing", kind="service", active=True)
    world.run()
    assert "Newcomer" in world.names(QUICKBOOKS)
    assert world.names(QUICKBOOKS, "item") == ["Framing"]
    assert overwritten(world) == 0


def test_a_persons_word_lets_the_overwriting_through(world: World) -> None:
    edited(world, 10, 8)
    world.run()
    world.run(allow_mass_change=True)
    assert overwritten(world) == 8
    assert world.codes() == []


def test_filling_in_what_is_empty_is_no_overwriting(world: World) -> None:
    edited(world, 10, 10, notes=None)
    world.run()
    assert overwritten(world) == 10
    assert world.codes() == []


def test_the_brake_lets_go_when_the_edits_are_taken_back(world: World) -> None:
    edited(world, 10, 8)
    world.run()
    for record in world.contractor.live("customer"):
        world.contractor.edit("customer", record, notes="old")
    world.run()
    assert world.codes() == []
    assert overwritten(world) == 0


def test_the_question_stays_one_exception_over_many_runs(world: World) -> None:
    edited(world, 10, 8)
    for _ in range(3):
        world.run()
    [brake] = world.open_exceptions()
    assert brake.attempts >= 3


def test_the_first_meeting_of_two_lists_is_not_braked(world: World) -> None:
    world.rules = replace(TIGHT, overrides={})
    for n in range(10):
        world.contractor.add("customer", **customer(f"Customer {n:03}", notes="left", email=f"a{n}@x.example"))
        world.quickbooks.add("customer", **customer(f"Customer {n:03}", notes="right", email=f"a{n}@x.example"))
    world.run()
    assert world.codes() == []
    assert len(world.links()) == 10


# --- the company's file ---


def test_the_companys_file_sets_both_limits(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text("brake:\n  remove:\n    percent: 10\n  overwrite:\n    percent: 80\n    fewest: 200\n")
    assert read_company_file(path).rules.brake == Brake(Limit(10, 25), Limit(80, 200))


@pytest.mark.parametrize("value", ["101", "-1", "much", "1.5"])
def test_a_share_that_is_no_percentage_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(f"brake:\n  remove:\n    percent: {value}\n")
    with pytest.raises(Misconfigured, match=r"line 3.*from 0 to 100"):
        read_company_file(path)


# A run is several rounds and passes.


def owing(world: World, records: list[str]) -> tuple[Context, list[Owing]]:
    """The overwriting that the edits of these customers owe, in a run of its own."""
    for record in records:
        world.contractor.edit("customer", record, notes="new")
    world.run_only_reading()
    ctx = world.context()
    return ctx, [(d.owed, op) for d in diff(ctx, ENTITIES["customer"]) for op in d.plan.operations]


def test_what_earlier_rounds_of_a_run_overwrote_counts_towards_its_share(world: World) -> None:
    edited(world, 10, 0)
    ctx, found = owing(world, list(world.contractor.live("customer"))[:8])
    entity = ENTITIES["customer"]
    assert hold_mass_changes(ctx, entity, found[:5]) == found[:5]
    assert hold_mass_changes(ctx, entity, found[:5]) == found[:5], "the same records again are not more of them"
    assert hold_mass_changes(ctx, entity, found[5:]) == []
    assert world.codes() == ["mass_change"]
    assert "8 of 10 customers" in world.open_exceptions()[0].cause
    assert hold_mass_changes(world.context(), entity, found[5:]) == found[5:], "another run has a share of its own"


def test_a_run_that_removes_in_several_passes_stops_at_its_share_of_what_there_was(world: World) -> None:
    edited(world, 20, 0)
    world.rules = Rules(brake=Brake(remove=Limit(percent=25, fewest=3)))
    going = list(world.contractor.live("customer"))[:8]
    for record in going[:4]:
        world.contractor.let_go("customer", record)
    ctx = world.context()
    assert removed_in_a_pass(world, ctx) == 4
    for record in going[4:]:
        world.contractor.let_go("customer", record)
    assert removed_in_a_pass(world, ctx) == 4
    assert world.codes() == ["mass_change"]
    assert "remove 4 of 20 customers" in world.open_exceptions()[0].cause
    assert "where the last day removed 4 already" in world.open_exceptions()[0].cause


def removed_in_a_pass(world: World, ctx: Context) -> int:
    """Read both sides and remove what is owed, in a run that goes on; returns how many are inactive in QuickBooks."""
    world.run_only_reading()
    load(ctx, ENTITIES["customer"], removing=True)
    return sum(row.get("active") is False for row in world.quickbooks.live("customer").values())
