"""Payments: payer, allocations, what credit memos settle, deposits and voids."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities.records import State
from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.codecs import codec
from qb_pipeline_tests.unit.codecs.worlds import FACTS, blank, changed_keys

PAYMENTS = codec("payment", FACTS)


def linked(amount: Any, to: str, kind: str = "Invoice") -> dict[str, Any]:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": to, "TxnType": kind}], "LineEx": {"any": [{"name": "x"}]}}


def raw(*lines: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {"Id": "200", "SyncToken": "1", "CustomerRef": {"value": "7"}, "TxnDate": "2026-03-04", "TotalAmt": 150,
            "UnappliedAmt": 0, "Line": list(lines), **given}  # fmt: skip


def allocated(document: dict[str, Any]) -> dict[str, Decimal]:
    allocations: Any = PAYMENTS.decode(document).values["allocations"]
    assert all(x["id"] == x["invoice"] for x in allocations)
    return {x["invoice"]: x["amount"] for x in allocations}


def pairs(body: dict[str, Any]) -> list[tuple[str, str, Decimal]]:
    return [(x["LinkedTxn"][0]["TxnType"], x["LinkedTxn"][0]["TxnId"], x["Amount"]) for x in body["Line"]]


def test_each_linked_invoice_is_an_allocation_and_the_rest_is_unapplied() -> None:
    document = raw(linked(120, "130"), linked(20, "131"), UnappliedAmt=10)
    assert allocated(document) == {"130": Decimal("120.00"), "131": Decimal("20.00")}
    assert PAYMENTS.decode(document).values["unapplied"] == Decimal("10.00")


def test_two_lines_to_one_invoice_are_one_allocation() -> None:
    assert allocated(raw(linked(120, "130"), linked(30, "130"))) == {"130": Decimal("150.00")}


def test_the_payer_of_a_job_is_its_top_customer_and_is_not_rewritten() -> None:
    document = raw(linked(150, "130"), CustomerRef={"value": "71"})
    values = PAYMENTS.decode(document).values
    assert values["customer"] == "7"
    assert changed_keys(PAYMENTS.encode_update(values, frozenset({"customer"}), document)) == set()
    body = PAYMENTS.encode_update({**values, "customer": "8"}, frozenset({"customer"}), document)
    assert body["CustomerRef"] == {"value": "8"}


def test_a_credit_memo_settles_the_first_invoices_and_leaves_the_money_to_the_others() -> None:
    document = raw(linked(100, "130"), linked(80, "131"), linked(30, "90", "CreditMemo"))
    assert allocated(document) == {"130": Decimal("70.00"), "131": Decimal("80.00")}


def test_an_invoice_settled_by_credit_alone_is_no_allocation() -> None:
    document = raw(linked(30, "130"), linked(150, "131"), linked(30, "90", "CreditMemo"))
    assert allocated(document) == {"131": Decimal("150.00")}


def test_a_payment_of_nothing_that_applies_a_credit_memo_is_left_to_the_credit_memo() -> None:
    document = raw(linked(100, "71"), linked(100, "73", "CreditMemo"), TotalAmt=0)
    decoded = PAYMENTS.decode(document)
    assert decoded.skip == "it applies a credit memo; the credit memo carries it"
    assert decoded.values["allocations"] == ()


def test_what_is_left_of_it_without_the_credit_memo_counts_as_void() -> None:
    assert PAYMENTS.decode(raw(TotalAmt=0)).state is State.VOIDED
    assert PAYMENTS.decode(raw(linked(50, "60", "JournalEntry"), TotalAmt=0)).state is State.LIVE
    assert PAYMENTS.decode(raw(UnappliedAmt=150)).state is State.LIVE


def test_other_links_are_no_allocations_but_are_sent_back() -> None:
    document = raw(linked(100, "130"), linked(50, "60", "JournalEntry"))
    values = PAYMENTS.decode(document).values
    assert allocated(document) == {"130": Decimal("100.00")}
    less = ({"id": "130", "invoice": "130", "amount": Decimal("90.00")},)
    body = PAYMENTS.encode_update({**values, "allocations": less}, frozenset({"allocations"}), document)
    assert pairs(body) == [("Invoice", "130", Decimal("90.00")), ("JournalEntry", "60", Decimal(50))]
    assert "LineEx" not in body["Line"][1]


def test_what_credits_settle_stays_when_the_allocations_change() -> None:
    document = raw(linked(30, "129"), linked(100, "130"), linked(60, "131"), linked(40, "90", "CreditMemo"))
    values = PAYMENTS.decode(document).values
    assert allocated(document) == {"130": Decimal("90.00"), "131": Decimal("60.00")}
    to_one = ({"id": None, "invoice": "130", "amount": Decimal("150.00")},)
    body = PAYMENTS.encode_update({**values, "allocations": to_one}, frozenset({"allocations"}), document)
    assert pairs(body) == [
        ("Invoice", "129", Decimal("30.00")), ("Invoice", "130", Decimal("160.00")),
        ("CreditMemo", "90", Decimal(40)),
    ]  # fmt: skip
    assert allocated({**document, **body}) == {"130": Decimal("150.00")}


def test_a_deposited_payment_is_frozen_and_says_how_to_thaw_it() -> None:
    document = raw(linked(150, "130"), LinkedTxn=[{"TxnId": "121", "TxnType": "Deposit"}])
    assert PAYMENTS.decode(document).frozen == (
        "it is part of a bank deposit; take it out of the deposit before it is changed"
    )
    assert PAYMENTS.decode(raw(linked(150, "130"))).frozen is None


def test_a_payment_in_closed_books_is_frozen() -> None:
    closing = codec("payment", replace(FACTS, book_close_date=date(2026, 3, 31)))
    assert closing.decode(raw()).frozen == "the books are closed through 2026-03-31"


def test_a_voided_payment_is_told_by_its_note_and_its_zero_total() -> None:
    voided = raw(TotalAmt=0, PrivateNote="Voided")
    assert PAYMENTS.decode(voided).state is State.VOIDED
    assert PAYMENTS.decode(voided).skip is None
    assert PAYMENTS.decode(raw(PrivateNote="Voided")).state is State.LIVE


def test_a_new_payment_links_its_invoices() -> None:
    allocations = ({"id": None, "invoice": "130", "amount": Decimal("120.00")},)
    body = PAYMENTS.encode_create(
        blank(
            "payment",
            customer="7",
            date=date(2026, 3, 4),
            amount=Decimal("148.50"),
            method="2",
            reference="CHK 2207",
            allocations=allocations,
        )
    )
    assert body == {
        "CustomerRef": {"value": "7"}, "TxnDate": "2026-03-04", "TotalAmt": Decimal("148.50"),
        "PaymentMethodRef": {"value": "2"}, "PaymentRefNum": "CHK 2207",
        "Line": [{"Amount": Decimal("120.00"), "LinkedTxn": [{"TxnId": "130", "TxnType": "Invoice"}]}],
    }  # fmt: skip


def test_a_changed_reference_touches_neither_lines_nor_payer() -> None:
    values = {**PAYMENTS.decode(raw(linked(150, "130"))).values, "reference": None}
    body = PAYMENTS.encode_update(values, frozenset({"reference"}), raw(linked(150, "130")))
    assert changed_keys(body) == {"PaymentRefNum"}
    assert body["PaymentRefNum"] == ""


def test_a_changed_amount_is_sent_with_all_lines() -> None:
    document = raw(linked(150, "130"))
    values = {**PAYMENTS.decode(document).values, "amount": Decimal("175.00")}
    body = PAYMENTS.encode_update(values, frozenset({"amount"}), document)
    assert changed_keys(body) == {"TotalAmt", "Line"}
    assert pairs(body) == [("Invoice", "130", Decimal("150.00"))]


def test_allocations_beyond_the_amount_are_refused() -> None:
    allocations = ({"id": None, "invoice": "130", "amount": Decimal("120.00")},)
    with pytest.raises(FixTheData) as refused:
        PAYMENTS.encode_create(
            blank("payment", customer="7", date=date(2026, 3, 4), amount=Decimal(100), allocations=allocations)
        )
    assert refused.value.code == "over-allocated"
    assert "120.00" in str(refused.value)


def test_a_payment_without_an_amount_is_refused() -> None:
    with pytest.raises(FixTheData) as refused:
        PAYMENTS.encode_create(blank("payment", customer="7", date=date(2026, 3, 4)))
    assert refused.value.field == "amount"
