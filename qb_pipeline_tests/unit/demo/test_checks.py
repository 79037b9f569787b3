"""The demo's judgement: it finds what is wrong, and only what the pipeline gave a reason for passes."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.demo.checks import Comparison, Pairs, compare
from qb_pipeline.demo.read_contractor import SHARED
from qb_pipeline.demo.readings import HIDDEN, ZERO, Reading, Ref, Side
from qb_pipeline.demo.reasons import Reason, Reasons


class _Pairs(Pairs):
    """Pairs without a store."""

    def __init__(self, **across: dict[str, str]) -> None:
        self.across = {entity: across.get(entity, {}) for entity in SHARED}
        self.back = {entity: {q: c for c, q in pairs.items()} for entity, pairs in self.across.items()}


class _Reasons(Reasons):
    """Reasons without a store, by entity and native id of either side."""

    def __init__(self, **known: dict[str, Reason]) -> None:
        self._known = known

    def of(self, entity: str, contractor_id: str | None, quickbooks_id: str | None) -> Reason | None:
        of_entity = self._known.get(entity, {})
        return of_entity.get(quickbooks_id or "") or of_entity.get(contractor_id or "")

    def all(self, entity: str, native: str) -> list[Reason]:
        found = self.of(entity, native, None)
        return [found] if found else []


def _line(item: str, **values: Any) -> dict[str, Any]:
    plain = {"description": "Work", "quantity": Decimal(1), "unit price": Decimal(100), "amount": Decimal("100.00")}
    return {"item": Ref("item", item), **plain, "taxable": False, "division": None, **values}


def _invoice(native: str, customer: str, item: str, balance: str = "100.00", **values: Any) -> Reading:
    fields = {
        "number": "1001", "customer": Ref("customer", customer), "date": "2025-09-01", "total": Decimal("100.00"),
        "balance": Decimal(balance), "lines": [_line(item)], **values,
    }  # fmt: skip
    key = (fields["number"], fields["date"], fields["total"], fields["customer"])
    return Reading("invoice", native, "invoice 1001", fields, open=Decimal(balance), key=key)


def _customer(native: str, name: str = "Ridge Farm") -> Reading:
    return Reading("customer", native, f"customer {name}", {"name": name}, key=(name.casefold(),))


def _side(*readings: Reading) -> Side:
    side = Side()
    for reading in readings:
        side.add(reading)
    return side


LINKED = _Pairs(customer={"c": "1"}, item={"i": "7"}, invoice={"a": "9"})
OURS = (_customer("c"), _invoice("a", "c", "i"))
THEIRS = (_customer("1"), _invoice("9", "1", "7"))


def _judged(ours: tuple[Reading, ...], theirs: tuple[Reading, ...], pairs: Pairs = LINKED, **why: Any) -> Comparison:
    return compare(_side(*ours), _side(*theirs), pairs, _Reasons(**why))


def test_the_same_books_on_both_sides_agree() -> None:
    found = _judged(OURS, THEIRS)
    assert found.agrees
    assert found.findings == []
    assert found.receivables.contractor_open == found.receivables.quickbooks_open == Decimal("100.00")


def test_a_field_that_differs_without_a_reason_is_a_disagreement() -> None:
    found = _judged((replace(OURS[0], values={"name": "Ridge Farms"}), OURS[1]), THEIRS)
    assert not found.agrees
    assert [f.detail for f in found.unexplained] == ["name: Ridge Farms at the contractor, Ridge Farm in QuickBooks"]


def test_an_exception_explains_a_difference() -> None:
    why = {"1": Reason("exception", "QuickBooks refuses it.", "Rename it.")}
    found = _judged((replace(OURS[0], values={"name": "Ridge Farms"}), OURS[1]), THEIRS, customer=why)
    assert found.agrees
    assert [f.explained for f in found.findings] == [True]


def test_a_line_with_another_price_is_found() -> None:
    changed = _invoice("9", "1", "7", lines=[_line("7", **{"unit price": Decimal(99)})])
    found = _judged(OURS, (THEIRS[0], changed))
    assert [f.detail for f in found.unexplained] == ["lines: 1 only at the contractor, 1 only in QuickBooks"]


def test_lines_in_another_order_are_the_same() -> None:
    two = [_line("i"), _line("i", description="More")]
    there = [_line("7", description="More"), _line("7")]
    assert _judged(
        (OURS[0], _invoice("a", "c", "i", lines=two)), (THEIRS[0], _invoice("9", "1", "7", lines=there))
    ).agrees


def test_a_reference_to_an_unlinked_record_is_no_agreement() -> None:
    found = _judged(OURS, THEIRS, _Pairs(customer={"c": "1"}, invoice={"a": "9"}))
    assert not found.agrees


def test_a_hidden_charge_stands_for_a_line_of_the_same_amount_only() -> None:
    hidden = {**_line("7"), "item": None, "description": HIDDEN, "quantity": ZERO, "unit price": ZERO}
    shown = {**hidden, "description": "Charges from a QuickBooks statement"}
    theirs = (THEIRS[0], _invoice("9", "1", "7", lines=[hidden]))
    assert _judged((OURS[0], _invoice("a", "c", "i", lines=[shown])), theirs).agrees
    other = {**shown, "amount": Decimal("90.00")}
    assert not _judged((OURS[0], _invoice("a", "c", "i", lines=[other])), theirs).agrees


@pytest.mark.parametrize("side", ["contractor", "quickbooks"])
def test_a_second_copy_on_one_side_is_found_even_with_a_reason(side: str) -> None:
    why = {"x": Reason("parked", "waits")}
    ours, theirs = list(OURS), list(THEIRS)
    copy = _invoice("x", "c" if side == "contractor" else "1", "i" if side == "contractor" else "7", "0.00")
    (ours if side == "contractor" else theirs).append(copy)
    found = _judged(tuple(ours), tuple(theirs), invoice=why)
    assert [f.what for f in found.twice] == ["twice"]
    assert not found.agrees


def test_two_records_alike_on_both_sides_are_no_copies() -> None:
    pairs = _Pairs(customer={"c": "1"}, item={"i": "7"}, invoice={"a": "9", "b": "10"})
    found = _judged((*OURS, _invoice("b", "c", "i")), (*THEIRS, _invoice("10", "1", "7")), pairs)
    assert found.agrees


def test_an_invoice_on_one_side_alone_counts_in_the_receivables_with_its_reason() -> None:
    lone = replace(_invoice("b", "c", "i", number="1002"), label="invoice 1002")
    silent = _judged((*OURS, lone), THEIRS)
    assert not silent.agrees
    told = _judged((*OURS, lone), THEIRS, invoice={"b": Reason("exception", "Its item is inactive.", "Activate it.")})
    assert told.agrees
    assert [(i.label, i.amount) for i in told.receivables.items] == [("invoice 1002", Decimal("100.00"))]


def test_a_balance_off_by_a_cent_is_a_disagreement() -> None:
    assert not _judged(OURS, (THEIRS[0], _invoice("9", "1", "7", "99.99"))).agrees


def test_a_balance_is_explained_by_the_payment_that_was_left_out() -> None:
    applied = {"applied to": {Ref("invoice", "9"): Decimal("40.00")}, "customer": Ref("customer", "1")}
    values = {**applied, "date": "2025-09-02", "amount": ZERO, "reference": ""}
    credit = Reading("payment", "p", "payment 2025-09-02", values, key=(values["date"],))
    why = {"p": Reason("skipped", "it applies a credit memo")}
    found = _judged(OURS, (THEIRS[0], _invoice("9", "1", "7", "60.00"), credit), payment=why)
    assert found.agrees
    (item,) = found.receivables.items
    assert item.amount == Decimal("40.00")
    assert item.reason is not None
    assert "it applies a credit memo" in item.reason.cause


def test_an_invoice_void_on_one_side_only_differs() -> None:
    void = replace(_invoice("9", "1", "7", "0.00"), state="void")
    found = _judged(OURS, (THEIRS[0], void))
    assert "live at the contractor, void in QuickBooks" in [f.detail for f in found.unexplained]
