"""Lines known by what they point at (allocations, applications): additions survive, removals travel, none is lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities import ENTITIES
from qb_pipeline.entities.records import State
from qb_pipeline.entities.spec import Side
from qb_pipeline.sync.lines import LineMerge, merge_lines
from qb_pipeline.sync.plan import plan
from qb_pipeline.sync.rules import Rules
from qb_pipeline_tests.sync.builders import CONTRACTOR, QUICKBOOKS, invoice_values, linked, node, only

CREDIT_MEMO = ENTITIES["credit_memo"]
APPLICATIONS = CREDIT_MEMO["applications"]


def applied(invoice: int, amount: str = "100.00", native: str | None = None) -> dict[str, Any]:
    return {"id": native, "invoice": invoice, "amount": Decimal(amount)}


def merged(left: Any, right: Any, base: Any, favoured: Side = QUICKBOOKS) -> LineMerge:
    return merge_lines(APPLICATIONS, APPLICATIONS.lines, left, right, base, favoured=favoured)


def settled(lines: Any) -> dict[int, Decimal] | None:
    return None if lines is None else {x["invoice"]: x["amount"] for x in lines}


@pytest.mark.parametrize("favoured", list(Side))
def test_on_first_contact_a_side_without_any_takes_what_the_other_has(favoured: Side) -> None:
    result = merged((applied(4), applied(5)), (), None, favoured)
    assert (settled(result.to_quickbooks), result.to_contractor) == ({4: Decimal(100), 5: Decimal(100)}, None)
    other = merged((), (applied(4, native="130"),), None, favoured)
    assert (other.to_quickbooks, settled(other.to_contractor)) == (None, {4: Decimal(100)})
    assert not result.contested
    assert not other.contested


def test_on_first_contact_two_different_lists_are_settled_by_the_favoured_side() -> None:
    result = merged((applied(4),), (applied(5, native="131"),), None, CONTRACTOR)
    assert (settled(result.to_quickbooks), result.to_contractor, result.contested) == ({4: Decimal(100)}, None, True)


def test_one_taken_back_since_it_was_agreed_is_taken_back_on_the_other_side() -> None:
    result = merged((applied(4),), (), (applied(4),))
    assert (result.to_quickbooks, settled(result.to_contractor)) == (None, {})


def test_one_that_was_answered_as_missing_stays_owed_and_flows_nowhere_else() -> None:
    result = merged((applied(4), applied(5)), (applied(4, native="130"),), (applied(4),))
    assert (settled(result.to_quickbooks), result.to_contractor) == ({4: Decimal(100), 5: Decimal(100)}, None)


@pytest.mark.parametrize(
    ("gone", "state", "verb"),
    [(QUICKBOOKS, State.VOIDED, "void"), (QUICKBOOKS, State.DELETED, "delete"), (CONTRACTOR, State.VOIDED, "delete")],
)
def test_a_credit_memo_is_voided_where_it_can_be_and_deleted_in_quickbooks(gone: Side, state: State, verb: str) -> None:
    values = {**invoice_values(), "applications": ()}
    left = node(values, "c1", state=state if gone is CONTRACTOR else State.LIVE)
    right = node(values, "q1", state=state if gone is QUICKBOOKS else State.LIVE)
    operation = only(plan(CREDIT_MEMO, linked(left, right, values), Rules()))
    assert (operation.target, operation.verb) == (gone.other, verb)
