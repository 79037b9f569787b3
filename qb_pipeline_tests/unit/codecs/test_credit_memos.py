"""Credit memos: what payments apply of them, and applications that only a person can make."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities.records import State
from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.codecs import codec
from qb_pipeline.quickbooks.codecs.credits import credit_portions, received
from qb_pipeline_tests.unit.codecs.recorded import recorded_objects
from qb_pipeline_tests.unit.codecs.test_payments import linked, raw
from qb_pipeline_tests.unit.codecs.worlds import FACTS, blank, changed_keys, line

APPLIED = {"90": (("130", Decimal("60.00")), ("131", Decimal("40.00")))}
NUMBERS = {"130": "1025", "131": "1026", "132": "1027"}
MEMOS = codec("credit_memo", replace(FACTS, credit_applications=APPLIED, invoice_numbers=NUMBERS))


def memo(**given: Any) -> dict[str, Any]:
    sold = {"Id": "1", "Amount": 100, "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {"ItemRef": {"value": "10"}, "TaxCodeRef": {"value": "NON"}}}  # fmt: skip
    return {"Id": "90", "SyncToken": "5", "DocNumber": "1012", "TxnDate": "2026-05-05", "CustomerRef": {"value": "71"},
            "Line": [sold], "TotalAmt": 100, "Balance": 0, "RemainingCredit": 0, **given}  # fmt: skip


def wanting(*applications: tuple[str, str]) -> dict[str, Any]:
    lines = tuple({"id": None, "invoice": i, "amount": Decimal(amount)} for i, amount in applications)
    return {**MEMOS.decode(memo()).values, "applications": lines}


def fix(values: dict[str, Any]) -> str:
    with pytest.raises(FixTheData) as refused:
        MEMOS.encode_update(values, frozenset({"applications", "memo"}), memo())
    assert (refused.value.code, refused.value.who) == ("credit_application", "accountant")
    assert "Credit memo '1012'" in refused.value.cause
    return refused.value.fix


def test_applications_are_read_from_the_facts_and_parties_like_an_invoices() -> None:
    values = MEMOS.decode(memo()).values
    assert values["applications"] == (
        {"id": "130", "invoice": "130", "amount": Decimal("60.00")},
        {"id": "131", "invoice": "131", "amount": Decimal("40.00")},
    )
    assert (values["customer"], values["job"], values["balance"]) == ("7", "71", Decimal("0.00"))
    assert MEMOS.decode(memo(Id="91")).values["applications"] == ()


def test_the_recorded_credit_memo_is_applied_by_the_recorded_payment_of_nothing() -> None:
    payment = next(p for p in recorded_objects("Payment") if p["Id"] == "74" and p.get("TotalAmt") == 0)
    assert credit_portions(payment) == (("73", "71", Decimal("100.00")),)
    applied = {"73": (("71", Decimal("100.00")),)}
    recorded = next(m for m in recorded_objects("CreditMemo") if m["Id"] == "73" and m.get("DocNumber") == "1026")
    values = codec("credit_memo", replace(FACTS, credit_applications=applied)).decode(recorded).values
    assert values["applications"] == ({"id": "71", "invoice": "71", "amount": Decimal("100.00")},)
    assert (values["number"], values["total"], values["balance"]) == ("1026", Decimal("100.00"), Decimal("0.00"))


def test_every_recorded_credit_memo_is_worth_its_lines_and_its_tax() -> None:
    seen = 0
    for recorded in recorded_objects("CreditMemo"):
        values: Any = codec("credit_memo", FACTS).decode(recorded).values
        if "domain" in recorded:
            assert sum(x["amount"] or 0 for x in values["lines"]) + values["tax"] == values["total"], recorded["Id"]
            seen += 1
    assert seen > 0


def test_several_credit_memos_share_the_invoices_in_order_and_no_cent_is_lost() -> None:
    credits_ = (linked(30, "90", "CreditMemo"), linked(90, "91", "CreditMemo"))
    document = raw(linked(100, "130"), linked(80, "131"), *credits_, TotalAmt=60)
    assert credit_portions(document) == (
        ("90", "130", Decimal("30.00")), ("91", "130", Decimal("70.00")), ("91", "131", Decimal("20.00")),
    )  # fmt: skip
    assert received(document) == {"131": Decimal("60.00")}


def test_credit_counts_only_where_the_invoices_take_more_than_the_money() -> None:
    document = raw(linked(100, "130"), linked(30, "90", "CreditMemo"), TotalAmt=100, UnappliedAmt=30)
    assert credit_portions(document) == (("90", "130", Decimal("30.00")),)
    assert credit_portions(raw(linked(100, "130"), linked(30, "90", "CreditMemo"), TotalAmt=100)) == ()


def test_a_new_credit_memo_says_nothing_of_applications() -> None:
    sold = line(item="10", amount=Decimal("100.00"), quantity=Decimal(1), unit_price=Decimal(100))
    wanted = ({"id": None, "invoice": "130", "amount": Decimal("100.00")},)
    values = blank(
        "credit_memo", customer="7", date=date(2026, 5, 5), number="1012", lines=(sold,), applications=wanted
    )
    body = MEMOS.encode_create(values)
    assert set(body) == {"DocNumber", "CustomerRef", "TxnDate", "Line"}


def test_an_application_asked_for_is_refused_with_what_to_do_in_quickbooks() -> None:
    before = (("130", "60.00"), ("131", "40.00"))
    assert fix(wanting(*before, ("132", "25.00"))) == (
        "Apply credit memo 1012 (25.00) to invoice 1027 in QuickBooks; it is linked by itself after the next sync."
    )
    assert fix(wanting(before[0])).startswith("Take credit memo 1012 (40.00) off invoice 1026 in QuickBooks")
    assert fix(wanting(before[0], ("131", "10.00"))).startswith(
        "Change what credit memo 1012 settles of invoice 1026 from 40.00 to 10.00"
    )
    assert "to the invoice with the Id 999" in fix(wanting(*before, ("999", "1.00")))


def test_applications_that_are_so_already_hinder_no_other_change() -> None:
    values = {**wanting(("131", "40.00"), ("130", "60.00")), "memo": "sorry"}
    body = MEMOS.encode_update(values, frozenset({"applications", "memo"}), memo())
    assert changed_keys(body) == {"CustomerMemo"}


def test_a_credit_memo_voided_in_the_browser_or_in_closed_books_is_told() -> None:
    assert MEMOS.decode(memo(TotalAmt=0, PrivateNote="Voided - wrong")).state is State.VOIDED
    closing = codec("credit_memo", replace(FACTS, book_close_date=date(2026, 5, 31)))
    assert closing.decode(memo()).frozen == "the books are closed through 2026-05-31"


def test_a_credit_memo_without_lines_is_refused_by_its_own_name() -> None:
    with pytest.raises(FixTheData, match="Credit memo '1012' has no lines; a QuickBooks credit memo has at least one"):
        MEMOS.encode_create(blank("credit_memo", customer="7", date=date(2026, 5, 5), number="1012"))
