"""A published client library and other readers get reports, and no request breaks them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quickbooks import QuickBooks
from quickbooks.exceptions import QuickbooksException

from qb_pipeline.sandbox.quickbooks.reports.dates import span
from qb_pipeline.sandbox.quickbooks.reports.registry import REPORTS
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books
from qb_pipeline_tests.sandbox.quickbooks.reading_reports import Report


class SignedSession(requests.Session):
    """What the library makes of an OAuth client."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.access_token = token


@pytest.fixture
def qb(books: Books, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The library, pointed at the sandbox."""
    monkeypatch.setattr(QuickBooks, "sandbox_api_url_v3", f"{books.base}/v3")
    monkeypatch.setattr(QuickBooks, "api_url_v3", f"{books.base}/v3")
    client = QuickBooks(company_id=books.realm, minorversion=75)
    token = str(books.session.headers["Authorization"]).removeprefix("Bearer ")
    client.session = SignedSession(token)
    return client


def test_python_quickbooks_gets_every_report(qb: Any, books: Books) -> None:
    books.invoice(books.customer(), books.item(), 100)
    for name in REPORTS:
        report = qb.get_report(name, {"date_macro": "This Fiscal Year", "summarize_column_by": "Month"})
        assert set(report) == {"Header", "Columns", "Rows"}
        assert report["Header"]["Currency"] == "USD"
    aged = Report(qb.get_report("AgedReceivables"))
    assert aged.group("GrandTotal")[-1] == 100


def test_python_quickbooks_raises_the_fault_of_a_report_that_does_not_exist(qb: Any) -> None:
    with pytest.raises(QuickbooksException) as caught:
        qb.get_report("ARAgingDetail", {"start_date": "2020-08-01"})
    assert caught.value.error_code == 5020


def test_a_report_needs_a_token(server: Body, books: Books) -> None:
    answer = requests.get(f"{books.url}/reports/TrialBalance", timeout=20)
    assert answer.status_code == 401


NAMES = st.sampled_from(sorted(REPORTS))
KEYS = st.sampled_from(
    [
        "date_macro", "start_date", "end_date", "report_date", "accounting_method", "aging_method", "aging_period",
        "num_periods", "past_due", "summarize_column_by", "customer", "vendor", "account", "class", "department",
        "item", "arpaid", "appaid", "cleared", "columns", "sort_by", "sort_order", "minorversion", "qzurl", "group_by",
        "transaction_type", "start_duedate",
    ]
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "All", "Today", "Last Week", "2026-02-28", "2025-01-01", "2030-12-31", "Cash", "Current", "1", "30", "-5",
        "Customers", "Week", "Month", "Days", "Classes", "ProductsAndServices", "tx_date,memo", "subt_nat_amount",
        "descend", "Unpaid", "Reconciled", "true", "1,2,31", "Vendor", "", "--5", "\u00b2", "x" * 300, "'; DROP TABLE",
    ]
)  # fmt: skip


@pytest.mark.timeout(120)
@settings(
    max_examples=150, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(name=NAMES, params=st.dictionaries(KEYS, WORDS | st.text(max_size=12), max_size=4))
def test_any_parameters_are_answered_or_refused_but_break_nothing(
    books: Books, name: str, params: dict[str, str]
) -> None:
    if not books.query("select * from Invoice"):
        books.invoice(books.customer(), books.item(), 100, TxnDate="2026-02-10")
    status, body = books.get(f"reports/{name}", **params)
    assert status in (200, 400), body
    assert ("Fault" in body) == (status == 400)


@pytest.mark.parametrize(
    ("macro", "first", "last"),
    [
        ("This Week", "2026-05-10", "2026-05-16"),
        ("Last Week-to-date", "2026-05-03", "2026-05-06"),
        ("Next 4 Weeks", "2026-05-17", "2026-06-13"),
        ("Last Month", "2026-04-01", "2026-04-30"),
        ("Last Month-to-date", "2026-04-01", "2026-04-13"),
        ("This Fiscal Quarter", "2026-04-01", "2026-06-30"),
        ("Last Fiscal Quarter-to-date", "2026-01-01", "2026-02-13"),
        ("This Fiscal Year-to-date", "2025-07-01", "2026-05-13"),
        ("Last Fiscal Year", "2024-07-01", "2025-06-30"),
        ("This Calendar Year", "2026-01-01", "2026-12-31"),
        ("Next Fiscal Year", "2026-07-01", "2027-06-30"),
    ],
)
def test_a_named_range_follows_the_companys_day_and_fiscal_year(macro: str, first: str, last: str) -> None:
    wednesday = date(2026, 5, 13)
    assert span(macro, wednesday, 7) == (date.fromisoformat(first), date.fromisoformat(last))
    assert span(f"{macro}ly", wednesday, 7) is None
