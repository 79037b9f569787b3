"""The planner's rules for documents: creation, tax, lines, removal, and what must not be written at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Direction, Policy, Side
from qb_pipeline.quickbooks.codecs.base import closed_books
from qb_pipeline.quickbooks.facts import Facts
from qb_pipeline.sync.linkspace import Unlinked
from qb_pipeline.sync.plan import Tree, Verdict, plan
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline_tests.sync.builders import (
    CONTRACTOR,
    CUSTOMER_VALUES,
    QUICKBOOKS,
    agreed,
    customer_tree,
    edited_on,
    gone,
    invoice_values,
    line,
    linked,
    node,
    only,
    with_node,
    written,
)

INVOICE, CUSTOMER, TERM, DIVISION = (ENTITIES[n] for n in ("invoice", "customer", "term", "division"))
RULES = Rules()


def text_line(line_id: str, words: str) -> dict[str, Any]:
    return {"id": line_id, "kind": "text", "description": words}


def one_line_base(**values: Any) -> dict[str, Any]:
    return invoice_values(agreed("1", "9", "framing"), **values)


# --- creation ---


@pytest.mark.parametrize("side", list(Side))
def test_a_record_that_only_one_side_has_is_created_on_the_other(side: Side) -> None:
    seen = node(CUSTOMER_VALUES, "only", minutes=1)
    tree = Tree(seen, None) if side is CONTRACTOR else Tree(None, seen)
    operation = only(plan(CUSTOMER, tree, RULES))
    assert (operation.target, operation.verb, operation.source_id) == (side.other, "create", "only")
    assert operation.target_id is None
    assert operation.values["name"] == "Hazel Roofing"
    assert "notes" not in operation.changed  # an empty field says nothing to a new record


def test_a_created_documents_lines_are_new_to_the_target_and_remember_their_twins() -> None:
    operation = only(plan(INVOICE, Tree(node(invoice_values(line("7", "framing")), "c1"), None), RULES))
    [sent] = operation.values["lines"]
    assert (sent["id"], sent["twin"], sent["description"]) == (None, "7", "framing")


def test_figures_that_are_only_observed_are_not_sent_with_a_creation() -> None:
    values = invoice_values(line("7", "framing"), total=Decimal(108), balance=Decimal(108))
    operation = only(plan(INVOICE, Tree(node(values, "c1"), None), RULES))
    assert not {"total", "balance"} & operation.values.keys()


def test_a_field_the_company_keeps_to_itself_is_neither_sent_with_a_creation_nor_waited_for() -> None:
    rules = Rules({"customer.terms": Override(direction=Direction.TO_CONTRACTOR)})
    values = {**CUSTOMER_VALUES, "terms": Unlinked("term", "t9")}
    operation = only(plan(CUSTOMER, Tree(node(values, "c1"), None), rules))
    assert "terms" not in operation.values


@pytest.mark.parametrize("where", ["field", "line"])
def test_a_creation_waits_for_a_reference_that_is_not_linked(where: str) -> None:
    missing = Unlinked("item", "i9") if where == "line" else Unlinked("customer", "c9")
    lines = line("7", "framing", **({"item": missing} if where == "line" else {}))
    values = invoice_values(lines, **({} if where == "line" else {"customer": missing}))
    decided = plan(INVOICE, Tree(node(values, "c1"), None), RULES)
    assert (decided.verdict, decided.operations, decided.waits_for) == (Verdict.PARKED, [], [missing])


def test_a_record_kept_on_the_other_side_is_not_created_and_says_why() -> None:
    decided = plan(TERM, Tree(node({"name": "Net 45"}, "c1"), None), RULES)
    assert decided.verdict is Verdict.SKIPPED
    assert "terms are kept in QuickBooks" in decided.reason


def test_a_record_held_for_review_is_not_created() -> None:
    decided = plan(CUSTOMER, Tree(node(CUSTOMER_VALUES, "c1"), None, held="may be the same as 12"), RULES)
    assert (decided.verdict, decided.operations, decided.reason) == (Verdict.REVIEW, [], "may be the same as 12")


@pytest.mark.parametrize("side", list(Side))
def test_a_skipped_record_plans_nothing_and_passes_its_reason_on(side: Side) -> None:
    tree = customer_tree({"name": "New"})
    skipped = replace(tree.node(side) or node({}), skip="a draft")
    decided = plan(CUSTOMER, with_node(tree, side, skipped), RULES)
    assert (decided.verdict, decided.operations, decided.reason) == (Verdict.SKIPPED, [], "a draft")


@pytest.mark.parametrize(
    ("state", "verdict"), [(State.DELETED, Verdict.ENDED), (State.VOIDED, Verdict.SKIPPED)], ids=["deleted", "void"]
)
def test_what_was_gone_before_first_contact_is_not_created(state: State, verdict: Verdict) -> None:
    decided = plan(INVOICE, Tree(gone(state, invoice_values(), "c1"), None), RULES)
    assert (decided.verdict, decided.operations) == (verdict, [])


@pytest.mark.parametrize("side", list(Side))
def test_a_linked_record_whose_counterpart_was_not_read_is_never_created_again(side: Side) -> None:
    tree = with_node(customer_tree({"name": "New"}), side, None)
    decided = plan(CUSTOMER, tree, RULES)
    assert decided.operations == []
    assert decided.verdict is Verdict.EXCEPTION
    assert [p.code for p in decided.problems] == ["counterpart_unread"]


# --- tax ---


def test_tax_goes_along_with_lines_that_one_side_changed() -> None:
    base = one_line_base()
    left = invoice_values(line("1", "framing", quantity=Decimal(4)), tax=Decimal("16.50"))
    right = invoice_values(line("9", "framing"))
    operation = only(plan(INVOICE, linked(left, right, base), RULES))
    assert (operation.target, operation.changed) == (QUICKBOOKS, frozenset({"lines", "tax"}))
    assert operation.values["tax"] == Decimal("16.50")


def test_each_system_works_out_the_tax_when_both_changed_lines() -> None:
    base = invoice_values(agreed("1", "8", "framing"), agreed("2", "9", "roof"))
    left = invoice_values(line("1", "framing", quantity=Decimal(4)), line("2", "roof"), tax=Decimal("12.00"))
    right = invoice_values(line("8", "framing"), line("9", "roof", quantity=Decimal(3)), tax=Decimal("11.00"))
    decided = plan(INVOICE, linked(left, right, base), RULES)
    assert {op.target for op in decided.operations} == set(Side)
    for operation in decided.operations:
        assert "tax" not in operation.changed
        assert "tax" not in operation.values


@pytest.mark.parametrize(
    ("left_tax", "right_tax", "target"),
    [("9.00", "8.25", QUICKBOOKS), ("8.25", "9.00", CONTRACTOR), ("9.00", "9.50", CONTRACTOR)],
    ids=["contractor changed it", "QuickBooks changed it", "both: QuickBooks files the return"],
)
def test_tax_that_differs_under_equal_lines_follows_who_changed_it(left_tax: str, right_tax: str, target: Side) -> None:
    left = invoice_values(line("1", "framing"), tax=Decimal(left_tax))
    right = invoice_values(line("9", "framing"), tax=Decimal(right_tax))
    operation = only(plan(INVOICE, linked(left, right, one_line_base()), RULES))
    assert (operation.target, operation.changed) == (target, frozenset({"tax"}))


def test_tax_that_may_only_go_to_the_contractor_is_not_carried_to_quickbooks_with_the_lines() -> None:
    rules = Rules({"invoice.tax": Override(direction=Direction.TO_CONTRACTOR)})
    left = invoice_values(line("1", "framing", quantity=Decimal(4)), tax=Decimal("16.50"))
    decided = plan(INVOICE, linked(left, invoice_values(line("9", "framing")), one_line_base()), rules)
    assert only(decided).changed == frozenset({"lines"})


def test_lines_that_a_person_must_decide_keep_the_tax_from_moving_as_well() -> None:
    rules = Rules({"invoice.lines": Override(policy=Policy.ASK)})
    left = invoice_values(line("1", "framing", quantity=Decimal(4)), tax=Decimal("16.50"))
    right = invoice_values(line("9", "framing", quantity=Decimal(3)), tax=Decimal("12.38"))
    decided = plan(INVOICE, linked(left, right, one_line_base()), rules)
    assert decided.verdict is Verdict.CONFLICT
    assert decided.operations == []
    assert [p.code for p in decided.problems] == ["conflict_lines"]


# --- what must not be written ---


@pytest.mark.parametrize("side", list(Side))
def test_a_frozen_target_is_an_exception_that_names_why(side: Side) -> None:
    tree = edited_on(side, name="New")
    target = replace(tree.node(side.other) or node({}), frozen="it has been deposited")
    decided = plan(CUSTOMER, with_node(tree, side.other, target), RULES)
    assert (decided.verdict, decided.operations) == (Verdict.EXCEPTION, [])
    [problem] = decided.problems
    assert problem.code == "frozen"
    assert "it has been deposited" in problem.cause


def test_a_frozen_source_may_still_be_copied_from() -> None:
    tree = customer_tree({"name": "New"})
    source = replace(tree.contractor or node({}), frozen="paid")
    assert only(plan(CUSTOMER, replace(tree, contractor=source), RULES)).target is QUICKBOOKS


CLOSED = Rules(closed_through=date(2026, 2, 28))


@pytest.mark.parametrize("day", [27, 28])
def test_nothing_is_created_in_a_closed_period(day: int) -> None:
    values = invoice_values(line("1", "framing"), date=date(2026, 2, day))
    decided = plan(INVOICE, Tree(node(values, "c1"), None), CLOSED)
    assert (decided.verdict, decided.operations) == (Verdict.EXCEPTION, [])
    assert [p.code for p in decided.problems] == ["books_closed"]


def test_the_day_after_the_closing_date_is_open() -> None:
    values = invoice_values(line("1", "framing"), date=date(2026, 3, 1))
    assert only(plan(INVOICE, Tree(node(values, "c1"), None), CLOSED)).verb == "create"


def test_a_record_is_not_moved_out_of_a_closed_period_either() -> None:
    base = one_line_base()
    left = invoice_values(line("1", "framing"), date=date(2026, 3, 10))
    decided = plan(INVOICE, linked(left, invoice_values(line("9", "framing")), base), CLOSED)
    assert decided.operations == []
    assert [p.code for p in decided.problems] == ["books_closed"]


def test_a_closed_period_of_quickbooks_may_still_be_copied_to_the_contractor() -> None:
    right = invoice_values(line("9", "framing"), memo="thanks")
    operation = only(plan(INVOICE, linked(invoice_values(line("1", "framing")), right, one_line_base()), CLOSED))
    assert operation.target is CONTRACTOR


def frozen_in_quickbooks(why: str | None) -> Tree:
    """An invoice that the contractor has edited."""
    left, right = invoice_values(line("1", "framing"), memo="new"), invoice_values(line("9", "framing"))
    tree = linked(left, right, one_line_base())
    return with_node(tree, QUICKBOOKS, replace(tree.quickbooks or node({}), frozen=why))


def test_an_edit_of_a_document_in_a_closed_period_is_held_by_the_closed_books_like_a_new_one() -> None:
    why = closed_books(date(2026, 2, 10), Facts(book_close_date=CLOSED.closed_through))
    assert why is not None
    assert [p.code for p in plan(INVOICE, frozen_in_quickbooks(why), CLOSED).problems] == ["books_closed"]


def test_a_deposited_payment_in_a_closed_period_is_held_by_its_deposit() -> None:
    decided = plan(INVOICE, frozen_in_quickbooks("it is part of deposit 7"), CLOSED)
    assert [p.code for p in decided.problems] == ["frozen"]


def test_a_void_in_a_closed_period_is_withheld() -> None:
    tree = linked(gone(State.VOIDED, invoice_values(line("1", "framing")), "c1"),
                  invoice_values(line("9", "framing")), one_line_base())  # fmt: skip
    decided = plan(INVOICE, tree, CLOSED)
    assert decided.operations == []
    assert [p.code for p in decided.problems] == ["books_closed"]


# --- removal ---


@pytest.mark.parametrize(
    ("side", "state", "verb"),
    [
        (CONTRACTOR, State.VOIDED, "void"),
        (CONTRACTOR, State.DELETED, "void"),
        (QUICKBOOKS, State.VOIDED, "void"),
        (QUICKBOOKS, State.DELETED, "delete"),
    ],
)
def test_a_document_let_go_on_one_side_is_let_go_on_the_other(side: Side, state: State, verb: str) -> None:
    left, right = invoice_values(line("1", "framing")), invoice_values(line("9", "framing"))
    tree = linked(left, right, one_line_base())
    removed = gone(state, left if side is CONTRACTOR else right, "c1" if side is CONTRACTOR else "q1")
    operation = only(plan(INVOICE, with_node(tree, side, removed), RULES))
    assert (operation.target, operation.verb, operation.removes) == (side.other, verb, True)
    assert operation.target_id == ("q1" if side is CONTRACTOR else "c1")


def test_a_name_deleted_by_the_contractor_is_made_inactive_in_quickbooks() -> None:
    tree = replace(customer_tree(), contractor=gone(State.DELETED, CUSTOMER_VALUES, "c1"))
    operation = only(plan(CUSTOMER, tree, RULES))
    assert (operation.target, operation.verb, written(operation)) == (QUICKBOOKS, "update", {"active": False})


def test_a_name_deleted_by_the_contractor_and_inactive_in_quickbooks_already_has_ended() -> None:
    tree = customer_tree(quickbooks={"active": False})
    decided = plan(CUSTOMER, replace(tree, contractor=gone(State.DELETED, CUSTOMER_VALUES, "c1")), RULES)
    assert (decided.verdict, decided.operations, decided.problems) == (Verdict.ENDED, [], [])


@pytest.mark.parametrize("state", [State.VOIDED, State.DELETED])
def test_what_both_sides_let_go_has_ended(state: State) -> None:
    left, right = gone(State.DELETED, invoice_values(), "c1"), gone(state, invoice_values(), "q1")
    decided = plan(INVOICE, linked(left, right, one_line_base()), RULES)
    assert (decided.verdict, decided.operations) == (Verdict.ENDED, [])


def test_a_removal_against_an_edit_asks_a_person_and_touches_nothing() -> None:
    right = invoice_values(line("9", "framing"), memo="edited since")
    tree = linked(gone(State.DELETED, invoice_values(line("1", "framing")), "c1"), right, one_line_base())
    decided = plan(INVOICE, tree, RULES)
    assert (decided.verdict, decided.operations) == (Verdict.CONFLICT, [])
    assert [p.code for p in decided.problems] == ["removed_but_edited"]


@pytest.mark.parametrize("with_text", [False, True], ids=["item lines alone", "beside a text line"])
def test_an_edited_line_is_an_edit_that_a_removal_does_not_overrule(with_text: bool) -> None:
    words = [{"kind": "text", "description": "thank you", "contractor_id": "2", "quickbooks_id": "8"}]
    base = invoice_values(agreed("1", "9", "framing"), *words[:with_text])
    left = gone(State.DELETED, invoice_values(line("1", "framing"), *[text_line("2", "thank you")][:with_text]), "c1")
    right = invoice_values(line("9", "framing", quantity=Decimal(5)), *[text_line("8", "thank you")][:with_text])
    decided = plan(INVOICE, linked(left, right, base), RULES)
    assert (decided.verdict, decided.operations) == (Verdict.CONFLICT, [])


def test_lines_in_another_order_or_with_other_zeros_are_no_edit_to_a_removal() -> None:
    base = invoice_values(agreed("1", "8", "framing"), agreed("2", "9", "roof"))
    left = gone(State.DELETED, invoice_values(line("1", "framing"), line("2", "roof")), "c1")
    right = invoice_values(line("9", "roof", amount=Decimal("100.0")), line("8", "framing"))
    assert only(plan(INVOICE, linked(left, right, base), RULES)).verb == "void"


def test_a_payment_on_an_invoice_is_no_edit_that_keeps_it_from_being_removed() -> None:
    right = invoice_values(line("9", "framing"), balance=Decimal(0))
    left = gone(State.DELETED, invoice_values(line("1", "framing")), "c1")
    assert only(plan(INVOICE, linked(left, right, one_line_base(balance=Decimal(100))), RULES)).verb == "void"


def test_a_removal_agreed_before_is_not_written_again() -> None:
    values = {**CUSTOMER_VALUES, "active": False}
    tree = linked(gone(State.DELETED, values, "c1"), values, values, removed=True)
    decided = plan(CUSTOMER, tree, RULES)
    assert (decided.verdict, decided.operations) == (Verdict.ENDED, [])


def test_what_is_brought_back_on_one_side_after_an_agreed_removal_is_not_passed_over_in_silence() -> None:
    base = {**CUSTOMER_VALUES, "active": False}
    tree = linked(gone(State.DELETED, CUSTOMER_VALUES, "c1"), CUSTOMER_VALUES, base, removed=True)
    decided = plan(CUSTOMER, tree, RULES)
    assert (decided.verdict, decided.operations) == (Verdict.CONFLICT, [])
    assert [p.code for p in decided.problems] == ["removed_but_edited"]


def test_a_removal_on_the_side_that_does_not_own_the_list_is_not_copied() -> None:
    values = {"name": "Net 30", "active": True}
    decided = plan(TERM, linked(gone(State.DELETED, values, "c1"), values, values), RULES)
    assert (decided.verdict, decided.operations) == (Verdict.SKIPPED, [])


def test_a_removal_of_a_frozen_record_is_an_exception() -> None:
    right = replace(node(invoice_values(line("9", "framing")), "q1"), frozen="it is deposited")
    left = gone(State.VOIDED, invoice_values(line("1", "framing")), "c1")
    decided = plan(INVOICE, linked(left, right, one_line_base()), RULES)
    assert [p.code for p in decided.problems] == ["frozen"]
    assert decided.operations == []
