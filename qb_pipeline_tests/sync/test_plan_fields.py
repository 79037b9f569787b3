"""The planner's rules for single fields of a linked record: who changed what, which way it may go, who wins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Direction, Entity, Policy, Side
from qb_pipeline.sync.linkspace import Unlinked
from qb_pipeline.sync.plan import Verdict, plan
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline_tests.sync.builders import (
    CONTRACTOR,
    CUSTOMER_VALUES,
    NOON,
    QUICKBOOKS,
    customer_tree,
    edited_on,
    linked,
    node,
    only,
    written,
)

CUSTOMER, ITEM = ENTITIES["customer"], ENTITIES["item"]
RULES = Rules()


def with_policy(policy: Policy, field: str = "name") -> Rules:
    return Rules({f"customer.{field}": Override(policy=policy)})


def test_three_equal_trees_plan_nothing_and_keep_the_base() -> None:
    decided = plan(CUSTOMER, customer_tree(), RULES)
    assert decided.verdict is Verdict.AGREED
    assert decided.operations == []
    assert decided.base == CUSTOMER_VALUES


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("field", "value"), [("name", "Hazel & Sons"), ("active", False), ("notes", "gate code 12"), ("email", None)]
)
def test_a_change_on_one_side_is_copied_to_the_other(side: Side, field: str, value: Any) -> None:
    tree = edited_on(side, **{field: value})
    operation = only(plan(CUSTOMER, tree, RULES))
    assert (operation.target, operation.verb) == (side.other, "update")
    assert written(operation) == {field: value}


def test_an_update_names_the_record_and_the_version_it_was_planned_on() -> None:
    operation = only(plan(CUSTOMER, customer_tree(contractor={"name": "New"}), RULES))
    assert (operation.source_id, operation.target_id, operation.version) == ("c1", "q1", "3")


def test_an_update_holds_the_whole_desired_record_beside_the_fields_that_changed() -> None:
    operation = only(plan(CUSTOMER, customer_tree(contractor={"name": "New"}), RULES))
    assert operation.values == {**CUSTOMER_VALUES, "name": "New"}


def test_a_change_on_one_side_beats_no_change_on_the_other_even_if_that_one_was_saved_later() -> None:
    tree = customer_tree(contractor={"name": "New"}, times=(0, 600))
    assert only(plan(CUSTOMER, tree, RULES)).target is QUICKBOOKS


def test_the_same_change_on_both_sides_moves_the_base_and_writes_nothing() -> None:
    decided = plan(CUSTOMER, customer_tree({"name": "New"}, {"name": "New"}), RULES)
    assert decided.verdict is Verdict.AGREED
    assert decided.base is not None
    assert decided.base["name"] == "New"


@pytest.mark.parametrize(
    ("field", "contractor", "quickbooks"),
    [("email", "Ann@Hazel.example", "ann@hazel.EXAMPLE"), ("phone", "+1 555 010 2000", "(555) 010-2000")],
)
def test_spelling_that_means_the_same_plans_nothing(field: str, contractor: str, quickbooks: str) -> None:
    decided = plan(CUSTOMER, customer_tree({field: contractor}, {field: quickbooks}), RULES)
    assert decided.verdict is Verdict.AGREED


def test_different_fields_changed_on_the_two_sides_both_survive() -> None:
    decided = plan(CUSTOMER, customer_tree({"name": "New"}, {"notes": "call first"}), RULES)
    assert {op.target: written(op) for op in decided.operations} == {
        QUICKBOOKS: {"name": "New"},
        CONTRACTOR: {"notes": "call first"},
    }


@pytest.mark.parametrize(
    ("policy", "times", "winner"),
    [
        (Policy.LATEST_EDIT, (1, 0), CONTRACTOR),
        (Policy.LATEST_EDIT, (0, 1), QUICKBOOKS),
        (Policy.LATEST_EDIT, (0, 0), QUICKBOOKS),
        (Policy.CONTRACTOR, (0, 1), CONTRACTOR),
        (Policy.QUICKBOOKS, (1, 0), QUICKBOOKS),
    ],
)
def test_the_policy_decides_what_both_sides_changed_differently(
    policy: Policy, times: tuple[float, float], winner: Side
) -> None:
    tree = customer_tree({"name": "Left"}, {"name": "Right"}, times=times)
    operation = only(plan(CUSTOMER, tree, with_policy(policy)))
    assert operation.target is winner.other
    assert written(operation) == {"name": "Left" if winner is CONTRACTOR else "Right"}


def test_the_time_of_an_edit_is_when_the_field_first_differed_not_when_the_record_was_last_saved() -> None:
    tree = customer_tree(
        {"name": "Left"}, {"name": "Right"}, times=(10, 60),
        quickbooks_edits={"name": NOON + timedelta(minutes=5)},
    )  # fmt: skip
    assert only(plan(CUSTOMER, tree, RULES)).target is QUICKBOOKS


def test_ask_leaves_both_sides_alone_and_names_both_values() -> None:
    decided = plan(CUSTOMER, customer_tree({"name": "Left"}, {"name": "Right"}), with_policy(Policy.ASK))
    assert decided.verdict is Verdict.CONFLICT
    assert decided.operations == []
    [problem] = decided.problems
    assert problem.code == "conflict_name"
    assert "Left" in problem.cause
    assert "Right" in problem.cause


def test_ask_about_one_field_does_not_hold_up_another() -> None:
    tree = customer_tree({"name": "Left", "notes": "new"}, {"name": "Right"})
    decided = plan(CUSTOMER, tree, with_policy(Policy.ASK))
    assert written(only(decided)) == {"notes": "new"}
    assert only(decided).values["name"] == "Right"
    assert [p.code for p in decided.problems] == ["conflict_name"]


def test_a_conflict_that_a_person_settled_by_hand_agrees() -> None:
    decided = plan(CUSTOMER, customer_tree({"name": "Same"}, {"name": "Same"}), with_policy(Policy.ASK))
    assert (decided.verdict, decided.problems) == (Verdict.AGREED, [])


@pytest.mark.parametrize(
    ("direction", "edited", "target"),
    [
        (Direction.TO_QUICKBOOKS, CONTRACTOR, QUICKBOOKS),
        (Direction.TO_QUICKBOOKS, QUICKBOOKS, QUICKBOOKS),
        (Direction.TO_CONTRACTOR, QUICKBOOKS, CONTRACTOR),
        (Direction.TO_CONTRACTOR, CONTRACTOR, CONTRACTOR),
    ],
)
def test_a_one_way_field_always_follows_its_owner(direction: Direction, edited: Side, target: Side) -> None:
    rules = Rules({"customer.notes": Override(direction=direction)})
    operation = only(plan(CUSTOMER, edited_on(edited, notes="edited"), rules))
    assert operation.target is target
    assert written(operation) == {"notes": "edited" if edited is target.other else None}


def test_a_field_that_is_only_observed_is_never_written() -> None:
    rules = Rules({"customer.notes": Override(direction=Direction.NONE)})
    assert plan(CUSTOMER, customer_tree({"notes": "edited"}), rules).verdict is Verdict.AGREED


def test_an_entity_kept_in_quickbooks_takes_nothing_from_the_contractor() -> None:
    term = ENTITIES["term"]
    values = {"name": "Net 30", "due_days": 30, "active": True}
    tree = linked({**values, "due_days": 45}, values, values)
    operation = only(plan(term, tree, RULES))
    assert (operation.target, written(operation)) == (CONTRACTOR, {"due_days": 30})


@pytest.mark.parametrize("side", list(Side))
def test_a_create_only_field_that_was_changed_is_named_and_written_to_nobody(side: Side) -> None:
    values = {"name": "Hour", "kind": "service", "active": True}
    sides = {side: {**values, "kind": "goods"}, side.other: {**values, "name": "Labor hour"}}
    decided = plan(ITEM, linked(sides[CONTRACTOR], sides[QUICKBOOKS], values), RULES)
    operation = only(decided)
    assert (operation.target, written(operation)) == (side, {"name": "Labor hour"})
    assert [p.code for p in decided.problems] == ["fixed_at_creation"]
    assert decided.base is not None
    assert decided.base["kind"] == "service"


def test_a_create_only_field_in_which_two_records_differed_when_they_were_linked_is_left_alone() -> None:
    values = {"name": "Hour", "kind": "service", "active": True}
    decided = plan(ITEM, linked(values, {**values, "kind": "goods"}, {}), RULES)
    assert decided.verdict is Verdict.AGREED
    assert decided.base is not None
    assert "kind" not in decided.base


def test_a_create_only_field_in_which_both_agree_is_part_of_what_was_agreed() -> None:
    values = {"name": "Hour", "kind": "service", "active": True}
    decided = plan(ITEM, linked(values, values, {}), RULES)
    assert decided.base is not None
    assert decided.base["kind"] == "service"


def test_first_contact_fills_the_blanks_of_either_side() -> None:
    left = {**CUSTOMER_VALUES, "notes": None, "email": "ann@hazel.example"}
    right = {**CUSTOMER_VALUES, "notes": "pays late", "email": None}
    decided = plan(CUSTOMER, linked(left, right, {}), RULES)
    assert {op.target: written(op) for op in decided.operations} == {
        CONTRACTOR: {"notes": "pays late"},
        QUICKBOOKS: {"email": "ann@hazel.example"},
    }


def test_first_contact_takes_the_later_of_two_different_values() -> None:
    left, right = {**CUSTOMER_VALUES, "notes": "left"}, {**CUSTOMER_VALUES, "notes": "right"}
    tree = linked(node(left, "c1", minutes=5), node(right, "q1"), {})
    assert written(only(plan(CUSTOMER, tree, RULES))) == {"notes": "left"}


def test_a_value_emptied_after_first_contact_is_emptied_on_the_other_side() -> None:
    operation = only(plan(CUSTOMER, customer_tree(contractor={"email": None}), RULES))
    assert written(operation) == {"email": None}


def test_one_changed_part_of_an_address_sends_the_whole_address() -> None:
    operation = only(plan(CUSTOMER, customer_tree(contractor={"billing_city": "Dallas"}), RULES))
    assert written(operation) == {
        "billing_line1": "1 Elm St", "billing_line2": None, "billing_city": "Dallas", "billing_state": "TX",
        "billing_postal_code": "73301", "billing_country": None,
    }  # fmt: skip


def test_parts_of_an_address_changed_on_different_sides_meet_in_one_address() -> None:
    decided = plan(CUSTOMER, customer_tree({"billing_city": "Dallas"}, {"billing_line2": "Unit 4"}), RULES)
    for operation in decided.operations:
        assert (operation.values["billing_city"], operation.values["billing_line2"]) == ("Dallas", "Unit 4")
    assert {op.target for op in decided.operations} == set(Side)


def test_a_change_that_refers_to_something_unlinked_waits_for_it() -> None:
    decided = plan(CUSTOMER, customer_tree({"terms": Unlinked("term", "t9")}), RULES)
    assert decided.verdict is Verdict.PARKED
    assert decided.waits_for == [Unlinked("term", "t9")]
    assert decided.operations == []


def test_an_unlinked_reference_that_need_not_be_written_holds_up_nothing() -> None:
    waiting = Unlinked("term", "t9")
    decided = plan(CUSTOMER, customer_tree({"terms": waiting, "name": "New"}, base={"terms": 8}), RULES)
    assert decided.verdict is Verdict.PARKED  # both fields go in one write, so it waits as a whole
    observed_only = Rules({"customer.terms": Override(direction=Direction.NONE)})
    assert written(only(plan(CUSTOMER, customer_tree({"terms": waiting, "name": "New"}), observed_only))) == {
        "name": "New"
    }


@pytest.mark.parametrize("entity", list(ENTITIES.values()), ids=list(ENTITIES))
def test_equal_trees_plan_nothing_for_any_entity(entity: Entity) -> None:
    values: dict[str, Any] = {f.name: "same" for f in entity.fields if not f.lines}
    lines = {f.name: ({"id": "1", **{x.name: "same" for x in f.lines}},) for f in entity.fields if f.lines}
    base = {**values, **{k: ({**v[0], "contractor_id": "1", "quickbooks_id": "1"},) for k, v in lines.items()}}
    values |= lines
    decided = plan(entity, linked(values, values, base), RULES)
    assert (decided.verdict, decided.operations) == (Verdict.AGREED, [])


def test_the_planner_gives_the_same_plan_for_the_same_trees() -> None:
    tree = customer_tree({"name": "Left", "notes": "a"}, {"email": "x@y.example"}, times=(2, 1))
    assert plan(CUSTOMER, tree, RULES) == plan(CUSTOMER, tree, RULES)
