"""Reports of the recorded company, and their shape held against recorded ones."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import simplejson

from qb_pipeline_tests.sandbox.quickbooks.agreeing_reports import check_day, group, total
from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, money, open_books, running
from qb_pipeline_tests.sandbox.quickbooks.reading_reports import Report, all_rows, run
from qb_pipeline_tests.sandbox.quickbooks.test_recorded_company import CRAIGS, recorded

pytestmark = pytest.mark.skipif(CRAIGS is None, reason="no recorded company; name its folder with QB_RECORDED")
ALL = {"date_macro": "all"}
OLD = {"start_date": "1999-01-01", "end_date": "1999-12-31"}
# Keys of header parts that a report has only when asked for them.
OPTIONAL = {"DateMacro", "Customer", "Vendor", "StartPeriod", "EndPeriod"}


@pytest.fixture(scope="module")
def craigs() -> Iterator[Books]:
    with running(data=CRAIGS, empty=False) as info:
        yield open_books(info)


def recorded_report(name: str) -> Body:
    assert CRAIGS is not None
    text = (Path(CRAIGS).parent / "responses" / f"report_{name}.json").read_text(encoding="utf-8")
    found: Body = simplejson.loads(text, use_decimal=True)
    return found


def test_the_ages_are_the_sums_of_open_recorded_documents(craigs: Books) -> None:
    owed = Decimal(0) + sum(money(one["Balance"]) for one in recorded("Invoice"))
    owed -= sum(money(one.get("Balance", 0)) for one in recorded("CreditMemo"))
    owed -= sum(money(one.get("UnappliedAmt", 0)) for one in recorded("Payment"))
    assert total(run(craigs, "AgedReceivables")) == owed == Decimal("4681.52")
    by_vendor = sum(money(one["Balance"]) for one in recorded("Vendor"))
    assert total(run(craigs, "AgedPayables")) == by_vendor == Decimal("2202.67")


@pytest.mark.parametrize("day", ["2025-12-31", "2026-02-28", "2026-04-06", "2026-05-31"])
def test_the_reports_of_the_recorded_company_agree(craigs: Books, day: str) -> None:
    check_day(craigs, day)


def test_profit_and_loss_has_the_figures_intuits_own_report_shows(craigs: Books) -> None:
    """The recorded report is of a sibling of this company: the same seed documents, other ones of its own."""
    theirs = Report(recorded_report("ProfitAndLoss_betterbiz_2024"))
    ours = run(craigs, "ProfitAndLoss", **ALL)
    seeded = ("Design income", "Discounts given", "Total Job Materials", "Total Labor", "Pest Control Services",
              "Sales of Product Income", "Advertising", "Total Automobile", "Total Job Expenses", "Total Utilities",
              "Total Maintenance and Repair", "Miscellaneous", "Net Other Income")  # fmt: skip
    assert {name: ours.figure(name) for name in seeded} == {name: theirs.figure(name) for name in seeded}


def test_the_balance_sheet_has_the_sections_of_a_recorded_one(craigs: Books) -> None:
    theirs, ours = Report(recorded_report("BalanceSheet_betterbiz_2024")), run(craigs, "BalanceSheet")
    names = [(row.get("group"), tuple(row)) for row in all_rows(theirs.rows) if "group" in row]
    assert [(row.get("group"), tuple(row)) for row in all_rows(ours.rows) if "group" in row] == names
    assert group(ours, "AR") == Decimal("4681.52")


# (recorded file, report, parameters): shapes recorded from QBO itself.
RECORDED = [
    ("BalanceSheet_betterbiz_2024", "BalanceSheet", {"start_date": "2025-05-30", "end_date": "2026-05-29"}),
    ("ProfitAndLoss_betterbiz_2024", "ProfitAndLoss", {"start_date": "2025-05-30", "end_date": "2026-05-29"}),
    ("ProfitAndLoss_byDays_tapquickbooks", "ProfitAndLoss",
     {"start_date": "2021-07-20", "end_date": "2021-07-21", "summarize_column_by": "Days"}),
    ("ProfitAndLoss_qboapi_0", "ProfitAndLoss",
     {"start_date": "2015-01-01", "end_date": "2015-07-31", "summarize_column_by": "Customers", "customer": "1"}),
    ("GeneralLedger_qboapi_0", "GeneralLedger", {"start_date": "2026-03-01", "end_date": "2026-03-29"}),
]  # fmt: skip
# Samples of the documentation: keys come in another order there, and rows are left out.
SAMPLES = [
    ("AgedReceivables_docs", "AgedReceivables", {}),
    ("AgedReceivableDetail_docs", "AgedReceivableDetail", {"columns": "cust_name,due_date"}),
    ("CustomerBalance_docs_petrus_118", "CustomerBalance", {}),
    ("CustomerBalanceDetail_docs_petrus_119", "CustomerBalanceDetail",
     {"columns": "tx_date,txn_type,doc_num,due_date,subt_nat_amount,rbal_nat_amount"}),
    ("VendorBalanceDetail_docs_petrus_140", "VendorBalanceDetail",
     {"columns": "tx_date,subt_neg_amount,subt_neg_open_bal"}),
    ("TrialBalance_docs_petrus_139", "TrialBalance", {}),
    ("CustomerIncome_docs_petrus_120", "CustomerIncome", {}),
    ("CustomerSales_docs_petrus_127", "CustomerSales", {}),
    ("ClassSales_docs_petrus_126", "ClassSales", {}),
    ("DepartmentSales_docs_petrus_128", "DepartmentSales", ALL),
    ("ItemSales_docs_petrus_129", "ItemSales", {"start_date": "2015-08-01", "end_date": "2015-09-30"}),
    ("InventoryValuationSummary_docs_petrus_122", "InventoryValuationSummary", {}),
    ("TransactionListByCustomer_docs_petrus_135", "TransactionListByCustomer", OLD),
    ("TransactionListByVendor_docs_petrus_136", "TransactionListByVendor", OLD),
    ("TransactionListWithSplits_docs_petrus_137", "TransactionListWithSplits", {**ALL, "minorversion": "75"}),
    ("TransactionListWithSplits_docs_petrus_138", "TransactionListWithSplits", ALL),
    ("TransactionList_docs_petrus_134", "TransactionList",
     {**ALL, "columns": "tx_date,txn_type,doc_num,is_no_post,name,dept_name,memo,account_name,other_account,"
                        "subt_nat_home_amount", "group_by": "Customer"}),
]  # fmt: skip


def normal(node: Any) -> Any:
    """With the keys of objects in one order."""
    return simplejson.dumps(node, sort_keys=True, use_decimal=True)


@pytest.mark.parametrize(("file", "name", "params"), RECORDED, ids=[one[0] for one in RECORDED])
def test_header_columns_and_rows_have_the_recorded_keys_in_their_order(
    craigs: Books, file: str, name: str, params: dict[str, str]
) -> None:
    theirs, ours = recorded_report(file), run(craigs, name, **params).body
    assert list(ours) == list(theirs)
    assert [key for key in ours["Header"] if key not in OPTIONAL] == [
        key for key in theirs["Header"] if key not in OPTIONAL
    ]
    assert [one["Name"] for one in ours["Header"]["Option"]] == [one["Name"] for one in theirs["Header"]["Option"]]
    assert ours["Columns"] == theirs["Columns"]
    # An account with lines of its own above sub-accounts, which the recorded ledger does not happen to have.
    assert forms(ours) <= forms(theirs) | {("Rows", "Summary", "type", 8)}


def forms(report: Body) -> set[tuple[object, ...]]:
    """Each row's keys, in order, and how many cells its parts have."""
    found: set[tuple[object, ...]] = set()
    for row in all_rows(report["Rows"].get("Row", [])):
        parts = [row[key]["ColData"] for key in ("Header", "Summary") if key in row]
        parts += [row["ColData"]] if "ColData" in row else []
        found.add((*row, *sorted({len(one) for one in parts})))
    return found


@pytest.mark.parametrize(("file", "name", "params"), SAMPLES, ids=[one[0] for one in SAMPLES])
def test_columns_and_headers_are_those_of_the_documented_samples(
    craigs: Books, file: str, name: str, params: dict[str, str]
) -> None:
    theirs, ours = recorded_report(file), run(craigs, name, **params).body
    assert set(ours["Header"]) - OPTIONAL == set(theirs["Header"]) - OPTIONAL
    assert {one["Name"] for one in ours["Header"]["Option"]} == {one["Name"] for one in theirs["Header"]["Option"]}
    expected = theirs["Columns"]["Column"]
    for one in expected:
        # That company calls its customers clients.
        one["ColTitle"] = one["ColTitle"].replace("Client", "Customer")
    assert normal(ours["Columns"]["Column"]) == normal(expected)
    keys = {frozenset(row) for row in all_rows(theirs["Rows"].get("Row", []))}
    assert {frozenset(row) for row in all_rows(ours["Rows"].get("Row", []))} <= keys | ALSO


# A customer's jobs stand in a section of their own, which the samples happen not to have.
ALSO = {
    frozenset({"Header", "Rows", "Summary", "type"}),
    frozenset({"ColData", "type"}),
    frozenset({"Summary", "type", "group"}),
}


def test_the_ledger_of_a_sub_account_without_a_minor_version_is_recorded_under_its_parent(craigs: Books) -> None:
    params = {"start_date": "2026-05-01", "end_date": "2026-05-29"}
    (theirs,) = (row for row in recorded_report("GeneralLedger_qboapi_0")["Rows"]["Row"] if truck(row))
    (ours,) = (row for row in run(craigs, "GeneralLedger", **params).rows if truck(row))
    assert ours == theirs
    (modern,) = (row for row in run(craigs, "GeneralLedger", **params, minorversion="75").rows if truck(row))
    assert "id" not in modern["Header"]["ColData"][0]
    assert modern["Rows"]["Row"][0]["Header"]["ColData"][0]["id"] == "38"


def truck(row: Body) -> bool:
    return bool(row["Header"]["ColData"][0]["value"] == "Truck")


def test_an_empty_range_gives_the_recorded_empty_reports(craigs: Books) -> None:
    theirs = recorded_report("ProfitAndLoss_qboapi_0")
    params = {"start_date": "2015-01-01", "end_date": "2015-07-31", "summarize_column_by": "Customers", "customer": "1"}
    ours = run(craigs, "ProfitAndLoss", **params).body
    assert ours["Rows"] == theirs["Rows"]
    assert {**ours["Header"], "Time": None} == {**theirs["Header"], "Time": None}
