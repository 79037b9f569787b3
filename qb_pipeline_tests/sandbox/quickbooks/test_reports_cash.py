"""The cash basis: shares of documents, to the cent."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qb_pipeline.sandbox.quickbooks.reports.cash import CENT, share
from qb_pipeline_tests.sandbox.quickbooks.books import Books, line
from qb_pipeline_tests.sandbox.quickbooks.reading_reports import (
    MATERIALS,
    RENT,
    SALES_TAX,
    bill,
    expense,
    pay_bill,
    run,
    vendor,
)

CENTS = st.integers(min_value=1, max_value=10**9).map(lambda cents: cents * CENT)
YEAR = {"start_date": "2026-01-01", "end_date": "2026-12-31", "accounting_method": "Cash"}


def pieces(lines: list[int], total: int, before: int, after: int) -> list[int]:
    """What one settlement makes of each line, as the statement of cash.py computes it."""
    ends = [sum(lines[: number + 1]) for number in range(len(lines))]
    return [
        (share(end, after, total) - share(end - one, after, total))
        - (share(end, before, total) - share(end - one, before, total))
        for end, one in zip(ends, lines, strict=True)
    ]


@given(lines=st.lists(CENTS, min_size=1, max_size=6), cuts=st.lists(st.floats(0, 1), max_size=4), credit=st.booleans())
def test_the_shares_of_every_payment_add_up_to_it_and_those_of_all_to_the_lines(
    lines: list[int], cuts: list[float], credit: bool
) -> None:
    sign = 1 if credit else -1
    lines = [sign * one for one in lines]
    total = -sum(lines)
    steps = [0, *sorted(int(cut * abs(total)) // CENT * CENT for cut in cuts), abs(total)]
    settled = [-one if total > 0 else one for one in steps]
    made = [pieces(lines, total, before, after) for before, after in pairwise(settled)]
    for row, (before, after) in zip(made, pairwise(settled), strict=True):
        assert sum(row) == after - before
        assert all(one % CENT == 0 for one in row)
    assert [sum(column) for column in zip(*made, strict=True)] == lines


def test_an_invoice_paid_in_three_odd_parts_counts_whole_at_last(books: Books) -> None:
    labor, stone = books.item(), books.item("Stone", IncomeAccountRef={"value": "2"})
    customer = books.customer()
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(labor, 33.34), line(stone, 66.67)]}
    invoice = books.make("Invoice", {**body, "TxnDate": "2026-01-10"})
    seen = []
    for month, part in enumerate(("33.33", "33.33", "33.35"), 2):
        books.payment(customer, Decimal(part), (invoice, Decimal(part)), TxnDate=f"2026-0{month}-10")
        report = run(books, "ProfitAndLoss", **YEAR)
        seen.append((report.figure("Services"), report.figure("Sales"), report.figure("Net Income")))
    assert seen == [
        (Decimal("11.11"), Decimal("22.22"), Decimal("33.33")),
        (Decimal("22.22"), Decimal("44.44"), Decimal("66.66")),
        (Decimal("33.34"), Decimal("66.67"), Decimal("100.01")),
    ]


def test_sales_tax_is_owed_from_the_invoices_date_and_open_until_paid(books: Books) -> None:
    tax = {"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}, "TotalTax": 8}}
    customer = books.customer()
    body = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(books.item(), 100, "TAX")], **tax}
    invoice = books.make("Invoice", {**body, "TxnDate": "2026-01-10"})
    books.payment(customer, 54, (invoice, 54), TxnDate="2026-02-10")
    sheet = run(books, "BalanceSheet", **YEAR)
    assert sheet.group("NetIncome") == [Decimal(50)]
    assert sheet.group("AR") == [Decimal(4)]
    assert run(books, "TrialBalance", **YEAR).by_id()[SALES_TAX] == [Decimal(0), Decimal(8)]


def test_a_credit_memo_used_on_an_invoice_takes_back_what_the_invoice_counts(books: Books) -> None:
    item, customer = books.item(), books.customer()
    invoice = books.invoice(customer, item, 100, TxnDate="2026-01-10")
    fields = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(item, 30)], "TxnDate": "2026-01-11"}
    memo = books.make("CreditMemo", fields)
    books.payment(customer, 70, (invoice, 100), (memo, 30), TxnDate="2026-02-10")
    assert run(books, "ProfitAndLoss", **YEAR).group("NetIncome") == [Decimal(70)]
    january = {**YEAR, "end_date": "2026-01-31"}
    assert run(books, "ProfitAndLoss", **january).options["NoReportData"] == "true"


def test_a_bill_with_several_costs_counts_each_in_proportion(books: Books) -> None:
    mill = vendor(books)
    lines = [expense(MATERIALS, 75), expense(RENT, 25)]
    owed = bill(books, mill, MATERIALS, 0, Line=lines, TxnDate="2026-01-10")
    pay_bill(books, mill, owed, 40, TxnDate="2026-02-10")
    report = run(books, "ProfitAndLoss", **YEAR)
    assert [report.figure(name) for name in ("Job Materials", "Rent or Lease")] == [Decimal(30), Decimal(10)]
