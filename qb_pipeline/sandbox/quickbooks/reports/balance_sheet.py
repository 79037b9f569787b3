"""The balance sheet, and the balances of every account at a date.

Invariant: assets equal liabilities and equity on every day. Profit of earlier fiscal years counts as retained earnings,
that of the year as Net Income.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.reports.asked import Asked
from qb_pipeline.sandbox.quickbooks.reports.chart import Account, names, tree_rows
from qb_pipeline.sandbox.quickbooks.reports.dates import fiscal_start
from qb_pipeline.sandbox.quickbooks.reports.movements import ALL, Movements, movements
from qb_pipeline.sandbox.quickbooks.reports.profit_and_loss import FIRST_COLUMN, STANDARD, signed
from qb_pipeline.sandbox.quickbooks.reports.shape import (
    Content,
    Row,
    Values,
    added,
    cell,
    data,
    figures,
    plus,
    section,
    zeroed,
)
from qb_pipeline.sandbox.quickbooks.reports.slices import DIMENSIONS, Slice, dimension, slices

# Section title, its group, and the type of its accounts.
CURRENT_ASSETS = (
    ("Bank Accounts", "BankAccounts", "Bank"),
    ("Accounts Receivable", "AR", "Accounts Receivable"),
    ("Other Current Assets", "OtherCurrentAssets", "Other Current Asset"),
)
MORE_ASSETS = (("Fixed Assets", "FixedAssets", "Fixed Asset"), ("Other Assets", "OtherAssets", "Other Asset"))
CURRENT_LIABILITIES = (
    ("Accounts Payable", "AP", "Accounts Payable"),
    ("Credit Cards", "CreditCards", "Credit Card"),
    ("Other Current Liabilities", "OtherCurrentLiabilities", "Other Current Liability"),
)
LONG_TERM = (("Long-Term Liabilities", "LongTermLiabilities", "Long Term Liability"),)
Part = tuple[Row | None, Values]


def balance_sheet(company: Company, asked: Asked) -> Content:
    """Balances at the end of the range, or of each of its periods."""
    moves = movements(company, asked, asked.end, dimension(asked))
    members = names(company, DIMENSIONS[asked.summarize][1]) if dimension(asked) else {}
    columns = slices(asked, moves, members, profit_only=False)
    sheet = Sheet(moves, columns, asked.first_month)
    rows = [sheet.assets(), sheet.funds()]
    return Content([FIRST_COLUMN, *(one.column() for one in columns)], rows, not sheet.values, dict(STANDARD))


def retained_account(accounts: Iterable[Account]) -> Account | None:
    """The account that earlier years' profit is shown on."""
    return next((one for one in accounts if one.subtype == "RetainedEarnings"), None)


def position(moves: Movements, account: Account, end: date, year: date, member: str = ALL) -> Decimal | None:
    """An account's debit balance at a date, seen within the fiscal year that begins on `year`.

    Profit and loss count from there, all else from the beginning; earlier profit is part of retained earnings.
    """
    if account.profit:
        return moves.between(account.id, year, end, member)
    if not moves.shows(account.id):
        return None
    balance = moves.between(account.id, None, end, member)
    if account.subtype != "RetainedEarnings" or retained_account(moves.accounts.values()) != account:
        return balance
    earlier = moves.profit(None, min(end, year - timedelta(days=1)), member)
    return balance if balance is None and not earlier else (balance or Decimal(0)) - earlier


class Sheet:
    """The figures of one balance sheet and the sections made of them."""

    def __init__(self, moves: Movements, columns: list[Slice], first_month: int) -> None:
        self.moves, self.columns, self.first_month = moves, columns, first_month
        self.values = {one.id: found for one in moves.accounts.values() if (found := self.balances(one))}

    def balances(self, account: Account) -> Values | None:
        """The account's balance in each column; None when it has none, or belongs to profit and loss."""
        if account.profit:
            return None
        found = [position(self.moves, account, one.end, self.year(one), one.member) for one in self.columns]
        if all(value is None for value in found):
            return None
        return [signed(account, value) for value in found]

    def net_income(self) -> Values:
        """Profit from the beginning of the fiscal year to each column's end."""
        if self.moves.only is not None:
            return [None for _ in self.columns]
        return [self.moves.profit(self.year(one), one.end, one.member) for one in self.columns]

    def year(self, one: Slice) -> date:
        """The beginning of the fiscal year a column ends in."""
        return fiscal_start(one.end, self.first_month)

    def accounts(self, kind: str) -> tuple[list[Row], Values]:
        """Rows of one type of account."""
        tree = {one.id: one for one in self.moves.accounts.values() if one.kind == kind}
        chosen = {one: self.values[one] for one in tree if one in self.values}
        return tree_rows(tree, chosen, len(self.columns))

    def kinds(self, wanted: Iterable[tuple[str, str, str]]) -> list[Part]:
        """A section for each type that has accounts."""
        found = [(title, group, *self.accounts(kind)) for title, group, kind in wanted]
        return [(self.titled(title, rows, total, group), total) for title, group, rows, total in found if rows]

    def titled(self, title: str, rows: list[Row], total: Values, group: str, summary: str | None = None) -> Row:
        """A section with its sum."""
        header = [cell(title), *(cell("") for _ in self.columns)]
        return section(header, rows, [cell(summary or f"Total {title}"), *figures(total)], group)

    def bundle(self, title: str, parts: list[Part], group: str) -> list[Part]:
        """A section of sections; none where there is nothing in it."""
        if not parts:
            return []
        total = self.sum(parts)
        return [(self.titled(title, rows_of(parts), total, group), total)]

    def sum(self, parts: list[Part]) -> Values:
        """Of several sections."""
        return added((total for _, total in parts), len(self.columns))

    def assets(self) -> Row:
        """What the company has."""
        parts = self.bundle("Current Assets", self.kinds(CURRENT_ASSETS), "CurrentAssets") + self.kinds(MORE_ASSETS)
        return self.titled("ASSETS", rows_of(parts), self.grand(self.sum(parts)), "TotalAssets", "TOTAL ASSETS")

    def funds(self) -> Row:
        """What it owes, and what is its owners'."""
        owed = self.bundle("Current Liabilities", self.kinds(CURRENT_LIABILITIES), "CurrentLiabilities")
        parts = self.bundle("Liabilities", owed + self.kinds(LONG_TERM), "Liabilities") + self.equity()
        total = self.grand(self.sum(parts))
        return self.titled(
            "LIABILITIES AND EQUITY", rows_of(parts), total, "TotalLiabilitiesAndEquity", "TOTAL LIABILITIES AND EQUITY"
        )

    def equity(self) -> list[Part]:
        """Equity accounts, then this year's profit."""
        rows, total = self.accounts("Equity")
        net = self.net_income()
        if not rows and not any(net):
            return []
        if self.moves.only is None:
            rows.append(data([cell("Net Income"), *figures(net)], group="NetIncome"))
        total = plus(total, net)
        return [(self.titled("Equity", rows, total, "Equity"), total)]

    def grand(self, total: Values) -> Values:
        """A grand total: empty only where the whole report is."""
        return zeroed(total) if self.values or any(self.net_income()) else total


def rows_of(parts: list[Part]) -> list[Row]:
    """The sections without their sums."""
    return [row for row, _ in parts if row is not None]
