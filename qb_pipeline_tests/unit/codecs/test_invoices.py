"""Invoices: parties, header, tax and states. Their lines have tests of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qb_pipeline.entities.records import State
from qb_pipeline.errors import FixTheData
from qb_pipeline.quickbooks.codecs import codec
from qb_pipeline_tests.unit.codecs.worlds import FACTS, changed_keys, invoice, line

INVOICES = codec("invoice", FACTS)
UNDER_AST = codec("invoice", replace(FACTS, automated_sales_tax=True))
HAY = line(item="19", quantity=Decimal(10), unit_price=Decimal(15), amount=Decimal("150.00"), taxable=True)
RAW: dict[str, Any] = {
    "Id": "130", "SyncToken": "2", "DocNumber": "R-1042", "TxnDate": "2026-03-01", "DueDate": "2026-03-31",
    "CustomerRef": {"value": "7"}, "CustomerMemo": {"value": "Thank you"}, "PrivateNote": "sync:ord-991",
    "TotalAmt": 162, "Balance": 62, "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}, "TotalTax": Decimal("12.0")},
    "Line": [
        {"Id": "1", "LineNum": 1, "Amount": 150, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {
            "ItemRef": {"value": "19"}, "Qty": 10, "UnitPrice": 15, "TaxCodeRef": {"value": "TAX"}}},
        {"Amount": 150, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}},
    ],
}  # fmt: skip


def test_the_header_of_an_invoice_is_read() -> None:
    values = INVOICES.decode(RAW).values
    assert (values["number"], values["customer"], values["job"]) == ("R-1042", "7", None)
    assert (values["date"], values["due_date"]) == (date(2026, 3, 1), date(2026, 3, 31))
    assert (values["total"], values["balance"]) == (Decimal("162.00"), Decimal("62.00"))
    assert (values["tax_code"], values["tax"], values["memo"]) == ("2", Decimal("12.00"), "Thank you")


def test_an_invoice_without_tax_has_a_tax_of_zero() -> None:
    assert INVOICES.decode({**RAW, "TxnTaxDetail": None}).values["tax"] == Decimal("0.00")


@pytest.mark.parametrize("party", ["71", "711"])
def test_an_invoice_to_a_sub_customer_belongs_to_the_job_and_its_top_customer(party: str) -> None:
    values = INVOICES.decode({**RAW, "CustomerRef": {"value": party}}).values
    assert (values["customer"], values["job"]) == ("7", party)


def test_a_project_beside_the_customer_is_the_job() -> None:
    values = INVOICES.decode({**RAW, "ProjectRef": {"value": "71"}}).values
    assert (values["customer"], values["job"]) == ("7", "71")


def test_an_invoice_for_a_job_is_written_to_its_sub_customer() -> None:
    assert INVOICES.encode_create(invoice(HAY, job="71"))["CustomerRef"] == {"value": "71"}
    assert INVOICES.encode_create(invoice(HAY))["CustomerRef"] == {"value": "7"}


def test_a_voided_invoice_is_told_by_its_note_and_its_zero_total() -> None:
    voided = {**RAW, "TotalAmt": 0, "Balance": 0, "PrivateNote": "Voided"}
    assert INVOICES.decode(voided).state is State.VOIDED
    assert INVOICES.decode({**voided, "PrivateNote": "Not Voided"}).state is State.LIVE
    assert INVOICES.decode({**voided, "TotalAmt": 5}).state is State.LIVE


def test_an_invoice_in_closed_books_is_frozen() -> None:
    closing = codec("invoice", replace(FACTS, book_close_date=date(2026, 3, 1)))
    assert closing.decode(RAW).frozen == "the books are closed through 2026-03-01"
    assert closing.decode({**RAW, "TxnDate": "2026-03-02"}).frozen is None
    assert INVOICES.decode(RAW).frozen is None


def test_an_invoice_in_a_foreign_currency_is_left_out_with_the_reason() -> None:
    assert INVOICES.decode({**RAW, "CurrencyRef": {"value": "USD"}}).skip is None
    assert "EUR" in str(INVOICES.decode({**RAW, "CurrencyRef": {"value": "EUR"}}).skip)


def test_the_template_of_a_recurring_invoice_is_left_out() -> None:
    assert INVOICES.decode({**RAW, "RecurringInfo": {"Active": True}}).skip is not None


def test_statement_charges_that_show_only_in_the_subtotal_become_one_line_of_a_frozen_invoice() -> None:
    decoded = INVOICES.decode({**RAW, "Line": RAW["Line"][1:]})
    lines: Any = decoded.values["lines"]
    assert [x["amount"] for x in lines] == [Decimal("150.00")]
    assert decoded.frozen is not None


def test_the_private_note_is_never_written() -> None:
    values = INVOICES.decode(RAW).values
    assert "PrivateNote" not in INVOICES.encode_create(values)
    assert "PrivateNote" not in INVOICES.encode_update(values, frozenset(values), RAW)


def test_a_changed_memo_sends_the_memo_alone() -> None:
    values = {**INVOICES.decode(RAW).values, "memo": None}
    body = INVOICES.encode_update(values, frozenset({"memo"}), RAW)
    assert changed_keys(body) == {"CustomerMemo"}
    assert body["CustomerMemo"] == {"value": ""}


def test_an_update_of_the_header_sends_neither_lines_nor_customer() -> None:
    values = {**INVOICES.decode(RAW).values, "number": "R-7", "due_date": date(2026, 4, 30), "terms": "3"}
    body = INVOICES.encode_update(values, frozenset({"number", "due_date", "terms"}), RAW)
    assert changed_keys(body) == {"DocNumber", "DueDate", "SalesTermRef"}
    assert body["DueDate"] == "2026-04-30"


def test_a_due_date_that_was_taken_away_is_refused() -> None:
    values = {**INVOICES.decode(RAW).values, "due_date": None}
    with pytest.raises(FixTheData) as refused:
        INVOICES.encode_update(values, frozenset({"due_date"}), RAW)
    assert refused.value.field == "due_date"


def test_a_new_invoice_carries_its_tax_code_and_the_tax_that_was_given() -> None:
    body = INVOICES.encode_create(invoice(HAY, tax_code="2", tax=Decimal("12.00")))
    assert body["TxnTaxDetail"] == {"TxnTaxCodeRef": {"value": "2"}, "TotalTax": Decimal("12.00")}


def test_tax_without_a_code_is_refused_unless_quickbooks_finds_the_code_itself() -> None:
    taxed = invoice(HAY, tax=Decimal("12.00"))
    with pytest.raises(FixTheData) as refused:
        INVOICES.encode_create(taxed)
    assert refused.value.field == "tax_code"
    assert UNDER_AST.encode_create(taxed)["TxnTaxDetail"] == {"TotalTax": Decimal("12.00")}


def test_no_tax_is_said_aloud_only_where_quickbooks_would_add_some() -> None:
    untaxed = invoice(HAY, tax=Decimal("0.00"))
    assert "TxnTaxDetail" not in INVOICES.encode_create(untaxed)
    assert UNDER_AST.encode_create(untaxed)["TxnTaxDetail"] == {"TotalTax": Decimal("0.00")}


def test_changed_lines_leave_the_tax_to_quickbooks_and_a_changed_tax_is_sent() -> None:
    values = INVOICES.decode(RAW).values
    recomputed = INVOICES.encode_update({**values, "lines": (HAY, HAY)}, frozenset({"lines"}), RAW)
    assert recomputed["TxnTaxDetail"] == {"TxnTaxCodeRef": {"value": "2"}}
    explicit = INVOICES.encode_update({**values, "tax": Decimal("11.99")}, frozenset({"tax"}), RAW)
    assert explicit["TxnTaxDetail"] == {"TxnTaxCodeRef": {"value": "2"}, "TotalTax": Decimal("11.99")}
    assert len(explicit["Line"]) == 1


def test_words_changed_in_a_line_leave_the_tax_as_it_is() -> None:
    values = INVOICES.decode(RAW).values
    renamed = {**HAY, "id": "1", "description": "Hay, baled"}
    body = INVOICES.encode_update({**values, "lines": (renamed,)}, frozenset({"lines"}), RAW)
    assert body["TxnTaxDetail"] == {"TxnTaxCodeRef": {"value": "2"}, "TotalTax": Decimal("12.00")}
    other_code = INVOICES.encode_update({**values, "tax_code": "3"}, frozenset({"tax_code"}), RAW)
    assert other_code["TxnTaxDetail"] == {"TxnTaxCodeRef": {"value": "3"}}


def test_a_tax_code_taken_away_leaves_no_tax() -> None:
    values = {**INVOICES.decode(RAW).values, "tax_code": None}
    body = INVOICES.encode_update(values, frozenset({"tax_code"}), RAW)
    assert body["TxnTaxDetail"] == {"TotalTax": Decimal("0.00")}


def test_an_amount_that_is_no_number_is_refused_by_naming_the_field() -> None:
    with pytest.raises(FixTheData) as refused:
        INVOICES.decode({**RAW, "TotalAmt": "a lot"})
    assert refused.value.field == "TotalAmt"
    assert "R-1042" in str(refused.value)


def test_an_invoice_without_lines_is_refused() -> None:
    with pytest.raises(FixTheData) as refused:
        INVOICES.encode_create(invoice())
    assert refused.value.code == "no-lines"


@pytest.mark.parametrize("kind", ["text", "discount"])
def test_an_invoice_without_a_priced_line_is_refused_before_it_is_sent(kind: str) -> None:
    only = line(kind=kind, description="See the plan", amount=Decimal("-5.00") if kind == "discount" else None)
    with pytest.raises(FixTheData) as refused:
        INVOICES.encode_create(invoice(only))
    assert (refused.value.code, refused.value.field, refused.value.who) == ("no-priced-line", "lines", "office")
    assert "no priced line" in refused.value.cause
    assert "Add a line with an item" in refused.value.fix
    with pytest.raises(FixTheData, match="no priced line"):
        INVOICES.encode_update({**INVOICES.decode(RAW).values, "lines": (only,)}, frozenset({"lines"}), RAW)


def test_a_number_longer_than_quickbooks_holds_is_refused() -> None:
    with pytest.raises(FixTheData) as refused:
        INVOICES.encode_create(invoice(HAY, number="R" * 22))
    assert refused.value.field == "number"
