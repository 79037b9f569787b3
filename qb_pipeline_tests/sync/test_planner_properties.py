"""Whatever people do on either side, planning and writing ends, both sides agree, and nothing anybody added is lost."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.spec import Policy, Side
from qb_pipeline.sync.plan import Verdict
from qb_pipeline.sync.rules import Override, Rules
from qb_pipeline_tests.sync.builders import CONTRACTOR, CUSTOMER_VALUES, QUICKBOOKS, invoice_values, line
from qb_pipeline_tests.sync.model import Half, Pair

INVOICE, CUSTOMER, PAYMENT = (ENTITIES[n] for n in ("invoice", "customer", "payment"))
POLICIES = [Policy.LATEST_EDIT, Policy.CONTRACTOR, Policy.QUICKBOOKS]
WORDS = ["framing", "roof", "gutter", "oak"]

sides = st.sampled_from(list(Side))
edits = st.lists(st.tuples(sides, st.integers(0, 5), st.integers(0, 7), st.integers(0, 3)), max_size=6)
histories = st.lists(edits, min_size=1, max_size=3)
policies = st.sampled_from(POLICIES)
FAST = settings(max_examples=80, deadline=None)

Edit = tuple[Side, int, int, int]


def new_pair(entity_name: str, values: dict[str, Any], policy: Policy = Policy.LATEST_EDIT) -> Pair:
    entity = ENTITIES[entity_name]
    rules = Rules({entity_name: Override(policy=policy)})
    return Pair(entity, Half(CONTRACTOR, deepcopy(values)), Half(QUICKBOOKS, deepcopy(values)), rules)


def invoices(lines: int, policy: Policy = Policy.LATEST_EDIT) -> Pair:
    """An invoice that both sides agree on, its lines made by the contractor."""
    pair = new_pair("invoice", invoice_values(), policy)
    rows = tuple(pair.contractor.new_line(line(None, WORDS[n % 4])) for n in range(lines))
    pair.contractor.values["lines"] = rows
    pair.settle()
    return pair


def edit_invoice(pair: Pair, edit: Edit) -> None:
    """One thing a person does: the heading, a line's quantity, price or words, a new line, a line less."""
    side, kind, which, amount = edit
    half = pair.half(side)
    lines: list[dict[str, Any]] = [dict(x) for x in half.values["lines"]]
    pair.touch(side)
    chosen = lines[which % len(lines)] if lines else None
    if kind == 0:
        half.values["memo"] = [None, "thanks", "call first", "gate 12"][amount]
    elif kind == 1:
        half.values["date"] = date(2026, 2, 1 + which)
    elif kind == 2:
        words = f"{WORDS[amount]} added by {side.value} {half.lines_made}"  # no two people add the same line
        lines.append(half.new_line(line(None, words, quantity=Decimal(which + 1))))
    elif chosen is not None and kind == 3:
        half.deleted_marks.add(chosen["birth"])
        lines.remove(chosen)
    elif chosen is not None and kind == 4:
        chosen["quantity"] = Decimal(amount + 1)
        chosen["amount"] = (chosen["quantity"] * chosen["unit_price"]).quantize(Decimal("0.01"))
    elif chosen is not None:
        chosen["description"] = f"{WORDS[amount]} {which} said {side.value}"
    half.values["lines"] = tuple(lines)


def invoice_after(history: list[list[Edit]], lines: int, policy: Policy) -> Pair:
    pair = invoices(lines, policy)
    for together in history:
        for edit in together:
            edit_invoice(pair, edit)
        pair.settle()
    return pair


@FAST
@given(histories, st.integers(0, 4), policies)
def test_both_sides_of_an_invoice_agree_after_any_edits(history: Any, lines: int, policy: Policy) -> None:
    pair = invoice_after(history, lines, policy)
    assert pair.content(CONTRACTOR) == pair.content(QUICKBOOKS)
    assert pair.plan().verdict is Verdict.AGREED


@FAST
@given(histories, st.integers(0, 4), policies)
def test_once_quiet_nothing_more_is_written(history: Any, lines: int, policy: Policy) -> None:
    pair = invoice_after(history, lines, policy)
    before = deepcopy((pair.contractor, pair.quickbooks))
    assert pair.settle() == 0
    assert (pair.contractor, pair.quickbooks) == before


@FAST
@given(edits, st.integers(0, 4), policies)
def test_no_line_is_lost_that_nobody_deleted(history: list[Edit], lines: int, policy: Policy) -> None:
    pair = invoices(lines, policy)
    for edit in history:
        edit_invoice(pair, edit)
    added = {*pair.marks(CONTRACTOR), *pair.marks(QUICKBOOKS)}
    deleted = pair.contractor.deleted_marks | pair.quickbooks.deleted_marks
    pair.settle()
    assert pair.marks(CONTRACTOR) == pair.marks(QUICKBOOKS)
    assert added - deleted <= set(pair.marks(CONTRACTOR)) <= added
    assert len(pair.marks(CONTRACTOR)) == len(set(pair.marks(CONTRACTOR)))


@FAST
@given(edits, st.integers(1, 4))
def test_what_one_side_alone_does_arrives_exactly_on_the_other(history: list[Edit], lines: int) -> None:
    pair = invoices(lines)
    for _, kind, which, amount in history:
        edit_invoice(pair, (CONTRACTOR, kind, which, amount))
    wanted = pair.content(CONTRACTOR)
    pair.settle()
    assert pair.content(CONTRACTOR) == wanted
    assert pair.content(QUICKBOOKS) == wanted


@FAST
@given(st.integers(0, 3), st.integers(0, 3), st.integers(1, 4), policies)
def test_different_lines_edited_on_the_two_sides_both_keep_their_edit(
    left: int, right: int, lines: int, policy: Policy
) -> None:
    pair = invoices(lines + 1, policy)
    pair.contractor.values["lines"] = changed_at(pair.contractor, 0, lambda x: {**x, "description": f"oak {left}"})
    twin = next(
        x for x in pair.quickbooks.values["lines"] if x["birth"] == pair.contractor.values["lines"][-1]["birth"]
    )
    position = pair.quickbooks.values["lines"].index(twin)
    pair.quickbooks.values["lines"] = changed_at(
        pair.quickbooks, position, lambda x: {**x, "description": f"slate {right}"}
    )
    pair.settle()
    for side in Side:
        words = {x["description"] for x in pair.half(side).values["lines"]}
        assert {f"oak {left}", f"slate {right}"} <= words


def changed_at(half: Half, position: int, change: Callable[[dict[str, Any]], dict[str, Any]]) -> tuple[Any, ...]:
    lines = list(half.values["lines"])
    lines[position] = change(lines[position])
    return tuple(lines)


@FAST
@given(edits, st.integers(1, 5), st.randoms(use_true_random=False), st.booleans())
def test_the_same_lines_in_another_order_plan_the_same(
    history: list[Edit], lines: int, random: Random, edited: bool
) -> None:
    pair = invoices(lines)
    for edit in history if edited else []:
        edit_invoice(pair, edit)
    before = pair.plan()
    for half in (pair.contractor, pair.quickbooks):
        shuffled = list(half.values["lines"])
        random.shuffle(shuffled)
        half.values["lines"] = tuple(shuffled)
    after = pair.plan()
    assert after.verdict is before.verdict
    assert [(op.target, op.changed) for op in after.operations] == [(op.target, op.changed) for op in before.operations]
    if not edited:
        assert after.operations == []


@FAST
@given(edits, st.integers(0, 3), policies)
def test_the_same_trees_always_give_the_same_plan(history: list[Edit], lines: int, policy: Policy) -> None:
    pair = invoices(lines, policy)
    for edit in history:
        edit_invoice(pair, edit)
    assert pair.plan() == deepcopy(pair).plan()


TEXTS = st.sampled_from([None, "a", "b"])
people = st.lists(st.tuples(sides, st.sampled_from(["name", "notes", "email", "billing_city", "active"]), TEXTS))


@FAST
@given(people, st.sampled_from(list(Policy)))
def test_customers_agree_after_any_edits_or_say_exactly_what_a_person_must_decide(
    done: list[tuple[Side, str, str | None]], policy: Policy
) -> None:
    pair = new_pair("customer", dict(CUSTOMER_VALUES), policy)
    pair.settle()
    for side, name, value in done:
        pair.touch(side)
        pair.half(side).values[name] = value == "a" if name == "active" else value or ("x" if name == "name" else None)
    asked = {p.code for p in pair.plan().problems}
    pair.settle()
    left, right = pair.content(CONTRACTOR), pair.content(QUICKBOOKS)
    assert {f"conflict_{name}" for name in left if left[name] != right[name]} == asked
    assert not asked or policy is Policy.ASK


amounts = st.dictionaries(st.integers(1, 4), st.integers(1, 3), max_size=4)


@FAST
@given(amounts, amounts, amounts, policies)
def test_allocations_of_a_payment_agree_whatever_both_sides_made_of_them(
    base: dict[int, int], left: dict[int, int], right: dict[int, int], policy: Policy
) -> None:
    values = {"customer": 5, "date": date(2026, 2, 10), "amount": Decimal(100), "allocations": ()}
    pair = new_pair("payment", values, policy)
    pair.contractor.values["allocations"] = allocations(pair.contractor, base)
    pair.settle()
    for side, wanted in ((CONTRACTOR, left), (QUICKBOOKS, right)):
        pair.touch(side)
        pair.half(side).values["allocations"] = allocations(pair.half(side), wanted)
    pair.settle()
    assert pair.content(CONTRACTOR) == pair.content(QUICKBOOKS)
    kept = {x["invoice"]: x["amount"] for x in pair.contractor.values["allocations"]}
    for invoice in base.keys() | left.keys() | right.keys():
        if left.get(invoice) == right.get(invoice):
            assert kept.get(invoice) == left.get(invoice)
        elif left.get(invoice) == base.get(invoice):
            assert kept.get(invoice) == right.get(invoice)
        elif right.get(invoice) == base.get(invoice):
            assert kept.get(invoice) == left.get(invoice)


def allocations(half: Half, amounts: dict[int, int]) -> tuple[dict[str, Any], ...]:
    return tuple(half.new_line({"invoice": n, "amount": Decimal(a)}) for n, a in amounts.items())


@FAST
@given(edits, st.integers(1, 3))
def test_two_invoices_that_meet_for_the_first_time_agree_after_one_sync(history: list[Edit], lines: int) -> None:
    pair = invoices(lines)
    for edit in history:
        edit_invoice(pair, edit)
    pair.stored_base = {}
    pair.settle()
    assert pair.content(CONTRACTOR) == pair.content(QUICKBOOKS)


@FAST
@given(edits, st.integers(1, 4), st.lists(sides, min_size=1, max_size=3), st.sampled_from(POLICIES[1:]))
def test_writes_that_one_side_refuses_for_a_while_change_nothing_about_the_end(
    history: list[Edit], lines: int, refusing: list[Side], policy: Policy
) -> None:
    pair = invoices(lines, policy)
    for edit in history:
        edit_invoice(pair, edit)
    undisturbed = deepcopy(pair)
    undisturbed.settle()
    for side in refusing:
        for operation in pair.plan().operations:
            if operation.target is not side:
                pair.write(operation)
    pair.settle()
    assert pair.content(CONTRACTOR) == pair.content(QUICKBOOKS) == undisturbed.content(QUICKBOOKS)


@pytest.mark.parametrize("refusing", list(Side))
def test_an_emptied_field_stays_empty_while_the_other_side_refuses_it(refusing: Side) -> None:
    pair = new_pair("customer", dict(CUSTOMER_VALUES))
    pair.settle()
    pair.half(refusing.other).values["email"] = None
    pair.half(refusing).values["notes"] = "gate 12"
    for operation in pair.plan().operations:
        if operation.target is not refusing:
            pair.write(operation)
    pair.settle()
    for side in Side:
        values = pair.half(side).values
        assert (values["email"], values["notes"]) == (None, "gate 12")


@pytest.mark.parametrize("refusing", list(Side))
def test_a_deleted_line_stays_deleted_while_the_other_side_refuses_it(refusing: Side) -> None:
    pair = invoices(3)
    pair.half(refusing.other).values["lines"] = pair.half(refusing.other).values["lines"][:2]
    pair.half(refusing).values["memo"] = "gate 12"
    for operation in pair.plan().operations:
        if operation.target is not refusing:
            pair.write(operation)
    pair.settle()
    for side in Side:
        assert (len(pair.half(side).values["lines"]), pair.half(side).values["memo"]) == (2, "gate 12")
