"""The reports by the names QBO knows them by, and what their headers say.

Invariant: a name that is not exactly one of these is refused as QBO refuses it: 5020, whatever the reason.

    run(company, "ProfitAndLoss", {"date_macro": "Last Month"}) -> the answer's JSON text
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.faults import Fault
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, dumps
from qb_pipeline.sandbox.quickbooks.reports.account_list import account_list
from qb_pipeline.sandbox.quickbooks.reports.aged import detail, summary
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked, asked
from qb_pipeline.sandbox.quickbooks.reports.balance_sheet import balance_sheet
from qb_pipeline.sandbox.quickbooks.reports.by_party import customer_income, vendor_expenses
from qb_pipeline.sandbox.quickbooks.reports.cash_flow import cash_flow
from qb_pipeline.sandbox.quickbooks.reports.detail_columns import TooMuch
from qb_pipeline.sandbox.quickbooks.reports.general_ledger import general_ledger
from qb_pipeline.sandbox.quickbooks.reports.inventory import inventory_valuation
from qb_pipeline.sandbox.quickbooks.reports.open_items import PAYABLE, RECEIVABLE
from qb_pipeline.sandbox.quickbooks.reports.party_balances import balance_detail, balances
from qb_pipeline.sandbox.quickbooks.reports.profit_and_loss import profit_and_loss
from qb_pipeline.sandbox.quickbooks.reports.profit_detail import profit_and_loss_detail
from qb_pipeline.sandbox.quickbooks.reports.sales import by, item_sales
from qb_pipeline.sandbox.quickbooks.reports.shape import Content, cell, data
from qb_pipeline.sandbox.quickbooks.reports.transaction_lists import by_party, transaction_list, with_splits
from qb_pipeline.sandbox.quickbooks.reports.trial_balance import trial_balance
from qb_pipeline.sandbox.quickbooks.rows import ref_value

YEAR_TO_DATE, MONTH_TO_DATE = "This Fiscal Year-to-date", "This Month-to-date"
TOO_MUCH = "Unable to display more data. Please reduce the date range."
HEADER_FILTERS = ("Customer", "Vendor", "Employee", "Item", "Class", "Department")


@dataclass(frozen=True)
class Report:
    """One report: what computes it, the range without dates, and which parts its header has."""

    build: Callable[[Company, Asked], Content]
    macro: str = YEAR_TO_DATE
    basis: bool = True
    summarized: bool = False
    period: str = "both"
    name: str | None = None
    dated: bool = True
    # Whether it can be had on the cash basis.
    cash: bool = True


REPORTS: dict[str, Report] = {
    "ProfitAndLoss": Report(profit_and_loss, summarized=True),
    "BalanceSheet": Report(balance_sheet, summarized=True),
    "TrialBalance": Report(trial_balance, MONTH_TO_DATE),
    "GeneralLedger": Report(general_ledger, MONTH_TO_DATE),
    "GeneralLedgerDetail": Report(general_ledger, MONTH_TO_DATE, name="GeneralLedger"),
    "ProfitAndLossDetail": Report(profit_and_loss_detail, MONTH_TO_DATE),
    "AgedReceivables": Report(summary(RECEIVABLE), "Today", basis=False),
    "AgedPayables": Report(summary(PAYABLE), "Today", basis=False),
    "AgedReceivableDetail": Report(detail(RECEIVABLE), "Today", basis=False, period="end"),
    "AgedPayableDetail": Report(detail(PAYABLE), "Today", basis=False, period="end"),
    "CustomerBalance": Report(balances(RECEIVABLE), "All", basis=False),
    "VendorBalance": Report(balances(PAYABLE), "All", basis=False),
    "CustomerBalanceDetail": Report(balance_detail(RECEIVABLE), "All", basis=False),
    "VendorBalanceDetail": Report(balance_detail(PAYABLE), "All", basis=False),
    "TransactionList": Report(transaction_list, MONTH_TO_DATE, basis=False),
    "TransactionListWithSplits": Report(with_splits, MONTH_TO_DATE, basis=False),
    # The space after the title is QBO's.
    "TransactionListByCustomer": Report(by_party("Customer", "amount", "Amount "), MONTH_TO_DATE, basis=False),
    "TransactionListByVendor": Report(by_party("Vendor", "nat_amount", "Amount"), MONTH_TO_DATE, basis=False),
    "CustomerIncome": Report(customer_income),
    "VendorExpenses": Report(vendor_expenses, summarized=True),
    "CustomerSales": Report(by("customer", "Customer", "Customer"), summarized=True),
    "ItemSales": Report(item_sales, MONTH_TO_DATE, summarized=True, cash=False),
    "ClassSales": Report(by("class", "Class", "Class", grouped=True), MONTH_TO_DATE, summarized=True),
    "DepartmentSales": Report(
        by("department", "Department", "Department", total="Total", grouped=True), MONTH_TO_DATE, summarized=True
    ),
    "CashFlow": Report(cash_flow, basis=False, summarized=True),
    "InventoryValuationSummary": Report(inventory_valuation, "Today", basis=False),
    "AccountList": Report(account_list, "Today", basis=False, period="none", dated=False),
}


def run(company: Company, name: str, query: Mapping[str, str]) -> str:
    """The report as JSON text, without an envelope. Faults 5020, 2030, 2060, 2070, 2090, 2170, 2180."""
    report = REPORTS.get(name)
    if report is None:
        raise Fault(
            5020,
            "Permission Denied Error : You do not have the access rights to use this feature.",
            element="ReportName",
        )
    request = asked(company, query, report.macro)
    request = replace(request, cash=request.cash and report.cash and report.basis)
    content = built(report, company, request)
    rows = {"Row": content.rows} if content.rows else {}
    top = header(company, name, report, request, content)
    return dumps({"Header": top, "Columns": {"Column": content.columns}, "Rows": rows})


def built(report: Report, company: Company, request: Asked) -> Content:
    """The report, or the line QBO shows in place of too many."""
    try:
        return report.build(company, request)
    except TooMuch as much:
        cells = [cell(TOO_MUCH), *(cell("") for _ in much.columns[1:])]
        return Content(much.columns, [data(cells)], empty=False)


def header(company: Company, name: str, report: Report, request: Asked, content: Content) -> JsonObject:
    """The header's parts in QBO's order."""
    result: JsonObject = {"Time": company.stamp, "ReportName": report.name or name}
    if request.macro is not None and report.dated:
        result["DateMacro"] = request.macro
    if report.basis:
        result["ReportBasis"] = "Cash" if request.cash else "Accrual"
    result |= dates(report, request)
    if report.summarized:
        result["SummarizeColumnsBy"] = request.summarize
    result["Currency"] = ref_value(company.preferences().get("CurrencyPrefs") or {}, "HomeCurrency") or "USD"
    sent = {key: request.filters.get(key.lower()) for key in HEADER_FILTERS}
    result |= {key: ",".join(ids) for key, ids in sent.items() if ids}
    options = {**content.options, "NoReportData": "true" if content.empty else "false"}
    return {**result, "Option": [{"Name": key, "Value": value} for key, value in options.items()]}


def dates(report: Report, request: Asked) -> JsonObject:
    """StartPeriod and EndPeriod, as far as the report has them."""
    if request.macro == "all" or report.period == "none":
        return {}
    end = {"EndPeriod": request.end.isoformat()}
    return end if report.period == "end" else {"StartPeriod": request.start.isoformat(), **end}
