"""What all reports of a company have to agree on, whatever was posted."""

from __future__ import annotations

from decimal import Decimal

from qb_pipeline_tests.sandbox.quickbooks.books import Books
from qb_pipeline_tests.sandbox.quickbooks.reading_reports import Report, all_rows, ledger_ends, run

ZERO = Decimal(0)


def total(report: Report) -> Decimal:
    """The grand total, zero for an empty report."""
    return report.group("GrandTotal")[-1] if report.rows else ZERO


def group(report: Report, name: str) -> Decimal:
    """A group's figure, zero where the report lacks it."""
    present = any(row.get("group") == name for row in all_rows(report.rows))
    return report.group(name)[-1] if present else ZERO


def trial(report: Report) -> dict[str, Decimal]:
    """Debit balances by account."""
    return {key: debit - credit for key, (debit, credit) in report.by_id().items()}


def of_type(books: Books, kind: str) -> list[str]:
    found = books.query(f"select * from Account where AccountType = '{kind}' maxresults 1000")
    return [one["Id"] for one in found.get("Account", [])]


def check_day(books: Books, day: str) -> None:
    """Every agreement, on the books as of one day; the fiscal year is the calendar's."""
    year = {"start_date": f"{day[:4]}-01-01", "end_date": day}
    for basis in ("Accrual", "Cash"):
        check_statements(books, {**year, "accounting_method": basis})
    balances = trial(run(books, "TrialBalance", **year))
    sheet = run(books, "BalanceSheet", **year)
    check_side(books, day, "Customer", "AgedReceivable", group(sheet, "AR"), balances, "Accounts Receivable")
    check_side(books, day, "Vendor", "AgedPayable", group(sheet, "AP"), balances, "Accounts Payable")
    ends = ledger_ends(run(books, "GeneralLedger", **year, minorversion="75"))
    kinds = {
        one["Id"]: one["Classification"] for one in books.query("select * from Account maxresults 1000")["Account"]
    }
    signed = {key: value * (1 if kinds[key] in ("Asset", "Expense") else -1) for key, value in balances.items()}
    assert {key: value for key, value in ends.items() if value} == signed
    check_cash(books, year, sheet)


def check_statements(books: Books, params: dict[str, str]) -> None:
    """Trial balance, balance sheet and profit and loss of one basis."""
    balances = run(books, "TrialBalance", **params)
    debit, credit = balances.group("GrandTotal") if balances.rows else [ZERO, ZERO]
    assert debit == credit == sum((value for value in trial(balances).values() if value > 0), ZERO)
    sheet = run(books, "BalanceSheet", **params)
    assert group(sheet, "TotalAssets") == group(sheet, "TotalLiabilitiesAndEquity")
    net = group(run(books, "ProfitAndLoss", **params), "NetIncome")
    assert group(sheet, "NetIncome") == net
    months = run(books, "ProfitAndLoss", **params, summarize_column_by="Month").group("NetIncome")
    assert sum(months[:-1], ZERO) == months[-1] == net
    customers = run(books, "ProfitAndLoss", **params, summarize_column_by="Customers").group("NetIncome")
    assert sum(customers[:-1], ZERO) == customers[-1] == net
    detail = run(books, "ProfitAndLossDetail", **params)
    assert (Decimal(detail.texts("Net Income")[-2]) if detail.rows else ZERO) == net


def check_side(
    books: Books, day: str, party: str, aged: str, line: Decimal, balances: dict[str, Decimal], kind: str
) -> None:
    """Receivables or payables: reports by party, the control account, the balance sheet."""
    sign = 1 if party == "Customer" else -1
    at = {"report_date": day}
    control = sign * sum((balances.get(one, ZERO) for one in of_type(books, kind)), ZERO)
    assert control == line
    assert total(run(books, f"{aged}s", **at)) == line
    assert total(run(books, f"{party}Balance", **at)) == line
    detail = run(books, f"{aged}Detail", **at)
    assert (Decimal(detail.texts("TOTAL")[-1]) if detail.rows else ZERO) == line
    by_party = run(books, f"{party}BalanceDetail", **at)
    ends = [Decimal(row["Summary"]["ColData"][-1]["value"]) for row in by_party.rows if "Header" in row]
    assert sum(ends, ZERO) == line


def check_cash(books: Books, year: dict[str, str], sheet: Report) -> None:
    """Cash flow ends with the money on the balance sheet."""
    money = group(sheet, "BankAccounts")
    money += sheet.figure("Undeposited Funds") if sheet.has("Undeposited Funds") else ZERO
    flow = run(books, "CashFlow", **year)
    assert flow.group("EndingCash") == [money]
    assert group(flow, "BeginningCash") + group(flow, "CashIncrease") == money
