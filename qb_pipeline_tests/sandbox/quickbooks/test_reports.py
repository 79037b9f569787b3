"""Statements and balances of a small company, figure by figure."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qb_pipeline_tests.sandbox.quickbooks.books import Body, Books, open_books
from qb_pipeline_tests.sandbox.quickbooks.conftest import REALMS
from qb_pipeline_tests.sandbox.quickbooks.reading_reports import (
    CHECKING,
    MATERIALS,
    PAYABLE,
    RECEIVABLE,
    RENT,
    RETAINED,
    bill,
    data_rows,
    expense,
    pay_bill,
    refused,
    run,
    vendor,
)

SPRING = {"start_date": "2026-01-01", "end_date": "2026-03-31"}


@pytest.fixture(scope="module")
def farm(server: Body) -> Books:
    """Two invoices, two payments, a bill paid in part and a check, from March 2025 to March 2026."""
    books = open_books(server, str(next(REALMS)))
    item = books.item()
    ridge = books.customer("Ridge Farm")
    barn = books.customer("Barn", Job=True, ParentRef={"value": ridge["Id"]})
    mill = vendor(books)
    first = books.invoice(ridge, item, 1000, TxnDate="2025-03-10", DueDate="2025-04-09")
    books.payment(ridge, 400, (first, 400), TxnDate="2025-12-20")
    books.invoice(barn, item, 500, TxnDate="2026-01-15", DueDate="2026-02-14", PrivateNote="north wall")
    owed = bill(books, mill, MATERIALS, 300, TxnDate="2026-02-01", DueDate="2026-03-03")
    books.payment(ridge, 600, (first, 600), TxnDate="2026-02-20")
    pay_bill(books, mill, owed, 120, TxnDate="2026-03-05")
    check = {"PaymentType": "Check", "AccountRef": {"value": CHECKING}, "TxnDate": "2026-03-10", "DocNumber": "77"}
    books.make("Purchase", {**check, "Line": [expense(RENT, 80)]})
    return books


def amounts(*values: object) -> list[Decimal]:
    return [Decimal(str(value)) for value in values]


def test_the_trial_balance_shows_balances_of_the_day_and_earlier_profit_as_retained(farm: Books) -> None:
    report = run(farm, "TrialBalance", **SPRING)
    assert report.by_id() == {
        CHECKING: amounts(0, 200),
        RECEIVABLE: amounts(500, 0),
        "4": amounts(1000, 0),
        PAYABLE: amounts(0, 180),
        RETAINED: amounts(0, 1000),
        "1": amounts(0, 500),
        MATERIALS: amounts(300, 0),
        RENT: amounts(80, 0),
    }
    assert report.group("GrandTotal") == amounts(1880, 1880)


def test_the_balance_sheet_of_a_day_in_the_past_knows_nothing_of_later_payments(farm: Books) -> None:
    report = run(farm, "BalanceSheet", start_date="2025-01-01", end_date="2025-12-31")
    assert report.group("AR") == amounts(600)
    assert report.group("OtherCurrentAssets") == amounts(400)
    assert report.group("NetIncome") == amounts(1000)
    assert report.group("TotalAssets") == report.group("TotalLiabilitiesAndEquity") == amounts(1000)
    assert not report.has("Retained Earnings")


def test_the_balance_sheet_moves_last_years_profit_to_retained_earnings(farm: Books) -> None:
    report = run(farm, "BalanceSheet", **SPRING)
    assert report.figure("Retained Earnings") == 1000
    assert report.group("NetIncome") == amounts(120)
    assert report.group("AP") == amounts(180)
    assert report.group("TotalAssets") == report.group("TotalLiabilitiesAndEquity") == amounts(1300)


def test_profit_and_loss_counts_invoices_and_bills_at_their_dates(farm: Books) -> None:
    report = run(farm, "ProfitAndLoss", **SPRING)
    assert report.header["ReportBasis"] == "Accrual"
    assert report.group("Income") == amounts(500)
    assert report.group("Expenses") == amounts(380)
    assert report.group("NetIncome") == amounts(120)


def test_on_the_cash_basis_income_and_expenses_count_when_paid_in_proportion(farm: Books) -> None:
    report = run(farm, "ProfitAndLoss", **SPRING, accounting_method="Cash")
    assert report.header["ReportBasis"] == "Cash"
    assert report.group("Income") == amounts(600)
    assert report.figure("Job Materials") == 120
    assert report.group("NetIncome") == amounts(400)
    sheet = run(farm, "BalanceSheet", **SPRING, accounting_method="Cash")
    assert sheet.figure("Retained Earnings") == 400
    assert sheet.group("TotalAssets") == sheet.group("TotalLiabilitiesAndEquity") == amounts(800)


def test_months_become_columns_that_add_up(farm: Books) -> None:
    report = run(farm, "ProfitAndLoss", **SPRING, summarize_column_by="Month")
    assert report.columns == ["", "Jan 2026", "Feb 2026", "Mar 2026", "Total"]
    assert report.group("NetIncome") == amounts(500, -300, -80, 120)
    assert report.texts("Services") == ["500.00", "", "", "500.00"]
    sheet = run(farm, "BalanceSheet", **SPRING, summarize_column_by="Month")
    assert sheet.group("AR") == amounts(1100, 500, 500, 500)


@pytest.mark.parametrize(
    ("unit", "start", "end", "titles"),
    [
        ("Month", "2026-01-20", "2026-02-28", ["Jan 20 - 31, 2026", "Feb 2026"]),
        ("Quarter", "2026-02-01", "2026-04-30", ["Feb - Mar, 2026", "Apr 2026"]),
        ("Year", "2025-12-15", "2026-03-31", ["Dec 15 - 31, 2025", "Jan - Mar, 2026"]),
        ("Week", "2026-02-15", "2026-03-03", ["Feb 15 - 21, 2026", "Feb 22 - 28, 2026", "Mar 1 - 3, 2026"]),
        ("Days", "2026-02-28", "2026-03-01", ["Feb 28, 2026", "Mar 1, 2026"]),
    ],
)
def test_periods_are_cut_to_the_range(farm: Books, unit: str, start: str, end: str, titles: list[str]) -> None:
    report = run(farm, "ProfitAndLoss", start_date=start, end_date=end, summarize_column_by=unit)
    assert report.columns == ["", *titles, "Total"]
    assert report.header["SummarizeColumnsBy"] == unit


def test_customers_become_columns_and_what_names_none_comes_last(farm: Books) -> None:
    report = run(farm, "ProfitAndLoss", **SPRING, summarize_column_by="Customers")
    assert report.columns == ["", "Ridge Farm:Barn", "Not Specified", "TOTAL"]
    assert report.group("NetIncome") == amounts(500, -380, 120)


def test_vendors_become_columns(farm: Books) -> None:
    report = run(farm, "ProfitAndLoss", **SPRING, summarize_column_by="Vendors")
    assert report.columns == ["", "Mill Supply", "Not Specified", "TOTAL"]
    assert report.group("Expenses") == amounts(300, 80, 380)


def test_a_customer_filter_leaves_that_customers_postings_and_stands_in_the_header(farm: Books) -> None:
    barn = farm.query("select * from Customer where DisplayName = 'Barn'")["Customer"][0]
    report = run(farm, "ProfitAndLoss", start_date="2025-01-01", end_date="2026-12-31", customer=barn["Id"])
    assert report.header["Customer"] == barn["Id"]
    assert report.group("NetIncome") == amounts(500)


def test_aged_receivables_put_each_document_where_its_due_date_says(farm: Books) -> None:
    report = run(farm, "AgedReceivables", report_date="2026-01-31")
    assert report.texts("Ridge Farm") == ["", "", "", "", "600.00", "600.00"]
    assert report.texts("Barn") == ["500.00", "", "", "", "", "500.00"]
    assert report.texts("Total Ridge Farm") == ["500.00", "", "", "", "600.00", "1100.00"]
    assert report.texts("TOTAL") == ["500.00", "0.00", "0.00", "0.00", "600.00", "1100.00"]
    assert report.options["report_date"] == report.header["EndPeriod"] == "2026-01-31"


def test_ages_can_be_cut_otherwise(farm: Books) -> None:
    report = run(farm, "AgedReceivables", report_date="2026-03-31", aging_period="15", num_periods="3")
    assert report.columns == ["", "Current", "1 - 15", "16 - 30", "31 and over", "Total"]
    assert report.texts("TOTAL") == ["0.00", "0.00", "0.00", "500.00", "500.00"]
    assert run(farm, "AgedReceivables", report_date="2026-03-31", past_due="46").options["NoReportData"] == "true"
    assert run(farm, "AgedReceivables", report_date="2026-03-31", past_due="45").group("GrandTotal")[-1] == 500


def test_aging_method_current_tells_the_state_of_today(farm: Books) -> None:
    report = run(farm, "AgedReceivables", report_date="2026-01-31", aging_method="Current")
    assert report.group("GrandTotal")[-1] == 500


def test_the_aged_detail_lists_open_items_with_what_is_open_of_them(farm: Books) -> None:
    report = run(farm, "AgedReceivableDetail", report_date="2026-01-31")
    assert report.data() == [
        ["2025-03-10", "Invoice", "1001", "Ridge Farm", "2025-04-09", "1000.00", "600.00"],
        ["2026-01-15", "Invoice", "1002", "Ridge Farm:Barn", "2026-02-14", "500.00", "500.00"],
    ]
    assert [row["Header"]["ColData"][0]["value"] for row in report.rows[:2]] == ["91 or more days past due", "Current"]
    assert report.texts("TOTAL")[-1] == "1100.00"


def test_aged_payables_show_what_is_owed_as_positive(farm: Books) -> None:
    report = run(farm, "AgedPayables", report_date="2026-03-31")
    assert report.texts("Mill Supply") == ["", "180.00", "", "", "", "180.00"]
    detail = run(farm, "AgedPayableDetail", report_date="2026-03-31")
    assert detail.data() == [["2026-02-01", "Bill", "", "Mill Supply", "2026-03-03", "28", "300.00", "180.00"]]


def test_customer_and_vendor_balances_of_any_day(farm: Books) -> None:
    assert run(farm, "CustomerBalance", report_date="2025-12-31").group("GrandTotal") == amounts(600)
    assert run(farm, "CustomerBalance").group("GrandTotal") == amounts(500)
    assert run(farm, "VendorBalance").group("GrandTotal") == amounts(180)
    detail = run(farm, "CustomerBalanceDetail", report_date="2025-12-31")
    assert detail.data() == [["2025-03-10", "Invoice", "1001", "2025-04-09", "1000.00", "600.00", "600.00"]]
    assert run(farm, "VendorBalanceDetail").texts("Total for Mill Supply")[-2:] == ["180.00", "180.00"]
    assert run(farm, "VendorBalanceDetail", appaid="Paid").options["NoReportData"] == "true"


def test_the_general_ledger_goes_from_the_beginning_balance_line_by_line(farm: Books) -> None:
    report = run(farm, "GeneralLedger", **SPRING, account=RECEIVABLE)
    assert report.data() == [
        ["Beginning Balance", "", "", "", "", "", "", "600.00"],
        ["2026-01-15", "Invoice", "1002", "Ridge Farm:Barn", "north wall", "Services", "500.00", "1100.00"],
        ["2026-02-20", "Payment", "", "Ridge Farm", "", "Undeposited Funds", "-600.00", "500.00"],
    ]
    assert report.texts("Total for Accounts Receivable (A/R)")[-2:] == ["-100.00", ""]


def test_income_accounts_begin_each_fiscal_year_with_nothing(farm: Books) -> None:
    report = run(farm, "GeneralLedger", start_date="2026-02-01", end_date="2026-02-28", account="1")
    assert report.data() == [["Beginning Balance", *[""] * 6, "500.00"]]
    assert run(farm, "GeneralLedger", start_date="2026-01-01", end_date="2026-01-10", account="1").rows == []
    earlier = run(farm, "GeneralLedger", start_date="2026-01-01", end_date="2026-01-10", account=RETAINED)
    assert earlier.data() == [["Beginning Balance", *[""] * 6, "1000.00"]]


def test_the_name_general_ledger_detail_means_the_same(farm: Books) -> None:
    report = run(farm, "GeneralLedgerDetail", **SPRING)
    assert report.header["ReportName"] == "GeneralLedger"
    assert report.rows == run(farm, "GeneralLedger", **SPRING).rows


def test_profit_and_loss_in_detail_ends_with_the_same_net_income(farm: Books) -> None:
    report = run(farm, "ProfitAndLossDetail", **SPRING)
    assert report.texts("Net Income")[-2] == "120.00"
    lines = [[line[index] for index in (0, 1, 3, 5, 6)] for line in report.data()]
    assert lines == [
        ["2026-01-15", "Invoice", "Ridge Farm:Barn", "Accounts Receivable (A/R)", "500.00"],
        ["2026-02-01", "Bill", "Mill Supply", "Accounts Payable (A/P)", "300.00"],
        ["2026-03-10", "Check", "", "Checking", "80.00"],
    ]


def test_the_transaction_list_has_each_transaction_once_with_its_first_account(farm: Books) -> None:
    report = run(farm, "TransactionList", **SPRING, columns="tx_date,txn_type,doc_num,account_name,subt_nat_amount")
    assert report.data() == [
        ["2026-01-15", "Invoice", "1002", "Accounts Receivable (A/R)", "500.00"],
        ["2026-02-01", "Bill", "", "Accounts Payable (A/P)", "300.00"],
        ["2026-02-20", "Payment", "", "Undeposited Funds", "600.00"],
        ["2026-03-05", "Bill Payment (Check)", "", "Checking", "-120.00"],
        ["2026-03-10", "Check", "77", "Checking", "-80.00"],
    ]


def test_the_transaction_list_can_be_filtered_sorted_and_grouped(farm: Books) -> None:
    columns = {"columns": "tx_date,subt_nat_amount"}
    paid = run(farm, "TransactionList", start_date="2025-01-01", end_date="2026-12-31", arpaid="Paid", **columns)
    assert paid.data() == [["2025-03-10", "1000.00"]]
    unpaid = run(farm, "TransactionList", start_date="2025-01-01", end_date="2026-12-31", appaid="Unpaid", **columns)
    assert unpaid.data() == [["2026-02-01", "300.00"]]
    big = run(farm, "TransactionList", **SPRING, sort_by="subt_nat_amount", sort_order="descend", **columns)
    assert [line[1] for line in big.data()] == ["600.00", "500.00", "300.00", "-80.00", "-120.00"]
    checks = run(farm, "TransactionList", **SPRING, transaction_type="Check", **columns)
    assert checks.data() == [["2026-03-10", "-80.00"]]
    by_account = run(farm, "TransactionList", **SPRING, account=RENT, **columns)
    assert by_account.data() == [["2026-03-10", "-80.00"]]
    grouped = run(farm, "TransactionList", **SPRING, group_by="Vendor", **columns)
    assert grouped.texts("Total for Mill Supply") == ["180.00"]
    assert run(farm, "TransactionList", **SPRING, cleared="Reconciled", **columns).options["NoReportData"] == "true"


def test_lists_by_customer_and_vendor_leave_out_what_concerns_neither(farm: Books) -> None:
    assert run(farm, "TransactionListByCustomer", **SPRING).texts("Total for Ridge Farm")[-1] == "600.00"
    vendors = run(farm, "TransactionListByVendor", **SPRING)
    assert [line[1] for line in vendors.data()] == ["Bill", "Bill Payment (Check)"]


def test_the_list_with_splits_shows_every_posting(farm: Books) -> None:
    report = run(farm, "TransactionListWithSplits", start_date="2026-03-10", end_date="2026-03-10")
    assert [(line[6], line[7]) for line in report.data()] == [("Checking", "-80.00"), ("Rent or Lease", "80.00")]


def test_income_by_customer_and_expenses_by_vendor(farm: Books) -> None:
    assert run(farm, "CustomerIncome", **SPRING).texts("Barn") == ["500.00", "", "500.00"]
    report = run(farm, "VendorExpenses", **SPRING)
    assert [report.figure(name) for name in ("Mill Supply", "Not Specified", "TOTAL")] == amounts(300, 80, 380)


def test_sales_by_customer_product_class_and_department_have_one_total(farm: Books) -> None:
    totals = {name: run(farm, name, **SPRING).group("GrandTotal") for name in ("CustomerSales", "ClassSales")}
    assert totals == {"CustomerSales": amounts(500), "ClassSales": amounts(500)}
    assert run(farm, "DepartmentSales", **SPRING).figure("Total") == 500
    items = run(farm, "ItemSales", **SPRING)
    assert items.texts("Labor") == ["", "500.00", "100.00 %", "", "", "", ""]
    months = run(farm, "CustomerSales", **SPRING, summarize_column_by="Month")
    assert months.texts("Barn") == ["500.00", "", "", "500.00"]


def test_cash_flow_leads_from_net_income_to_the_money_there_is(farm: Books) -> None:
    report = run(farm, "CashFlow", **SPRING)
    assert report.group("OperatingActivities") == amounts(400)
    assert report.group("CashIncrease") == amounts(400)
    assert report.group("BeginningCash") == amounts(400)
    assert report.group("EndingCash") == amounts(800)


def test_inventory_is_valued_at_its_cost_on_a_day(books: Books) -> None:
    item = books.item(
        "Pump", Type="Inventory", TrackQtyOnHand=True, QtyOnHand=10, InvStartDate="2026-01-01", PurchaseCost=4,
        ExpenseAccountRef={"value": "29"}, AssetAccountRef={"value": "30"}, IncomeAccountRef={"value": "28"},
    )  # fmt: skip
    detail = {"ItemRef": {"value": item["Id"]}, "Qty": 3, "UnitPrice": 10}
    sale = {"DetailType": "SalesItemLineDetail", "Amount": 30, "SalesItemLineDetail": detail}
    body = {"CustomerRef": {"value": books.customer()["Id"]}, "Line": [sale], "TxnDate": "2026-02-10"}
    books.make("Invoice", body)
    before, after = (run(books, "InventoryValuationSummary", report_date=day) for day in ("2026-02-09", "2026-02-10"))
    assert before.texts("Pump") == ["", "10.00", "40.00", "4.00"]
    assert after.texts("Pump") == ["", "7.00", "28.00", "4.00"]
    assert after.texts("TOTAL") == [" ", "", "28.00", ""]
    sold = run(books, "ItemSales", start_date="2026-02-01", end_date="2026-02-28")
    assert sold.texts("Pump") == ["3.00", "30.00", "100.00 %", "10.00", "12.00", "18.00", "60.00 %"]


def test_the_account_list_has_types_and_balances(farm: Books) -> None:
    report = run(farm, "AccountList", account_type="Bank", columns="account_name,account_type,account_bal")
    assert report.data() == [["Checking", "Bank", "-200.00"], ["Savings", "Bank", ".00"]]


def test_classes_and_departments_of_sales_carry_their_id_as_the_rows_group(books: Books) -> None:
    roof = books.make("Class", {"Name": "Roof"})
    north = books.make("Department", {"Name": "North"})
    item, customer = books.item(), books.customer()
    detail = {"ItemRef": {"value": item["Id"]}, "ClassRef": {"value": roof["Id"]}}
    sale = {"DetailType": "SalesItemLineDetail", "Amount": 90, "SalesItemLineDetail": detail}
    fields = {"TxnDate": "2026-02-10", "DepartmentRef": {"value": north["Id"]}}
    books.make("Invoice", {"CustomerRef": {"value": customer["Id"]}, "Line": [sale], **fields})
    books.invoice(customer, item, 10, TxnDate="2026-02-11")
    by_class = run(books, "ClassSales", **SPRING)
    assert by_class.group(roof["Id"]) == amounts(90)
    assert by_class.group("**") == amounts(10)
    assert run(books, "DepartmentSales", **SPRING).group(north["Id"]) == amounts(90)
    assert run(books, "ProfitAndLoss", **SPRING, **{"class": roof["Id"]}).group("NetIncome") == amounts(90)
    sheet = run(books, "ProfitAndLoss", **SPRING, summarize_column_by="Classes")
    assert sheet.columns == ["", "Roof", "Not Specified", "TOTAL"]


def test_money_nobody_applied_yet_counts_as_unapplied_income_on_the_cash_basis(books: Books) -> None:
    customer = books.customer()
    books.payment(customer, 70, TxnDate="2026-02-10")
    report = run(books, "ProfitAndLoss", **SPRING, accounting_method="Cash")
    assert report.figure("Unapplied Cash Payment Income") == 70
    assert not run(books, "ProfitAndLoss", **SPRING).has("Unapplied Cash Payment Income")


def test_a_payment_before_the_invoices_date_waits_on_receivables_in_the_cash_books(books: Books) -> None:
    item, customer = books.item(), books.customer()
    invoice = books.invoice(customer, item, 100, TxnDate="2026-03-10")
    books.payment(customer, 100, (invoice, 100), TxnDate="2026-02-10")
    february = {"start_date": "2026-02-01", "end_date": "2026-02-28", "accounting_method": "Cash"}
    assert run(books, "ProfitAndLoss", **february).options["NoReportData"] == "true"
    assert run(books, "BalanceSheet", **february).group("AR") == amounts(-100)
    march = {"start_date": "2026-03-01", "end_date": "2026-03-31", "accounting_method": "Cash"}
    assert run(books, "ProfitAndLoss", **march).group("NetIncome") == amounts(100)


def test_the_basis_is_the_companys_preference_unless_asked(books: Books) -> None:
    preferences = books.read("Preferences", "1")
    books.change("Preferences", {**preferences, "Id": "1"}, ReportPrefs={"ReportBasis": "Cash"})
    assert run(books, "TrialBalance").header["ReportBasis"] == "Cash"
    assert run(books, "TrialBalance", accounting_method="Accrual").header["ReportBasis"] == "Accrual"


def test_the_fiscal_year_begins_where_the_company_says(farm: Books, books: Books) -> None:
    july = {"AccountingInfoPrefs": {"FirstMonthOfFiscalYear": "July"}}
    books.ui(act="edit", entity="Preferences", id="1", fields=july)
    item, customer = books.item(), books.customer()
    books.invoice(customer, item, 100, TxnDate="2025-06-30")
    books.invoice(customer, item, 30, TxnDate="2025-07-01")
    report = run(books, "BalanceSheet", start_date="2025-07-01", end_date="2026-06-30")
    assert report.figure("Retained Earnings") == 100
    assert report.group("NetIncome") == amounts(30)
    assert "fiscal" in run(books, "ProfitAndLoss").header["DateMacro"]
    assert run(farm, "ProfitAndLoss").header["DateMacro"] == "this calendar year-to-date"


def test_an_empty_report_says_so(books: Books) -> None:
    for name in ("TrialBalance", "AgedReceivables", "GeneralLedger", "TransactionList", "CustomerSales"):
        report = run(books, name)
        assert report.options["NoReportData"] == "true"
        assert report.body["Rows"] == {}
    empty = run(books, "ProfitAndLoss")
    assert empty.texts("Net Income") == [""]
    assert [row["group"] for row in empty.rows] == [
        "Income", "GrossProfit", "Expenses", "NetOperatingIncome", "NetIncome",
    ]  # fmt: skip


def test_a_voided_invoice_is_listed_with_nothing(books: Books) -> None:
    invoice = books.invoice(books.customer(), books.item(), 100, TxnDate="2026-02-10")
    body = {"Id": invoice["Id"], "SyncToken": invoice["SyncToken"]}
    books.make("Invoice", body, operation="void")
    report = run(books, "TransactionList", **SPRING, columns="txn_type,subt_nat_amount")
    assert report.data() == [["Invoice", ".00"]]
    assert run(books, "TrialBalance", **SPRING).options["NoReportData"] == "true"


@pytest.mark.parametrize("name", ["Nonsense", "profitandloss", "Cashflow", "ARAgingDetail"])
def test_an_unknown_report_name_is_refused_with_5020_also_in_the_wrong_case(books: Books, name: str) -> None:
    assert refused(books, name) == (400, "5020", "ReportName")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"start_date": "01/31/2026"}, "2060"),
        ({"end_date": "2026-02-30"}, "2060"),
        ({"start_date": "2026-03-01", "end_date": "2026-02-01"}, "2070"),
        ({"start_date": "0001-01-01"}, "2070"),
        ({"end_date": "9999-12-31"}, "2070"),
        ({"date_macro": "Some Day"}, "2170"),
        ({"accounting_method": "Barter"}, "2170"),
        ({"summarize_column_by": "Moons"}, "2170"),
        ({"sort_order": "sideways"}, "2170"),
        ({"customer": "Ridge Farm"}, "2030"),
    ],
)
def test_a_parameter_without_a_meaning_is_refused_by_its_name(books: Books, params: dict[str, str], code: str) -> None:
    assert refused(books, "ProfitAndLoss", **params) == (400, code, next(iter(params)))


@pytest.mark.parametrize(
    ("name", "params", "code"),
    [
        ("AgedReceivables", {"report_date": "soon"}, "2060"),
        ("AgedReceivables", {"aging_period": "many"}, "2090"),
        ("AgedReceivables", {"num_periods": "0"}, "2180"),
        ("GeneralLedger", {"columns": "tx_date,colour"}, "2170"),
        ("AccountList", {"columns": "colour"}, "2170"),
        ("TransactionList", {"group_by": "Colour"}, "2170"),
    ],
)
def test_parameters_of_single_reports_are_checked_too(
    books: Books, name: str, params: dict[str, str], code: str
) -> None:
    status, found, _ = refused(books, name, **params)
    assert (status, found) == (400, code)


MACROS = [
    *("Today", "Yesterday", "Next 4 Weeks", "All", "this month-to-date", "Last Fiscal Quarter-to-date"),
    *(f"{which} {unit}" for which in ("This", "Last", "Next")
      for unit in ("Week", "Month", "Fiscal Quarter", "Fiscal Year", "Calendar Year")),
    *(f"{which} {unit}-to-date" for which in ("This", "Last")
      for unit in ("Week", "Month", "Fiscal Quarter", "Fiscal Year")),
]  # fmt: skip


def test_every_named_range_ends_where_it_should(farm: Books) -> None:
    for macro in MACROS:
        header = run(farm, "CashFlow", date_macro=macro).header
        assert header["DateMacro"].split(" ")[0] == macro.lower().split(" ")[0]
        assert macro == "All" or header["StartPeriod"] <= header["EndPeriod"]


def test_unknown_parameters_and_ids_of_nobody_find_nothing_and_are_no_fault(farm: Books) -> None:
    report = run(farm, "CustomerSales", **SPRING, customer="99999", colour="green", qzurl="true", minorversion="75")
    assert report.options["NoReportData"] == "true"


def test_a_doubled_ampersand_and_unescaped_blanks_are_read(farm: Books) -> None:
    response = farm.session.get(
        f"{farm.url}/reports/AgedPayables?date_macro=Today&&minorversion=75&format=json", timeout=20
    )
    assert response.status_code == 200
    assert response.json()["Header"]["DateMacro"] == "today"
    spaced = farm.session.get(
        f"{farm.url}/reports/ProfitAndLoss?date_macro=Last Fiscal Year&&minorversion=75", timeout=20
    )
    assert spaced.json()["Header"]["DateMacro"] == "last calendar year"


def test_every_row_of_data_has_a_cell_for_each_column(farm: Books) -> None:
    for name in ("GeneralLedger", "TransactionList", "AgedPayableDetail", "CustomerBalanceDetail", "TrialBalance"):
        report = run(farm, name, date_macro="all")
        widths = {len(row["ColData"]) for row in data_rows(report.rows)}
        assert widths == {len(report.columns)}, name
