"""Merging a document's lines: identity by link, one line at a time, whatever the order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Direction, Policy, Side
from qb_pipeline.sync.lines import LineMerge, merge_lines, twins_after_write, with_pairs
from qb_pipeline.sync.plan import Verdict, plan
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline_tests.sync.builders import CONTRACTOR, QUICKBOOKS, agreed, invoice_values, line, linked, node, only

INVOICE, PAYMENT = ENTITIES["invoice"], ENTITIES["payment"]
LINES, ALLOCATIONS = INVOICE["lines"], PAYMENT["allocations"]
Lines = Sequence[Mapping[str, Any]]

TWO = (agreed("1", "8", "framing"), agreed("2", "9", "roof"))
LEFT = (line("1", "framing"), line("2", "roof"))
RIGHT = (line("8", "framing"), line("9", "roof"))


def merged(left: Lines, right: Lines, base: Lines | None = TWO, favoured: Side = QUICKBOOKS) -> LineMerge:
    return merge_lines(LINES, LINES.lines, left, right, base, favoured=favoured)


def described(lines: Lines | None) -> list[str]:
    return [] if lines is None else sorted(str(x["description"]) for x in lines)


def by_id(lines: Lines | None) -> dict[Any, Mapping[str, Any]]:
    assert lines is not None, "nothing was planned for this side"
    return {x["id"]: x for x in lines}


def test_equal_lines_plan_nothing() -> None:
    result = merged(LEFT, RIGHT)
    assert (result.to_contractor, result.to_quickbooks, result.contested) == (None, None, False)


def test_an_edited_line_is_written_under_the_targets_own_id_and_the_others_go_along_unchanged() -> None:
    result = merged((line("1", "framing", quantity=Decimal(5)), LEFT[1]), RIGHT)
    assert result.to_contractor is None
    lines = by_id(result.to_quickbooks)
    assert (lines["8"]["quantity"], lines["8"]["amount"]) == (Decimal(5), Decimal("250.00"))
    assert {k: v for k, v in lines["9"].items() if k != "twin"} == RIGHT[1]


def test_different_lines_edited_on_the_two_sides_both_survive() -> None:
    result = merged((line("1", "framing, oak"), LEFT[1]), (RIGHT[0], line("9", "roof, slate")))
    assert described(result.to_contractor) == described(result.to_quickbooks) == ["framing, oak", "roof, slate"]
    assert not result.contested


@pytest.mark.parametrize("side", list(Side))
def test_a_line_added_on_one_side_is_new_on_the_other_and_remembers_its_twin(side: Side) -> None:
    added = line("77", "gutter")
    result = merged((*LEFT, added), RIGHT) if side is CONTRACTOR else merged(LEFT, (*RIGHT, added))
    to_other = result.to_quickbooks if side is CONTRACTOR else result.to_contractor
    [new] = [x for x in to_other or () if x["id"] is None]
    assert (new["description"], new["twin"]) == ("gutter", "77")
    assert (result.to_contractor if side is CONTRACTOR else result.to_quickbooks) is None


def test_lines_added_on_both_sides_all_survive() -> None:
    result = merged((*LEFT, line("3", "gutter")), (*RIGHT, line("10", "chimney")))
    everything = ["chimney", "framing", "gutter", "roof"]
    assert described(result.to_contractor) == described(result.to_quickbooks) == everything


def test_the_same_line_added_on_both_sides_is_one_line() -> None:
    result = merged((*LEFT, line("3", "gutter")), (*RIGHT, line("10", "gutter")))
    assert (result.to_contractor, result.to_quickbooks) == (None, None)
    assert ("3", "10") in {(b["contractor_id"], b["quickbooks_id"]) for b in result.base}


def test_two_equal_lines_added_on_one_side_stay_two() -> None:
    result = merged((*LEFT, line("3", "gutter"), line("4", "gutter")), RIGHT)
    assert described(result.to_quickbooks) == ["framing", "gutter", "gutter", "roof"]


@pytest.mark.parametrize("side", list(Side))
def test_a_line_deleted_on_one_side_goes_on_the_other(side: Side) -> None:
    result = merged(LEFT[:1], RIGHT) if side is CONTRACTOR else merged(LEFT, RIGHT[:1])
    other = result.to_quickbooks if side is CONTRACTOR else result.to_contractor
    assert described(other) == ["framing"]
    assert (result.to_contractor if side is CONTRACTOR else result.to_quickbooks) is None


def test_a_line_deleted_on_both_sides_is_forgotten() -> None:
    result = merged(LEFT[:1], RIGHT[:1])
    assert (result.to_contractor, result.to_quickbooks) == (None, None)
    assert [b["description"] for b in result.base] == ["framing"]


@pytest.mark.parametrize("side", list(Side))
def test_an_edit_of_a_line_beats_its_deletion(side: Side) -> None:
    edited = line("2" if side is CONTRACTOR else "9", "roof, slate")
    result = merged((LEFT[0], edited), RIGHT[:1]) if side is CONTRACTOR else merged(LEFT[:1], (RIGHT[0], edited))
    revived = result.to_quickbooks if side is CONTRACTOR else result.to_contractor
    assert described(revived) == ["framing", "roof, slate"]
    assert result.contested


def test_all_lines_deleted_on_one_side_are_deleted_on_the_other() -> None:
    assert merged((), RIGHT).to_quickbooks == ()


@pytest.mark.parametrize("favoured", list(Side))
def test_the_same_field_of_a_line_edited_on_both_sides_goes_to_the_favoured_one(favoured: Side) -> None:
    result = merged((line("1", "oak"), LEFT[1]), (line("8", "pine"), RIGHT[1]), favoured=favoured)
    winner = "oak" if favoured is CONTRACTOR else "pine"
    assert result.contested
    assert winner in described(result.to_quickbooks if favoured is CONTRACTOR else result.to_contractor)
    assert (result.to_contractor if favoured is CONTRACTOR else result.to_quickbooks) is None


@pytest.mark.parametrize("favoured", list(Side))
def test_quantity_from_one_side_and_price_from_the_other_give_a_new_amount(favoured: Side) -> None:
    left = line("1", "framing", quantity=Decimal(3))
    right = line("8", "framing", unit_price=Decimal("60.10"))
    result = merged((left, LEFT[1]), (right, RIGHT[1]), favoured=favoured)
    for lines, line_id in ((result.to_contractor, "1"), (result.to_quickbooks, "8")):
        found = by_id(lines)[line_id]
        assert (found["quantity"], found["unit_price"], found["amount"]) == (
            Decimal(3), Decimal("60.10"), Decimal("180.30"),
        )  # fmt: skip


def test_an_amount_that_is_not_the_product_is_left_as_its_side_shows_it() -> None:
    flat = line("1", "framing", amount=Decimal("99.00"))  # a rounded or agreed price
    assert by_id(merged((flat, LEFT[1]), RIGHT).to_quickbooks)["8"]["amount"] == Decimal("99.00")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_lines_on_either_side_says_nothing(order: tuple[int, ...]) -> None:
    words = ("framing", "roof", "roof")  # two of them alike
    base = tuple(agreed(str(n), str(n + 10), w) for n, w in enumerate(words))
    left = [line(str(n), w) for n, w in enumerate(words)]
    right = [line(str(n + 10), w) for n, w in enumerate(words)]
    result = merged([left[n] for n in order], list(reversed(right)), base)
    assert (result.to_contractor, result.to_quickbooks) == (None, None)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_edit_finds_its_line_in_any_order(order: tuple[int, ...]) -> None:
    base = tuple(agreed(str(n), str(n + 10), "roof") for n in range(3))
    left = [line(str(n), "roof") for n in range(2)] + [line("2", "roof", quantity=Decimal(7))]
    result = merged([left[n] for n in order], [line(str(n + 10), "roof") for n in range(3)], base)
    assert {k: x["quantity"] for k, x in by_id(result.to_quickbooks).items()} == {
        "10": Decimal(2), "11": Decimal(2), "12": Decimal(7),
    }  # fmt: skip


def test_a_discount_and_a_text_line_are_compared_by_what_means_something_on_them() -> None:
    discount: dict[str, Any] = {"kind": "discount", "amount": Decimal("-10.00")}
    words: dict[str, Any] = {"kind": "text", "description": "thank you"}
    left = [{**discount, "id": "5", "description": "courtesy"}, {**words, "id": "6", "quantity": Decimal(1)}]
    right = [{**discount, "id": "15"}, {**words, "id": "16"}]
    base = ({**discount, "contractor_id": "5", "quickbooks_id": "15"}, {**words, "contractor_id": "6",
            "quickbooks_id": "16"})  # fmt: skip
    assert merged(left, right, base).to_quickbooks is None
    changed = merged([{**left[0], "amount": Decimal("-20.00")}, left[1]], right, base)
    assert by_id(changed.to_quickbooks)["15"]["amount"] == Decimal("-20.00")
    assert changed.to_contractor is None


@pytest.mark.parametrize("favoured", list(Side))
def test_a_text_line_that_became_an_item_takes_its_item_and_price_along(favoured: Side) -> None:
    base = ({"kind": "text", "description": "roof", "contractor_id": "1", "quickbooks_id": "8"},)
    result = merged([line("1", "roof")], [{"id": "8", "kind": "text", "description": "roof"}], base, favoured)
    assert result.to_contractor is None
    sent = by_id(result.to_quickbooks)["8"]
    assert (sent["kind"], sent["item"], sent["amount"]) == ("item", 31, Decimal("100.00"))


def test_first_contact_pairs_equal_lines_wherever_they_stand_and_writes_nothing() -> None:
    result = merged(LEFT, tuple(reversed(RIGHT)), None)
    assert (result.to_contractor, result.to_quickbooks, result.contested) == (None, None, False)
    assert {(b["contractor_id"], b["quickbooks_id"]) for b in result.base} == {("1", "8"), ("2", "9")}


def test_first_contact_lets_the_favoured_side_settle_a_difference() -> None:
    right = (line("8", "framing"), line("9", "roof", quantity=Decimal(9)))
    result = merged(LEFT, right, None, favoured=QUICKBOOKS)
    assert by_id(result.to_contractor)["2"]["quantity"] == Decimal(9)
    assert result.to_quickbooks is None


def test_lines_that_may_only_go_to_quickbooks_overwrite_what_was_changed_there() -> None:
    result = merge_lines(
        LINES, LINES.lines, LEFT, (line("8", "edited"), line("10", "extra")), TWO, favoured=QUICKBOOKS, only=CONTRACTOR
    )
    assert result.to_contractor is None
    assert described(result.to_quickbooks) == ["framing", "roof"]


def test_a_field_a_company_cannot_hold_is_no_difference() -> None:
    rules = Rules({"invoice.lines.division": Override(direction=Direction.NONE)})
    base = invoice_values(agreed("1", "9", "framing"))
    left, right = invoice_values(line("1", "framing", division=4)), invoice_values(line("9", "framing"))
    assert plan(INVOICE, linked(left, right, base), rules).verdict is Verdict.AGREED


def test_lines_contested_under_ask_leave_both_sides_alone() -> None:
    rules = Rules({"invoice.lines": Override(policy=Policy.ASK)})
    base = invoice_values(agreed("1", "9", "framing"))
    decided = plan(INVOICE, linked(invoice_values(line("1", "oak")), invoice_values(line("9", "pine")), base), rules)
    assert (decided.verdict, decided.operations) == (Verdict.CONFLICT, [])


def test_lines_edited_on_one_side_only_are_no_conflict_under_ask() -> None:
    rules = Rules({"invoice.lines": Override(policy=Policy.ASK)})
    base = invoice_values(agreed("1", "9", "framing"))
    decided = plan(INVOICE, linked(invoice_values(line("1", "oak")), invoice_values(line("9", "framing")), base), rules)
    assert only(decided).target is QUICKBOOKS


# --- allocations: lines known by the invoice they settle ---


def allocation(line_id: str, invoice: int, amount: str) -> dict[str, Any]:
    return {"id": line_id, "invoice": invoice, "amount": Decimal(amount)}


def allocated(left: Lines, right: Lines, base: Lines) -> LineMerge:
    return merge_lines(ALLOCATIONS, ALLOCATIONS.lines, left, right, base, favoured=QUICKBOOKS)


def test_allocations_are_known_by_their_invoice_whatever_their_line_ids() -> None:
    left = [allocation("1", 50, "10.00"), allocation("2", 51, "5.00")]
    right = [allocation("7", 51, "5.00"), allocation("7", 50, "10.00")]
    result = allocated(left, right, left)
    assert (result.to_contractor, result.to_quickbooks) == (None, None)


def test_an_allocation_moved_to_another_invoice_is_copied() -> None:
    base = [allocation("1", 50, "10.00")]
    result = allocated([allocation("1", 51, "10.00")], base, base)
    assert [(x["invoice"], x["amount"]) for x in result.to_quickbooks or ()] == [(51, Decimal("10.00"))]
    assert result.to_contractor is None


def test_allocations_changed_on_both_sides_for_different_invoices_both_count() -> None:
    base = [allocation("1", 50, "10.00"), allocation("2", 51, "5.00")]
    left = [allocation("1", 50, "12.00"), base[1]]
    right = [base[0], allocation("2", 51, "6.00")]
    result = allocated(left, right, base)
    wanted = {50: Decimal("12.00"), 51: Decimal("6.00")}
    assert {x["invoice"]: x["amount"] for x in result.to_quickbooks or ()} == wanted
    assert {x["invoice"]: x["amount"] for x in result.to_contractor or ()} == wanted


def test_two_allocations_to_one_invoice_count_as_their_sum_and_none_is_lost() -> None:
    twice = [allocation("1", 50, "10.00"), allocation("2", 50, "5.00")]
    result = allocated(twice, [allocation("7", 50, "15.00")], twice)
    assert (result.to_contractor, result.to_quickbooks) == (None, None)
    grown = allocated([*twice, allocation("3", 50, "1.00")], [allocation("7", 50, "15.00")], twice)
    assert [x["amount"] for x in grown.to_quickbooks or ()] == [Decimal("16.00")]
    assert grown.to_contractor is None


# --- what an answer teaches about identity ---


def test_new_lines_get_their_twins_in_the_order_of_their_kind() -> None:
    sent: list[dict[str, Any]] = [
        {"id": None, "twin": "a", "kind": "discount"}, {"id": None, "twin": "b", "kind": "item"},
        {"id": "4", "twin": "c", "kind": "item"}, {"id": None, "twin": "d", "kind": "item"},
    ]  # fmt: skip
    answered = [
        {"id": "4", "kind": "item"}, {"id": "5", "kind": "item"}, {"id": "6", "kind": "item"},
        {"id": "7", "kind": "discount"},
    ]  # fmt: skip
    assert sorted(twins_after_write(sent, answered)) == [("a", "7"), ("b", "5"), ("c", "4"), ("d", "6")]


def test_pairs_complete_the_lines_the_base_knows_and_add_the_ones_it_does_not() -> None:
    known = with_pairs(
        [{"contractor_id": "1", "quickbooks_id": "8", "description": "framing"}], [("1", "8"), ("2", "9")]
    )
    assert known == (
        {"contractor_id": "1", "quickbooks_id": "8", "description": "framing"},
        {"contractor_id": "2", "quickbooks_id": "9"},
    )


def test_the_times_of_both_sides_decide_contested_lines_by_default() -> None:
    base = invoice_values(agreed("1", "9", "framing"))
    left = node(invoice_values(line("1", "oak")), "c1", minutes=5)
    right = node(invoice_values(line("9", "pine")), "q1", minutes=1)
    assert only(plan(INVOICE, linked(left, right, base), Rules())).target is QUICKBOOKS
